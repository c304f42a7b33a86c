//! What runs: memory of a replay, and the call a kernel sees.

mod call;
mod memory;
mod operand;

pub use call::Call;
pub(crate) use memory::Memory;
pub use operand::Operand;
