//! The training loop, optimisers and reversible learning over small problems.

mod hypergradient;
mod optimizers;
mod training;
