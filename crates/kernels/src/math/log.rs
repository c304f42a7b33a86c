//! ln x = e ln 2 + ln m with m between the roots of 1/2 and 2, and a polynomial for ln m.

use super::polynomial;

/// ln x; the polynomial is Cephes' `logf`.
#[inline(always)]
pub(crate) fn f32(x: f32) -> f32 {
    let subnormal = x < f32::MIN_POSITIVE;
    let scaled = if subnormal { x * 8_388_608.0 } else { x };
    let bits = scaled.to_bits() as i32;
    let exponent = bits.wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits() as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub(exponent << 23) as u32);
    let e = exponent as f32 - if subnormal { 23.0 } else { 0.0 };
    let f = m - 1.0;
    let z = f * f;
    let p = polynomial!(
        f,
        7.037_683_6e-2,
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_7e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        3.333_333e-1
    );
    let y = z.mul_add(-0.5, f.mul_add(z * p, e * -2.121_944_4e-4));
    let y = e.mul_add(0.693_359_4, f + y);
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    let y = if x < 0.0 { f32::NAN } else { y };
    // Infinity and NaN are their own logarithms.
    if x < f32::INFINITY { y } else { x }
}

/// ln x; the polynomial in s = f / (2 + f) is FreeBSD's `log`.
#[inline(always)]
pub(crate) fn f64(x: f64) -> f64 {
    let subnormal = x < f64::MIN_POSITIVE;
    let scaled = if subnormal { x * 18_014_398_509_481_984.0 } else { x };
    let bits = scaled.to_bits() as i64;
    let exponent = bits.wrapping_sub(std::f64::consts::FRAC_1_SQRT_2.to_bits() as i64) >> 52;
    let m = f64::from_bits(bits.wrapping_sub(exponent << 52) as u64);
    let e = f64::from(exponent as i32) - if subnormal { 54.0 } else { 0.0 };
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * polynomial!(
        z,
        1.479_819_860_511_658_6e-1,
        1.531_383_769_920_937_3e-1,
        1.818_357_216_161_805e-1,
        2.222_219_843_214_978_4e-1,
        2.857_142_874_366_239e-1,
        3.999_999_999_940_942e-1,
        6.666_666_666_666_735e-1
    );
    let half = 0.5 * f * f;
    let low = s.mul_add(half + r, e * 1.908_214_929_270_587_7e-10);
    let y = e.mul_add(6.931_471_803_691_238e-1, f - (half - low));
    let y = if x == 0.0 { f64::NEG_INFINITY } else { y };
    let y = if x < 0.0 { f64::NAN } else { y };
    if x < f64::INFINITY { y } else { x }
}

#[cfg(test)]
mod tests {
    use crate::math::testing::{check32, check64};

    #[test]
    fn agrees_with_the_library() {
        check32(super::f32, f64::ln, 2);
        check64(super::f64, f64::ln, 2);
    }

    #[test]
    fn exact_points() {
        assert_eq!([1.0, 0.0, -0.0].map(super::f32), [0.0, f32::NEG_INFINITY, f32::NEG_INFINITY]);
        assert_eq!([1.0, f64::INFINITY].map(super::f64), [0.0, f64::INFINITY]);
        assert!(super::f32(-1.0).is_nan() && super::f64(f64::NEG_INFINITY).is_nan());
    }
}
