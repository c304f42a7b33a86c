//! What runs: memory of a replay, and the call a kernel sees.

mod call;
mod memory;

pub use call::Call;
pub(crate) use call::Operand;
pub(crate) use memory::Memory;
