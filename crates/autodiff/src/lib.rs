//! Reverse-mode differentiation of any order over a graph that is data, on BLAS.
