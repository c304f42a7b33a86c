//! Kernels over the rows of the last axis: the softmax family.

use super::reduce::{row_max, row_sum};
use super::simd::vectorised;
use crate::{Error, Float};

vectorised! {
    fn exp_shifted<T: Float>(x: &[T], shift: T, y: &mut [T]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = (x - shift).e_to();
        }
    }
}

vectorised! {
    fn shifted<T: Float>(x: &[T], first: T, second: T, y: &mut [T]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = (x - first) - second;
        }
    }
}

vectorised! {
    fn divided<T: Float>(y: &mut [T], by: T) {
        for y in y {
            *y = *y / by;
        }
    }
}

/// The largest element, or zero where it is infinite: a shift that keeps exponentials finite.
fn shift<T: Float>(row: &[T]) -> T {
    let max = row_max(row);
    if max == T::LOWEST || max == -T::LOWEST { T::zero() } else { max }
}

/// Sum of `exp(x - shift)`, in pieces that need no storage.
fn exp_sum<T: Float>(row: &[T], shift: T) -> T {
    const PIECE: usize = 256;
    let mut piece = [T::zero(); PIECE];
    row.chunks(PIECE).fold(T::zero(), |sum, x| {
        let y = &mut piece[..x.len()];
        exp_shifted(x, shift, y);
        sum + row_sum(y)
    })
}

fn paired<'a, T>(
    x: &'a [T],
    y: &'a mut [T],
    n: usize,
) -> impl Iterator<Item = (&'a [T], &'a mut [T])> {
    x.chunks_exact(n.max(1)).zip(y.chunks_exact_mut(n.max(1)))
}

pub(crate) fn softmax<T: Float>(x: &[T], n: usize, y: &mut [T]) {
    for (x, y) in paired(x, y, n) {
        exp_shifted(x, shift(x), y);
        divided(y, row_sum(y));
    }
}

pub(crate) fn log_softmax<T: Float>(x: &[T], n: usize, y: &mut [T]) {
    for (x, y) in paired(x, y, n) {
        let shift = shift(x);
        shifted(x, shift, exp_sum(x, shift).natural_log(), y);
    }
}

pub(crate) fn log_sum_exp<T: Float>(x: &[T], n: usize, y: &mut [T]) {
    if n == 0 {
        return y.fill(T::LOWEST);
    }
    for (x, y) in x.chunks_exact(n).zip(y) {
        let shift = shift(x);
        *y = shift + exp_sum(x, shift).natural_log();
    }
}

pub(crate) fn cross_entropy<T: Float>(
    x: &[T],
    n: usize,
    targets: &[u32],
    y: &mut [T],
) -> Result<(), Error> {
    for ((x, &target), y) in x.chunks_exact(n.max(1)).zip(targets).zip(y) {
        *y = match target {
            u32::MAX => T::zero(),
            target if (target as usize) < n => {
                let shift = shift(x);
                exp_sum(x, shift).natural_log() - (x[target as usize] - shift)
            }
            index => return Err(Error::Index { op: "cross_entropy", index, rows: n }),
        };
    }
    Ok(())
}
