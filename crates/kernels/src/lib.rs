//! Numbers out of slices and layouts: the processor's share of the engine.
//!
//! Nothing here knows a graph, a plan or a device. A room holds what is computed: [`product`],
//! [`convolution`], [`recurrence`], [`embedding`], [`rows`], [`elementwise`] and [`linalg`]; below
//! them lie [`simd`], [`parallel`] and [`memory`].

pub mod blas;
pub mod convolution;
mod element;
pub mod elementwise;
pub mod embedding;
mod error;
mod layout;
pub mod linalg;
mod math;
pub mod memory;
pub mod parallel;
pub mod product;
pub mod recurrence;
pub mod rows;
pub mod simd;

pub use element::{DType, Element, Float};
pub use error::{OutOfRange, row};
pub use layout::Layout;
