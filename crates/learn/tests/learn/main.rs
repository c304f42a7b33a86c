//! The training loop and reversible learning over small problems.

mod hypergradient;
mod memory;
mod resume;
mod training;
