//! Cholesky factors and triangular systems, row-major, in memory that the caller lends.

use ndarray::{ArrayViewMut2, s};

use crate::Float;
use crate::product::{Matrix, Right, multiply};
use crate::simd::lanes::{axpy, dot};
use crate::simd::vectorised;

/// Columns that are eliminated at once; beyond them, products do the work.
const BLOCK: usize = 64;

/// Elements of scratch that [`factorise`] and [`substitute`] take for `n` rows and `m` columns.
pub fn scratch(n: usize, m: usize) -> usize {
    BLOCK * (2 * n + m)
}

vectorised! {
    /// Eliminates columns `from..to` of all rows from `from` on, whose earlier columns are done; false
    /// for a pivot that is not positive.
    fn eliminate<T: Float>(a: &mut [T], n: usize, from: usize, to: usize) -> bool {
        for i in from..n {
            let (above, rest) = a.split_at_mut(i * n);
            let row = &mut rest[..n];
            for j in from..to.min(i) {
                let other = &above[j * n..(j + 1) * n];
                row[j] = (row[j] - dot(&row[from..j], &other[from..j])) / other[j];
            }
            if i < to {
                let pivot = row[i] - dot(&row[from..i], &row[from..i]);
                // A NaN is no positive number either.
                if pivot.partial_cmp(&T::zero()) != Some(std::cmp::Ordering::Greater) {
                    return false;
                }
                row[i] = pivot.sqrt();
            }
        }
        true
    }
}

/// The lower factor of a symmetric positive definite `a` `[n, n]` in its lower triangle; false if it
/// is not positive definite.
pub fn factorise<T: Float>(a: &mut [T], n: usize, scratch: &mut [T]) -> bool {
    for from in (0..n).step_by(BLOCK) {
        let to = (from + BLOCK).min(n);
        if !eliminate(a, n, from, to) {
            return false;
        }
        let (width, below) = (to - from, n - to);
        let (left, rest) = scratch.split_at_mut(below * width);
        let right = &mut rest[..below * width];
        for i in 0..below {
            let row = &a[(to + i) * n + from..(to + i) * n + to];
            right[i * width..(i + 1) * width].copy_from_slice(row);
            let left = left[i * width..].iter_mut();
            left.zip(row).for_each(|(left, &x)| *left = -x);
        }
        let mut whole = matrix(a, n, n);
        for first in (0..below).step_by(BLOCK) {
            let last = (first + BLOCK).min(below);
            let mut c = whole.slice_mut(s![to + first..to + last, to..to + last]);
            let left = Matrix::rows(&left[first * width..], last - first, width);
            let right = Right::Plain(Matrix::rows(right, last, width).transposed());
            multiply(left, right, true, None, &mut c);
        }
    }
    true
}

vectorised! {
    /// Rows `from..to` of x = l^-1 x, whose earlier rows are already taken off.
    fn forwards<T: Float>(l: &[T], n: usize, x: &mut [T], m: usize, from: usize, to: usize) {
        for i in from..to {
            let (above, rest) = x.split_at_mut(i * m);
            let row = &mut rest[..m];
            for j in from..i {
                axpy(-l[i * n + j], &above[j * m..(j + 1) * m], row);
            }
            let pivot = l[i * n + i];
            row.iter_mut().for_each(|x| *x /= pivot);
        }
    }
}

vectorised! {
    /// Rows `from..to` of x = l^-T x, whose later rows are already taken off.
    fn backwards<T: Float>(l: &[T], n: usize, x: &mut [T], m: usize, from: usize, to: usize) {
        for i in (from..to).rev() {
            let (above, rest) = x.split_at_mut(i * m);
            let row = &mut rest[..m];
            let pivot = l[i * n + i];
            row.iter_mut().for_each(|x| *x /= pivot);
            for j in from..i {
                axpy(-l[i * n + j], row, &mut above[j * m..(j + 1) * m]);
            }
        }
    }
}

/// x = l^-1 x, or l^-T x if `transposed`, for the lower triangle of `l` `[n, n]` and `x` `[n, m]`.
pub fn substitute<T: Float>(
    (l, n): (&[T], usize),
    (x, m): (&mut [T], usize),
    transposed: bool,
    scratch: &mut [T],
) {
    let blocks = n.div_ceil(BLOCK);
    for block in 0..blocks {
        let from = BLOCK * if transposed { blocks - 1 - block } else { block };
        let to = (from + BLOCK).min(n);
        let solved = &mut scratch[..(to - from) * m];
        let take = |x: &[T], solved: &mut [T]| {
            let done = &x[from * m..to * m];
            solved.iter_mut().zip(done).for_each(|(solved, &x)| *solved = -x);
        };
        let right = |solved| Right::Plain(Matrix::rows(solved, to - from, m));
        if transposed {
            backwards(l, n, x, m, from, to);
            take(x, solved);
            let left = Matrix::rows(l, n, n).block((from, 0), (to - from, from)).transposed();
            let mut c = matrix(&mut x[..from * m], from, m);
            multiply(left, right(solved), true, None, &mut c);
        } else {
            forwards(l, n, x, m, from, to);
            take(x, solved);
            let left = Matrix::rows(l, n, n).block((to, from), (n - to, to - from));
            let mut c = matrix(&mut x[to * m..], n - to, m);
            multiply(left, right(solved), true, None, &mut c);
        }
    }
}

fn matrix<T>(data: &mut [T], rows: usize, columns: usize) -> ArrayViewMut2<'_, T> {
    match ArrayViewMut2::from_shape((rows, columns), data) {
        Ok(matrix) => matrix,
        Err(error) => panic!("{rows} rows of {columns}: {error}"),
    }
}
