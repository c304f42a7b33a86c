//! tanh x by a polynomial near zero and by 1 - 2 / (e^2x + 1) elsewhere.

use super::{exp, polynomial};

/// tanh x; the polynomial is Cephes' `tanhf`.
#[inline(always)]
pub(crate) fn f32(x: f32) -> f32 {
    let a = x.abs();
    let z = a * a;
    let p = polynomial!(
        z,
        -5.704_988_7e-3,
        2.063_909e-2,
        -5.373_971_6e-2,
        1.333_144_2e-1,
        -3.333_328e-1
    );
    let near = a + a * (z * p);
    let far = 1.0 - 2.0 / (exp::f32(a + a) + 1.0);
    (if a < 0.625 { near } else { far }).copysign(x)
}

/// tanh x; the quotient is Cephes' `tanh`.
#[inline(always)]
pub(crate) fn f64(x: f64) -> f64 {
    let a = x.abs();
    let z = a * a;
    let p = polynomial!(
        z,
        -9.643_991_794_250_523e-1,
        -9.928_772_310_019_185e1,
        -1.614_687_684_417_084_5e3
    );
    let q = polynomial!(
        z,
        1.0,
        1.128_116_784_916_329_3e2,
        2.235_488_390_601_004_5e3,
        4.844_063_053_251_255e3
    );
    let near = a + a * (z * (p / q));
    let far = 1.0 - 2.0 / (exp::f64(a + a) + 1.0);
    (if a < 0.625 { near } else { far }).copysign(x)
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
