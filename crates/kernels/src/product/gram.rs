//! Products of all pairs of rows: half of them computed, and mirrored.

use ndarray::{ArrayViewMut2, Axis};

use super::{Matrix, Method, matrix_mut, of, product};
use crate::Float;
use crate::parallel;

/// Rows from which the triangle is cut in two.
const ROWS: usize = 128;

/// X X^T, exactly symmetric, into contiguous `c`.
pub fn gram<T: Float>(x: Matrix<'_, T>, c: &mut [T]) {
    let rows = x.shape.0;
    lower(x, matrix_mut(c, rows, rows));
    for row in 0..rows {
        for column in row + 1..rows {
            c[row * rows + column] = c[column * rows + row];
        }
    }
}

/// The lower triangle, by blocks that may reach above it.
fn lower<T: Float>(x: Matrix<'_, T>, c: ArrayViewMut2<'_, T>) {
    let (rows, columns) = x.shape;
    let pairs = |a: Matrix<'_, T>, b: Matrix<'_, T>, c| {
        let b = b.transposed();
        let blas = of(a, b) == Method::Blas;
        product(if blas { Method::Blas } else { Method::Packed }, a, b, None, c);
    };
    if rows < ROWS {
        return pairs(x, x, c);
    }
    let middle = (rows / 2).next_multiple_of(16);
    let first = x.block((0, 0), (middle, columns));
    let second = x.block((middle, 0), (rows - middle, columns));
    let (top, bottom) = c.split_at(Axis(0), middle);
    let (upper, _) = top.split_at(Axis(1), middle);
    let (across, corner) = bottom.split_at(Axis(1), middle);
    parallel::both(
        || pairs(second, first, across),
        || parallel::both(|| lower(first, upper), || lower(second, corner)),
    );
}
