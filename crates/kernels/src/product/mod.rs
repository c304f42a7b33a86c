//! Matrix products.

#[expect(missing_docs, reason = "being replaced by one operand type")]
pub mod gemm;
mod narrow;
#[expect(missing_docs, reason = "being replaced by one operand type")]
pub mod panels;
#[expect(missing_docs, reason = "being replaced by one operand type")]
pub mod skinny;
mod small;
mod tile;

pub use narrow::Narrow;
