//! The training loop, optimisers, networks of layers and reversible learning over small
//! problems.

mod hypergradient;
mod network;
mod optimizers;
mod training;
