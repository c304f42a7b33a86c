//! One row of an exact multiplication: a velocity a lane, and the lane's state.
//!
//! A state is an integer below 2^52 held in an f64, where products and remainders are exact and run
//! eight at a time.

use super::fixed::{integer, small_integer};
use super::momentum::BITS;
use kernels::vectorised;

/// Most lanes of a group.
pub(super) const LANES: usize = 32;
/// Adding this to a smaller non-negative number rounds it to an integer.
const ROUNDER: f64 = (1u64 << 52) as f64;
const DENOMINATOR: f64 = (1u64 << BITS) as f64;

/// Factors of one multiplication.
#[derive(Clone, Copy)]
pub(super) struct Factor {
    pub(super) numerator: i64,
    float: f64,
    inverse: f64,
}

impl Factor {
    pub(super) fn new(numerator: u32) -> Self {
        let float = f64::from(numerator);
        Self { numerator: numerator.into(), float, inverse: 1.0 / float }
    }
}

/// Quotient and remainder of an integer below 2^52 by the numerator.
#[inline(always)]
fn quotient(x: f64, by: Factor) -> (f64, f64) {
    let nearest = (x * by.inverse + ROUNDER) - ROUNDER;
    let rest = x - nearest * by.float;
    if rest < 0.0 { (nearest - 1.0, rest + by.float) } else { (nearest, rest) }
}

/// Algorithm 3: `i = i d + c mod d; c = c div d; c = c n + i mod n; i = i div n`.
#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "the remainder is below 2^20")]
fn multiply_lane(c: &mut i64, i: &mut f64, by: Factor) {
    let low = (*c & ((1 << BITS) - 1)) as f64;
    let (quotient, rest) = quotient(*i * DENOMINATOR + low, by);
    *c = (*c >> BITS).wrapping_mul(by.numerator).wrapping_add(small_integer(rest));
    *i = quotient;
}

/// The inverse of [`multiply_lane`]: multiplication by `d / n`.
#[inline(always)]
fn divide_lane(c: &mut i64, i: &mut f64, by: Factor) {
    let (quotient, rest) = euclid(*c, by);
    let x = *i * by.float + rest;
    let state = (x * (1.0 / DENOMINATOR)).floor();
    *c = quotient.wrapping_mul(1 << BITS).wrapping_add(small_integer(x - state * DENOMINATOR));
    *i = state;
}

/// Euclidean quotient and remainder of any `i64`: an estimate from the rounded number, then one from
/// its exact rest.
#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "the exact rest makes up for what this rounds")]
fn euclid(c: i64, by: Factor) -> (i64, f64) {
    let estimate = integer(c as f64 * by.inverse);
    let rest = c.wrapping_sub(estimate.wrapping_mul(by.numerator)) as f64;
    let more = (rest * by.inverse).floor();
    let rest = rest - more * by.float;
    // The product above may round a multiple of n to either side.
    let low = if rest < 0.0 { -1.0 } else { 0.0 };
    let step = if rest >= by.float { 1.0 } else { low };
    (estimate.wrapping_add(small_integer(more + step)), rest - step * by.float)
}

vectorised! {
    /// Multiplies rows of [`LANES`] velocities, first to last.
    pub(super) fn multiply_rows(rows: &mut [[i64; LANES]], states: &mut [f64; LANES], by: Factor) {
        let mut local = *states;
        for row in rows {
            for (c, i) in row.iter_mut().zip(&mut local) {
                multiply_lane(c, i, by);
            }
        }
        *states = local;
    }
}

vectorised! {
    /// Undoes [`multiply_rows`], last to first.
    pub(super) fn divide_rows(rows: &mut [[i64; LANES]], states: &mut [f64; LANES], by: Factor) {
        let mut local = *states;
        for row in rows.iter_mut().rev() {
            for (c, i) in row.iter_mut().zip(&mut local) {
                divide_lane(c, i, by);
            }
        }
        *states = local;
    }
}

vectorised! {
    /// Widens exactly, as many values as both have.
    pub(crate) fn widen(values: &[f32], widened: &mut [f64]) {
        for (widened, &value) in widened.iter_mut().zip(values) {
            *widened = value.into();
        }
    }
}

/// Multiplies one row of any width.
pub(super) fn multiply_row(row: &mut [i64], states: &mut [f64], by: Factor) {
    row.iter_mut().zip(states).for_each(|(c, i)| multiply_lane(c, i, by));
}

/// Undoes [`multiply_row`].
pub(super) fn divide_row(row: &mut [i64], states: &mut [f64], by: Factor) {
    row.iter_mut().zip(states).for_each(|(c, i)| divide_lane(c, i, by));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Algorithm 3 in whole numbers of any size.
    fn reference(c: i64, i: u128, n: i64) -> (i64, u128) {
        let d = 1i64 << BITS;
        let i = i * d.unsigned_abs() as u128 + u128::from(c.rem_euclid(d).unsigned_abs());
        let c = c.div_euclid(d) * n + (i % u128::from(n.unsigned_abs())) as i64;
        (c, i / u128::from(n.unsigned_abs()))
    }

    #[test]
    fn a_lane_follows_algorithm_3_and_comes_back() {
        let numbers =
            [0, 1, -1, 5, -5, 1 << 20, -(1 << 20), (1 << 62) + 12_345, -(1 << 62) - 54_321];
        for n in [1u32, 2, 3, 7, 1000, 524_288, 943_718, 1_027_604, (1 << 20) - 1, 1 << 20] {
            for (k, c) in numbers.into_iter().enumerate() {
                for state in [0.0, 1.0, f64::from(n) - 1.0, 65_537.0, ((1u64 << 32) - 1) as f64] {
                    let c = c + k as i64 * 77;
                    let (mut multiplied, mut changed) = (c, state);
                    multiply_lane(&mut multiplied, &mut changed, Factor::new(n));
                    let wanted = reference(c, state as u128, n.into());
                    assert_eq!((multiplied, changed as u128), wanted, "{c} by {n}, state {state}");
                    divide_lane(&mut multiplied, &mut changed, Factor::new(n));
                    assert_eq!((multiplied, changed), (c, state), "{c} by {n}");
                }
            }
        }
    }

    #[test]
    fn euclidean_division_is_exact_for_every_size() {
        let mut c = 1i64;
        for round in 0..20_000u32 {
            c = c.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = c >> (round % 63);
            let n = (c.unsigned_abs() % (1 << 20)) as u32 + 1;
            for value in [value, value - value % i64::from(n)] {
                let (quotient, rest) = euclid(value, Factor::new(n));
                let wanted = (value.div_euclid(n.into()), value.rem_euclid(n.into()) as f64);
                assert_eq!((quotient, rest), wanted, "{value} by {n}");
            }
        }
    }
}
