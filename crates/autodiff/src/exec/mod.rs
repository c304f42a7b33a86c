//! What runs: memory of a replay, the call a kernel sees, and the CPU kernels.

pub(crate) mod bags;
mod call;
pub(crate) mod cholesky;
pub(crate) mod columns;
pub(crate) mod conv;
pub(crate) mod fused;
pub(crate) mod gemm;
mod memory;
pub(crate) mod normalise;
pub(crate) mod panels;
pub(crate) mod parallel;
pub(crate) mod recurrence;
pub(crate) mod reduce;
pub(crate) mod rows;
pub(crate) mod simd;
mod tile;
mod turn;
mod workspace;

pub use call::Call;
pub(crate) use call::Operand;
pub(crate) use memory::{Arena, Memory, rounded};
pub use workspace::Workspace;
