//! Rows of the last axis and other reductions: the softmax family, sums and maxima, normalisation.

pub mod channels;
pub mod normalise;
pub mod reduce;
pub mod softmax;
