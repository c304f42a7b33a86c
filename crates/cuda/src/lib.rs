//! Graphics processors of NVIDIA as a device of the engine.
//!
//! A plan becomes commands over places ([`command`]): elementwise chains are generated C
//! ([`chain`]), matrix products go to the driver, everything else to kernels in `kernels/*.cu`.
//! The one thing that touches a graphics processor is a [`driver::Driver`]; kernels are written so that a
//! host can stand in for one, and tests compare every operation with the device `reference` that way.
//!
//! Kernels give the same bits every time: sums go by fixed trees, and what is added to one place is
//! found in a fixed order. What is wrong with values (an index outside its table, a matrix that is not
//! positive definite) kernels note in the device's memory; a program that can note something reads that
//! once, when all its commands are queued, and its assignments are not made where something was noted.
//!
//! The driver of NVIDIA's devices is there with the feature `cuda`. It needs nothing to be built or to
//! start, and says what is missing:
//!
//! ```
//! # #[cfg(feature = "cuda")]
//! match cuda::nvidia::device(0, None, cuda::Limits::default()) {
//!     Ok(device) => println!("programs can run on {}", device.name()),
//!     Err(missing) => println!("{missing}"),
//! }
//! ```

pub mod chain;
pub mod command;
mod context;
mod device;
pub mod driver;
pub mod launch;
mod lower;
#[cfg(feature = "cuda")]
pub mod nvidia;
pub mod pool;
mod program;
pub mod source;
mod storage;

pub use device::{Limits, device};

/// Version of the numbers: raised whenever a change of kernels, or of how plans are lowered, alters the bits of
/// any result. It counts beside that of the engine.
pub const NUMERIC_VERSION: u32 = 1;
