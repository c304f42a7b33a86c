//! 1 / (1 + e^-x) by e^-|x|, which never overflows.

use ndarray::LinalgScalar;

use super::exp;

/// 1 / (1 + e^-x).
#[inline(always)]
pub(crate) fn f32(x: f32) -> f32 {
    by(x, exp::f32(-x.abs()))
}

/// The bits of [`f32`] for |x| up to [`exp::NEAR_32`], in fewer steps.
#[inline(always)]
pub(crate) fn near_32(x: f32) -> f32 {
    by(x, exp::near_32(-x.abs()))
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub(crate) fn f64(x: f64) -> f64 {
    by(x, exp::f64(-x.abs()))
}

/// The bits of [`f64`] for |x| up to [`exp::NEAR_64`], in fewer steps.
#[inline(always)]
pub(crate) fn near_64(x: f64) -> f64 {
    by(x, exp::near_64(-x.abs()))
}

/// The function of x by e = e^-|x|.
#[inline(always)]
fn by<T: LinalgScalar + PartialOrd>(x: T, e: T) -> T {
    (if x < T::zero() { e } else { T::one() }) / (T::one() + e)
}

#[cfg(test)]
mod tests {
    use crate::math::exp::{NEAR_32, NEAR_64};
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
    fn fewer_steps_give_the_same_bits() {
        for i in 0..=2_000_000 {
            let x = f64::from(i) / 1e6 - 1.0;
            let (near, far) = (x as f32 * NEAR_32, x * NEAR_64);
            assert_eq!(super::near_32(near).to_bits(), super::f32(near).to_bits());
            assert_eq!(super::near_64(far).to_bits(), super::f64(far).to_bits());
        }
    }

    #[test]
    fn exact_points() {
        assert_eq!([0.0, -0.0, f32::INFINITY].map(super::f32), [0.5, 0.5, 1.0]);
        assert_eq!([f64::NEG_INFINITY, 800.0].map(super::f64), [0.0, 1.0]);
        assert!(super::f32(f32::NAN).is_nan());
    }
}
