//! Reverse-mode differentiation of any order over a graph that is data, on BLAS.
//!
//! A computation is traced once per shape into a [`Graph`]; [`Graph::grad`] and [`Graph::hvp`] write
//! more nodes into the same graph; [`Graph::compile`] plans a [`Program`] that shares common work,
//! fuses elementwise chains, assigns buffers by liveness and then replays without allocating.
//!
//! ```
//! use autodiff::{Buffer, DType, Device, Graph};
//!
//! let graph = Graph::new(DType::F64);
//! let w = graph.input("w", &[2]);
//! let loss = w.square().sum_all();
//! let gradient = graph.grad(loss, &[w])?[0];
//! graph.assign(w, w.sub(gradient.mul_scalar(0.1))?)?;
//! let mut step = graph.compile(&[loss])?;
//!
//! let mut weights = Buffer::from_slice(Device::cpu(), &[1.0f64, -2.0])?;
//! step.run(&mut [&mut weights])?;
//! assert_eq!(step.output(0).to_vec::<f64>()?, [5.0]);
//! assert_eq!(weights.to_vec::<f64>()?, [0.8, -1.6]);
//! # Ok::<(), autodiff::Error>(())
//! ```

// The device that tests compare with names this crate from outside.
#[cfg(test)]
extern crate self as autodiff;

mod check;
mod cpu;
mod device;
mod error;
mod exec;
mod grad;
mod graph;
pub mod ops;
mod plan;
mod program;
#[cfg(test)]
#[path = "../../reference/src/lib.rs"]
#[expect(unreachable_pub, reason = "it is a crate of its own for everyone else")]
mod reference;
mod row_sparse;
mod signature;

pub use check::{Domain, check_grad};
pub use device::{Buffer, Device};
pub use error::Error;
pub use exec::Call;
pub use graph::{Derivative, Graph, InputInfo, Op, Var};
pub use kernels::blas::{blas_config, blas_core, use_modern_blas};
pub use kernels::elementwise::Function;
pub use kernels::memory::Workspace;
pub use kernels::parallel::set_threads;
pub use kernels::recurrence::Cell;
pub use kernels::{DType, Element, Float, Layout};
pub use ops::{Attention, Conv2d, ConvMethod, LocalResponseNorm, Pool2d, Recurrence, Unrolled};
pub use program::Program;
pub use row_sparse::RowSparse;
pub use signature::Signature;

/// What a back end is made of: a device's share of the engine, such as `cpu` has in here.
pub mod backend {
    pub use crate::device::{Backend, Executable, Storage};
    pub use crate::exec::Operand;
    pub use crate::plan::{Data, Fused, Kept, Plan, Slot, Step, Target};
    pub use kernels::elementwise::{Step as ElementwiseStep, Store, Value};
}

/// Version of the numbers: raised whenever a change alters the bits of any result.
pub const NUMERIC_VERSION: u32 = 4;
