//! What can be said about a few numbers: their centre and spread, and whether two cells differ.

mod bootstrap;
mod describe;
mod hierarchical;
mod holm;
mod items;
mod student;

pub use bootstrap::Bootstrap;
pub(crate) use describe::quantile;
pub use describe::{deviation, mean, median};
pub use holm::holm;
pub use student::{Student, paired, welch};
