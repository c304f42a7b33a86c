//! What runs: memory of a replay, the call a kernel sees, and the CPU kernels.

mod ahead;
pub(crate) mod bags;
mod call;
pub(crate) mod channels;
pub(crate) mod cholesky;
pub(crate) mod columns;
pub(crate) mod conv;
pub(crate) mod elementary;
pub(crate) mod fused;
pub(crate) mod gemm;
mod memory;
mod narrow;
pub(crate) mod normalise;
pub(crate) mod padded;
pub(crate) mod panels;
pub(crate) mod parallel;
pub(crate) mod pool;
pub(crate) mod recurrence;
pub(crate) mod reduce;
pub(crate) mod rows;
pub(crate) mod simd;
pub(crate) mod skinny;
mod small;
mod strip;
mod tile;
mod turn;
pub(crate) mod winograd;
mod workspace;

pub use call::Call;
pub(crate) use call::Operand;
pub(crate) use memory::{Arena, Memory, rounded};
pub(crate) use narrow::Narrow;
pub use parallel::set_threads;
pub use workspace::Workspace;
