//! The training loop, optimisers, networks of layers, L-BFGS and reversible learning over small
//! problems.

mod hypergradient;
mod lbfgs;
mod network;
mod optimizers;
#[path = "../../examples/lbfgs/problems.rs"]
mod problems;
mod training;
