//! e^x = 2^k e^r with k the integer next to x / ln 2, and a polynomial for e^r.

use super::polynomial;

/// e^x; the polynomial is Cephes' `expf`.
#[inline(always)]
pub(crate) fn f32(x: f32) -> f32 {
    // Beyond these the result is infinite or zero; comparisons leave a NaN as it is.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -105.0 { -105.0 } else { x };
    let (y, k) = parts_32(x);
    // Two factors, so that neither leaves the range of exponents.
    let half = k >> 1;
    (y + 1.0) * power_of_two_32(half) * power_of_two_32(k - half)
}

/// Up to this, e^x and e^-x are neither infinite nor subnormal.
pub(crate) const NEAR_32: f32 = 87.0;

/// The bits of [`f32`] for |x| up to [`NEAR_32`], in fewer steps: k is added to the exponent.
#[inline(always)]
pub(crate) fn near_32(x: f32) -> f32 {
    // As in `parts_32`, without what keeps k positive.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let y = beside_32(x, shifted - ROUND) + 1.0;
    f32::from_bits(y.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// e^x - 1 for x from -60 to 0.
#[inline(always)]
pub(crate) fn minus_one_32(x: f32) -> f32 {
    // As in `parts_32`; the low bits are an exponent.
    const ROUND: f32 = 12_582_912.0 + 127.0;
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let scale = f32::from_bits(shifted.to_bits() << 23);
    scale.mul_add(beside_32(x, shifted - ROUND), scale - 1.0)
}

/// e^r - 1 and k + 254.
#[inline(always)]
fn parts_32(x: f32) -> (f32, i32) {
    // Adding this rounds to an integer, which then lies in the low bits.
    const ROUND: f32 = 12_582_912.0 + 254.0;
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let k = (shifted.to_bits() as i32).wrapping_sub(12_582_912.0_f32.to_bits() as i32);
    (beside_32(x, shifted - ROUND), k)
}

/// e^r - 1 for r = x - n ln 2.
#[inline(always)]
fn beside_32(x: f32, n: f32) -> f32 {
    // ln 2 in two parts.
    let r = n.mul_add(2.121_944_4e-4, n.mul_add(-0.693_359_4, x));
    let p = polynomial!(
        r,
        1.987_569_1e-4,
        1.398_2e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5
    );
    p.mul_add(r * r, r)
}

/// 2^(k - 127).
#[inline(always)]
fn power_of_two_32(k: i32) -> f32 {
    f32::from_bits((k << 23) as u32)
}

/// e^x; the polynomial is Taylor's to the 13th power, exact to 5e-18 for |r| < 0.35.
#[inline(always)]
pub(crate) fn f64(x: f64) -> f64 {
    // Beyond these the result is infinite or zero; comparisons leave a NaN as it is.
    let x = if x > 710.0 { 710.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let (y, k) = parts_64(x);
    // Two factors, so that neither leaves the range of exponents.
    let half = k >> 1;
    (y + 1.0) * power_of_two_64(half) * power_of_two_64(k - half)
}

/// Up to this, e^x and e^-x are neither infinite nor subnormal.
pub(crate) const NEAR_64: f64 = 708.0;

/// The bits of [`f64`] for |x| up to [`NEAR_64`], in fewer steps: k is added to the exponent.
#[inline(always)]
pub(crate) fn near_64(x: f64) -> f64 {
    // As in `parts_64`, without what keeps k positive.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUND);
    let y = beside_64(x, shifted - ROUND) + 1.0;
    f64::from_bits(y.to_bits().wrapping_add(shifted.to_bits() << 52))
}

/// e^x - 1 for x from -60 to 0.
#[inline(always)]
pub(crate) fn minus_one_64(x: f64) -> f64 {
    // As in `parts_64`; the low bits are an exponent.
    const ROUND: f64 = 6_755_399_441_055_744.0 + 1023.0;
    let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUND);
    let scale = f64::from_bits(shifted.to_bits() << 52);
    scale.mul_add(beside_64(x, shifted - ROUND), scale - 1.0)
}

/// e^r - 1 and k + 2046.
#[inline(always)]
fn parts_64(x: f64) -> (f64, i64) {
    // Adding this rounds to an integer, which then lies in the low bits.
    const ROUND: f64 = 6_755_399_441_055_744.0 + 2046.0;
    let shifted = x.mul_add(std::f64::consts::LOG2_E, ROUND);
    let k = (shifted.to_bits() as i64).wrapping_sub(6_755_399_441_055_744.0_f64.to_bits() as i64);
    (beside_64(x, shifted - ROUND), k)
}

/// e^r - 1 for r = x - n ln 2.
#[inline(always)]
fn beside_64(x: f64, n: f64) -> f64 {
    // ln 2 in two parts.
    let r = n.mul_add(-1.908_214_929_270_587_7e-10, n.mul_add(-6.931_471_803_691_238e-1, x));
    let p = polynomial!(
        r,
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5
    );
    p.mul_add(r * r, r)
}

/// 2^(k - 1023).
#[inline(always)]
fn power_of_two_64(k: i64) -> f64 {
    f64::from_bits((k << 52) as u64)
}

#[cfg(test)]
mod tests {
    use crate::math::testing::{check32, check64};

    #[test]
    fn agrees_with_the_library() {
        check32(super::f32, f64::exp, 2);
        check64(super::f64, f64::exp, 2);
    }

    #[test]
    fn fewer_steps_give_the_same_bits() {
        for i in 0..=2_000_000 {
            let x = f64::from(i) / 1e6 - 1.0;
            let (near, far) = (x as f32 * super::NEAR_32, x * super::NEAR_64);
            assert_eq!(super::near_32(near).to_bits(), super::f32(near).to_bits());
            assert_eq!(super::near_64(far).to_bits(), super::f64(far).to_bits());
        }
    }

    #[test]
    fn exact_points() {
        assert_eq!([0.0, -0.0, f32::NEG_INFINITY].map(super::f32), [1.0, 1.0, 0.0]);
        assert_eq!([0.0, -0.0, f64::INFINITY].map(super::f64), [1.0, 1.0, f64::INFINITY]);
        assert!(super::f32(f32::NAN).is_nan() && super::f64(f64::NAN).is_nan());
    }
}
