//! The training loop, optimisers, networks of layers and reversible learning over small
//! problems.

mod hypergradient;
mod memory;
mod network;
mod optimizers;
mod resume;
mod training;
