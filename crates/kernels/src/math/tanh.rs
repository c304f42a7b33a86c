//! tanh x by t = e^(-2|x|) - 1, which keeps its digits near zero: -t / (t + 2) with the sign of x.

use super::exp;

/// tanh x.
#[inline(always)]
pub(crate) fn f32(x: f32) -> f32 {
    let a = x.abs();
    // Beyond this the result is 1; a comparison leaves a NaN as it is.
    let a = if a > 10.0 { 10.0 } else { a };
    let t = exp::minus_one_32(-2.0 * a);
    (t / (t + 2.0)).copysign(x)
}

/// tanh x.
#[inline(always)]
pub(crate) fn f64(x: f64) -> f64 {
    let a = x.abs();
    // Beyond this the result is 1; a comparison leaves a NaN as it is.
    let a = if a > 20.0 { 20.0 } else { a };
    let t = exp::minus_one_64(-2.0 * a);
    (t / (t + 2.0)).copysign(x)
}

#[cfg(test)]
mod tests {
    use crate::math::testing::{check32, check64};

    #[test]
    fn agrees_with_the_library() {
        check32(super::f32, f64::tanh, 4);
        check64(super::f64, f64::tanh, 4);
    }

    #[test]
    fn exact_points() {
        assert_eq!([f32::INFINITY, -20.0].map(super::f32), [1.0, -1.0]);
        assert!(super::f64(-0.0).is_sign_negative() && super::f64(f64::NAN).is_nan());
    }
}
