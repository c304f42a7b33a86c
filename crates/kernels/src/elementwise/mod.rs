//! Functions of single elements, and chains of them over many.

mod block;
mod chain;
mod compile;
mod function;

pub(crate) use block::{Exponential, Logistic, Tangent, apply, apply_with_prefetch, map_blocks};
pub use chain::{Chain, REGISTERS};
pub use compile::{Step, Store, Value};
pub use function::{Algebra, Function};
