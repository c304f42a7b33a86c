//! Factors of matrices and systems of equations.

pub mod cholesky;
