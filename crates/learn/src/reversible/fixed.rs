//! Floats to integers and back in operations that vector units have; casts would be taken one by one.

/// One in fixed point.
const RADIX: f64 = (1u64 << 52) as f64;
/// Adding this to a number of less than 2^51 in size rounds it to an integer, which the lowest bits
/// of the sum then show.
const ROUNDER: f64 = 1.5 * (1u64 << 52) as f64;

/// The nearest integer to a number of less than 2^51 in size.
#[inline(always)]
pub(super) fn small_integer(x: f64) -> i64 {
    (x + ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits()).cast_signed()
}

/// The nearest integer to a number of at most 2^63 in size: upper and lower 32 bits apart.
#[inline(always)]
pub(super) fn integer(x: f64) -> i64 {
    const UNIT: f64 = (1u64 << 32) as f64;
    let upper = (x * (1.0 / UNIT) + ROUNDER) - ROUNDER;
    let lower = x - upper * UNIT;
    (small_integer(upper) << 32).wrapping_add(small_integer(lower))
}

/// Rounds to fixed point.
#[inline(always)]
pub(super) fn fixed(x: f64) -> i64 {
    integer(x * RADIX)
}

/// The nearest float to a fixed-point number.
#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "rounding to a float is the purpose")]
pub(super) fn float(x: i64) -> f64 {
    x as f64 * (1.0 / RADIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_the_nearest_ones() {
        let mut x = 0.3f64;
        while x.abs() < 9.0e18 {
            for x in [x, x.floor(), -x, x + 0.4] {
                assert_eq!(integer(x), x.round_ties_even() as i64, "{x}");
                if x.abs() < 2e15 {
                    assert_eq!(small_integer(x), x.round_ties_even() as i64, "{x}");
                }
            }
            x *= -1.37;
        }
    }

    #[test]
    fn fixed_point_numbers_keep_52_bits_after_the_point() {
        for x in [0.0, 1.0, -1.0, 0.1, -1023.75, 3e-15, 2f64.powi(-52)] {
            assert_eq!(float(fixed(x)), (x * RADIX).round_ties_even() / RADIX, "{x}");
        }
    }
}
