//! Kernels over the rows of the last axis: the softmax family.
//!
//! Rows are taken several at a time, so that exponentials fill whole vectors however short a row is.

use super::ahead::Ahead;
use super::elementary::{Exponential, apply_ahead};
use super::parallel;
use super::reduce::row_sum;
use super::simd::{LANES, lane_max, lane_sum, vectorised};
use crate::{Error, Float};

/// Elements of scratch for exponentials that are summed and forgotten.
const PIECE: usize = 1024;
/// Rows at most whose shifts are kept at once.
const ROWS: usize = 64;
/// Elements from which rows are worth another thread, and that one task handles.
const TASK: usize = 1 << 14;

/// The largest element, or zero where it is infinite: a shift that keeps exponentials finite.
#[inline(always)]
fn shift<T: Float>(row: &[T]) -> T {
    let max = lane_max(row);
    if max == T::LOWEST || max == -T::LOWEST { T::zero() } else { max }
}

/// y = exp(x - shift) for whole rows, the shift of each told to `told`.
#[inline(always)]
fn exponentials<T: Float>(
    x: &[T],
    n: usize,
    y: &mut [T],
    ahead: &mut Ahead,
    mut told: impl FnMut(usize, T),
) {
    for (row, (x, y)) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)).enumerate() {
        let shift = shift(x);
        told(row, shift);
        for (y, &x) in y.iter_mut().zip(x) {
            *y = x - shift;
        }
    }
    apply_ahead::<Exponential, T>(y, ahead);
}

vectorised! {
    fn softmax_rows<T: Float>(x: &[T], n: usize, y: &mut [T]) {
        exponentials(x, n, y, &mut Ahead::NOTHING.clone(), |_, _| {});
        for y in y.chunks_exact_mut(n) {
            let sum = if n <= PIECE { lane_sum(y) } else { row_sum(y) };
            for y in y {
                *y /= sum;
            }
        }
    }
}

vectorised! {
    /// As [`softmax_rows`] for one row, times its weight, which is taken off at its target; the row
    /// after it, and its place, are asked for.
    fn towards_row<T: Float>(
        x: &[T],
        target: usize,
        weight: T,
        y: &mut [T],
        after: &[T],
    ) {
        let n = y.len();
        exponentials(x, n, y, &mut Ahead::rows(after, (1, after.len().min(n)), n), |_, _| {});
        let sum = if n <= PIECE { lane_sum(y) } else { row_sum(y) };
        let place = y.as_ptr().wrapping_add(n);
        let mut place = Ahead::at(place, (1, after.len().min(n)), n);
        let (whole, rest) = y.as_chunks_mut::<LANES>();
        for y in whole {
            place.ask::<false>();
            for y in y {
                *y = *y / sum * weight;
            }
        }
        for y in rest {
            *y = *y / sum * weight;
        }
        y[target] -= weight;
    }
}

/// y = weight (softmax(x) - onehot(target)); zeros for rows without a target.
pub(crate) fn cross_entropy_gradient<T: Float>(
    x: &[T],
    n: usize,
    targets: &[u32],
    weights: &[T],
    y: &mut [T],
) -> Result<(), Error> {
    for &target in targets {
        crate::ops::row("cross_entropy", target, n)?;
    }
    if y.is_empty() {
        return Ok(());
    }
    parallel::rows(y, n, (TASK / n).max(1), 0, &|first, y| {
        for (i, y) in y.chunks_exact_mut(n).enumerate() {
            let row = first + i;
            if targets[row] == u32::MAX {
                y.fill(T::zero());
            } else {
                let (x, after) = x[row * n..].split_at(n);
                towards_row(x, targets[row] as usize, weights[row], y, after);
            }
        }
    });
    Ok(())
}

pub(crate) fn softmax<T: Float>(x: &[T], n: usize, y: &mut [T]) {
    if y.is_empty() {
        return;
    }
    parallel::rows(y, n, (TASK / n).max(1), 0, &|first, y| {
        // A few rows at a time stay in the nearest cache from one pass to the next.
        let per = (PIECE / n).max(1) * n;
        for (x, y) in x[first * n..].chunks(per).zip(y.chunks_mut(per)) {
            softmax_rows(x, n, y);
        }
    });
}

vectorised! {
    /// Shift and log of the sum of shifted exponentials of each row, in `f(row, shift, log)`.
    fn normalisers<T: Float>(x: &[T], n: usize, out: &mut dyn FnMut(usize, T, T)) {
        let mut scratch = [T::zero(); PIECE];
        if n > PIECE {
            for (i, row) in x.chunks_exact(n).enumerate() {
                let (shift, mut sum) = (shift(row), T::zero());
                let after = &x[((i + 1) * n).min(x.len())..];
                let mut ahead = Ahead::rows(after, (1, after.len().min(n)), n);
                for x in row.chunks(PIECE) {
                    for (y, &x) in scratch.iter_mut().zip(x) {
                        *y = x - shift;
                    }
                    apply_ahead::<Exponential, T>(&mut scratch[..x.len()], &mut ahead);
                    sum += lane_sum(&scratch[..x.len()]);
                }
                out(i, shift, sum.natural_log());
            }
            return;
        }
        let (per, mut shifts) = ((PIECE / n).min(ROWS), [T::zero(); ROWS]);
        for (i, x) in x.chunks(per * n).enumerate() {
            let y = &mut scratch[..x.len()];
            exponentials(x, n, y, &mut Ahead::NOTHING.clone(), |row, shift| shifts[row] = shift);
            for (j, (y, &shift)) in y.chunks_exact(n).zip(&shifts).enumerate() {
                out(i * per + j, shift, lane_sum(y).natural_log());
            }
        }
    }
}

pub(crate) fn log_softmax<T: Float>(x: &[T], n: usize, y: &mut [T]) {
    if y.is_empty() {
        return;
    }
    normalisers(x, n, &mut |row, shift, log| {
        let row = row * n..(row + 1) * n;
        for (y, &x) in y[row.clone()].iter_mut().zip(&x[row]) {
            *y = (x - shift) - log;
        }
    });
}

pub(crate) fn log_sum_exp<T: Float>(x: &[T], n: usize, y: &mut [T]) {
    if n == 0 {
        return y.fill(T::LOWEST);
    }
    normalisers(x, n, &mut |row, shift, log| y[row] = shift + log);
}

pub(crate) fn cross_entropy<T: Float>(
    x: &[T],
    n: usize,
    targets: &[u32],
    y: &mut [T],
) -> Result<(), Error> {
    for &target in targets {
        crate::ops::row("cross_entropy", target, n)?;
    }
    y.fill(T::zero());
    if n == 0 {
        return Ok(());
    }
    parallel::rows(y, 1, (TASK / n).max(1), 0, &|first, y| {
        let (x, targets) = (&x[first * n..][..y.len() * n], &targets[first..]);
        normalisers(x, n, &mut |row, shift, log| {
            if targets[row] != u32::MAX {
                y[row] = log - (x[row * n + targets[row] as usize] - shift);
            }
        });
    });
    Ok(())
}
