//! The training loop and reversible learning over small problems.

mod hypergradient;
mod training;
