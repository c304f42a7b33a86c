//! Configuration to plan to schedule to work; claims.
pub mod execute;
