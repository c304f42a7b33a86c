//! Factors of matrices and systems of equations: [`cholesky`] in memory that the caller lends, for many
//! small systems, and [`dense`] decompositions by LAPACK.

pub mod cholesky;
pub mod dense;
