//! The experiment `rank-pooling`: the layer, its baselines, networks and data.
//!
#![doc = include_str!("../README.md")]

pub mod operation;
pub mod pool;
pub mod solver;
pub mod transform;
