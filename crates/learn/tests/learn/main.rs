//! The training loop, optimisers, networks of layers, L-BFGS and reversible learning over small
//! problems.

mod hypergradient;
mod lbfgs;
mod memory;
mod network;
mod optimizers;
#[path = "../../examples/lbfgs/problems.rs"]
mod problems;
mod resume;
mod training;
