//! Configuration to plan to schedule to work; claims.
