//! Kernels over the rows of the last axis: the softmax family.
//!
//! Rows are taken several at a time, so that exponentials fill whole vectors however short a row is.

use super::reduce::row_sum;
use crate::elementwise::{Exponential, apply_with_prefetch};
use crate::parallel;
use crate::simd::lanes::{LANES, lane_max, lane_sum};
use crate::simd::prefetch::Prefetch;
use crate::simd::vectorised;
use crate::{Float, OutOfRange, row};

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
    if max == T::NEG_INFINITY || max == -T::NEG_INFINITY { T::zero() } else { max }
}

/// y = exp(x - shift) for whole rows, the shift of each told to `told`.
#[inline(always)]
fn exponentials<T: Float>(
    x: &[T],
    n: usize,
    y: &mut [T],
    next: &mut Prefetch,
    mut told: impl FnMut(usize, T),
) {
    for (row, (x, y)) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)).enumerate() {
        let shift = shift(x);
        told(row, shift);
        for (y, &x) in y.iter_mut().zip(x) {
            *y = x - shift;
        }
    }
    apply_with_prefetch::<Exponential, T>(y, next);
}

vectorised! {
    fn softmax_rows<T: Float>(x: &[T], n: usize, y: &mut [T]) {
        exponentials(x, n, y, &mut Prefetch::NOTHING.clone(), |_, _| {});
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
    /// after it, and its place, are prefetched.
    fn towards_row<T: Float>(
        x: &[T],
        target: usize,
        weight: T,
        y: &mut [T],
        after: &[T],
    ) {
        let n = y.len();
        exponentials(x, n, y, &mut Prefetch::rows(after, (1, after.len().min(n)), n), |_, _| {});
        let sum = if n <= PIECE { lane_sum(y) } else { row_sum(y) };
        let place = y.as_ptr().wrapping_add(n);
        let mut place = Prefetch::at(place, (1, after.len().min(n)), n);
        let (whole, rest) = y.as_chunks_mut::<LANES>();
        for y in whole {
            place.next::<false>();
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
pub fn cross_entropy_gradient<T: Float>(
    x: &[T],
    n: usize,
    targets: &[u32],
    weights: &[T],
    y: &mut [T],
) -> Result<(), OutOfRange> {
    for &target in targets {
        row(target, n)?;
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

/// Softmax of rows of `n`.
pub fn softmax<T: Float>(x: &[T], n: usize, y: &mut [T]) {
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
                let mut next = Prefetch::rows(after, (1, after.len().min(n)), n);
                for x in row.chunks(PIECE) {
                    for (y, &x) in scratch.iter_mut().zip(x) {
                        *y = x - shift;
                    }
                    apply_with_prefetch::<Exponential, T>(&mut scratch[..x.len()], &mut next);
                    sum += lane_sum(&scratch[..x.len()]);
                }
                out(i, shift, sum.ln());
            }
            return;
        }
        let (per, mut shifts) = ((PIECE / n).min(ROWS), [T::zero(); ROWS]);
        for (i, x) in x.chunks(per * n).enumerate() {
            let y = &mut scratch[..x.len()];
            exponentials(x, n, y, &mut Prefetch::NOTHING.clone(), |row, shift| shifts[row] = shift);
            for (j, (y, &shift)) in y.chunks_exact(n).zip(&shifts).enumerate() {
                out(i * per + j, shift, lane_sum(y).ln());
            }
        }
    }
}

/// Logarithms of the softmax of rows of `n`.
pub fn log_softmax<T: Float>(x: &[T], n: usize, y: &mut [T]) {
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

/// Logarithm of the sum of exponentials of each row of `n`; -inf of an empty row.
pub fn log_sum_exp<T: Float>(x: &[T], n: usize, y: &mut [T]) {
    if n == 0 {
        return y.fill(T::NEG_INFINITY);
    }
    normalisers(x, n, &mut |row, shift, log| y[row] = shift + log);
}

/// Cross-entropy of each row of `n` logits to the class in `targets`.
///
/// # Errors
///
/// [`OutOfRange`] for a class that is not below `n`.
pub fn cross_entropy<T: Float>(
    x: &[T],
    n: usize,
    targets: &[u32],
    y: &mut [T],
) -> Result<(), OutOfRange> {
    for &target in targets {
        row(target, n)?;
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
