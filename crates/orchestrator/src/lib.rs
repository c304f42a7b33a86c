//! Configuration to plan to schedule to work; claims.

pub mod config;
pub mod execute;
pub mod needs;
pub mod plan;
