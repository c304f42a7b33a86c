//! The experiment `raml`: payoff distributions, models, metrics and tools.
//!
#![doc = include_str!("../README.md")]

pub mod metric;
pub mod payoff;
