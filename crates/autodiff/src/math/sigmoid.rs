//! 1 / (1 + e^-x) by e^-|x|, which never overflows.

use super::exp;

/// 1 / (1 + e^-x).
#[inline(always)]
pub(crate) fn f32(x: f32) -> f32 {
    let e = exp::f32(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub(crate) fn f64(x: f64) -> f64 {
    let e = exp::f64(-x.abs());
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

#[cfg(test)]
mod tests {
    use crate::math::testing::{check32, check64};

    /// Two library calls and two roundings of their own.
    fn library(x: f64) -> f64 {
        if x < 0.0 { x.exp() / (1.0 + x.exp()) } else { 1.0 / (1.0 + (-x).exp()) }
    }

    #[test]
    fn agrees_with_the_library() {
        check32(super::f32, library, 4);
        check64(super::f64, library, 4);
    }

    #[test]
    fn exact_points() {
        assert_eq!([0.0, -0.0, f32::INFINITY].map(super::f32), [0.5, 0.5, 1.0]);
        assert_eq!([f64::NEG_INFINITY, 800.0].map(super::f64), [0.0, 1.0]);
        assert!(super::f32(f32::NAN).is_nan());
    }
}
