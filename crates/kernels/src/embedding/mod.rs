//! Rows of tables: read, summed, added to.

pub mod bags;
pub mod padded;
