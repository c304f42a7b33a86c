//! Matrix products: BLAS where it pays, plain loops where a call would cost more than the work.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, Axis, ShapeBuilder};

use super::skinny::{self, Rows};
use super::{narrow, small};
use crate::parallel;
use crate::simd::lanes::add_to;
use crate::{Float, Layout};

/// Multiplications of one matrix below which loops beat a call.
const SMALL: usize = 2048;
/// Extent up to which ndarray would not call BLAS, but allocate for a product of its own.
const BLAS_FROM: usize = 7;
/// Multiplications from which a product is split into tiles, and the most tiles there are.
const TILE: usize = 1 << 23;
const TILES: usize = 16;
/// Multiplications from which a batch of small products is shared between threads.
const BATCH: usize = 1 << 19;

/// Whether each matrix of the layout has one axis of stride 1 and no repeated one.
pub fn readable(shape: &[usize], strides: &[usize]) -> bool {
    let r = shape.len();
    let (m, n, s, t) = (shape[r - 2], shape[r - 1], strides[r - 2], strides[r - 1]);
    ((n == 1 || t == 1) && (m == 1 || s >= n)) || ((m == 1 || s == 1) && (n == 1 || t >= m))
}

/// One matrix inside a slice.
#[derive(Clone, Copy)]
pub struct Matrix<'a, T> {
    pub data: &'a [T],
    pub shape: (usize, usize),
    pub strides: (usize, usize),
}

impl<'a, T: Float> Matrix<'a, T> {
    /// The one of number `index` of the matrices of a layout.
    #[inline(always)]
    pub fn of(data: &'a [T], layout: &Layout, mut index: usize) -> Matrix<'a, T> {
        let r = layout.shape.len();
        let mut offset = 0;
        for axis in (1..r - 2).rev() {
            offset += index % layout.shape[axis] * layout.strides[axis];
            index /= layout.shape[axis];
        }
        if r > 2 {
            offset += index * layout.strides[0];
        }
        let shape = (layout.shape[r - 2], layout.shape[r - 1]);
        let strides = (layout.strides[r - 2], layout.strides[r - 1]);
        Matrix { data: &data[offset..], shape, strides }
    }

    #[inline(always)]
    pub fn transposed(self) -> Matrix<'a, T> {
        Matrix {
            data: self.data,
            shape: (self.shape.1, self.shape.0),
            strides: (self.strides.1, self.strides.0),
        }
    }

    fn view(self) -> ArrayView2<'a, T> {
        match ArrayView2::from_shape(self.shape.strides(self.strides), self.data) {
            Ok(view) => view,
            Err(error) => panic!("matrix {:?} by {:?}: {error}", self.shape, self.strides),
        }
    }
}

/// Whether products of two layouts' matrices are computed by loops of this crate's own.
pub fn by_loops(la: &Layout, lb: &Layout) -> bool {
    let r = la.shape.len();
    let (m, k, n) = (la.shape[r - 2], la.shape[r - 1], lb.shape[r - 1]);
    m * k * n < SMALL || m == 1 || n == 1
}

/// Products of the matrices of two layouts with equal leading axes, into contiguous `c`, plus a
/// contiguous `term` where there is one.
pub fn batched<T: Float>(
    (a, la): (&[T], &Layout),
    (b, lb): (&[T], &Layout),
    term: Option<&[T]>,
    c: &mut [T],
) {
    let r = la.shape.len();
    let (m, k, n) = (la.shape[r - 2], la.shape[r - 1], lb.shape[r - 1]);
    if c.is_empty() {
        return;
    }
    let work = m * k * n;
    let loops = by_loops(la, lb);
    parallel::rows(c, m * n, (BATCH / work.max(1)).max(1), 0, &|first, c| {
        let term = term.map(|term| &term[first * m * n..]);
        if k == 0 {
            c.fill(T::zero());
        } else if loops {
            return small::products((a, la), (b, lb), term, first, c);
        } else {
            for (i, c) in c.chunks_exact_mut(m * n).enumerate() {
                let (a, b) = (Matrix::of(a, la, first + i), Matrix::of(b, lb, first + i));
                if skinny::suits(m, k, n) && few(a, b, c) {
                    continue;
                }
                match ArrayViewMut2::from_shape((m, n), c) {
                    Ok(c) => tiled(&a.view(), &b.view(), c, (work / TILES).max(TILE)),
                    Err(error) => panic!("a result of {m} by {n}: {error}"),
                }
            }
        }
        if let Some(term) = term {
            add_to(c, &term[..c.len()]);
        }
    });
}

/// A product with a side of few rows, without copies; `false` where the strides do not allow it.
fn few<T: Float>(a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T]) -> bool {
    let ((m, k), n) = (a.shape, b.shape.1);
    let rows = |x: Matrix<'_, T>| (x.strides.1 == 1).then_some(x.strides.0);
    let left = (a.data, a.strides);
    let along = rows(b).map(|stride| Rows { data: b.data, stride });
    if k < m {
        let Some(along) = along else { return false };
        skinny::outer(left, along, k, n, c);
        return true;
    }
    let c = match ArrayViewMut2::from_shape((m, n), c) {
        Ok(c) => c,
        Err(error) => panic!("a result of {m} by {n}: {error}"),
    };
    match (along, rows(a), rows(b.transposed())) {
        (Some(along), _, _) => skinny::wide(left, along, k, c),
        (None, Some(stride), Some(across)) => {
            let a = Rows { data: a.data, stride };
            skinny::inner(a, Rows { data: b.data, stride: across }, k, c);
        }
        _ => return false,
    }
    true
}

/// c = a b + beta c in one call; `beta` of zero does not read `c`.
pub fn accumulate<T: Float>(
    a: &ArrayView2<'_, T>,
    b: &ArrayView2<'_, T>,
    beta: T,
    c: &mut ArrayViewMut2<'_, T>,
) {
    let ((m, k), n) = (a.dim(), b.dim().1);
    if m.max(k).max(n) > BLAS_FROM {
        return general_mat_mul(T::one(), a, b, beta, c);
    }
    for ((i, j), c) in c.indexed_iter_mut() {
        let product = (0..k).fold(T::zero(), |sum, p| sum + a[(i, p)] * b[(p, j)]);
        *c = if beta == T::zero() { product } else { product + beta * *c };
    }
}

/// Halves the longer side of the result until a tile is small enough for one call.
fn tiled<T: Float>(
    a: &ArrayView2<'_, T>,
    b: &ArrayView2<'_, T>,
    mut c: ArrayViewMut2<'_, T>,
    tile: usize,
) {
    let ((m, k), n) = (a.dim(), b.dim().1);
    if m * k * n <= tile || m.max(n) < 64 {
        if !narrow::product(a, b, &mut c) {
            general_mat_mul(T::one(), a, b, T::zero(), &mut c);
        }
    } else if m >= n {
        let middle = (m / 2).next_multiple_of(16);
        let (top, bottom) = a.split_at(Axis(0), middle);
        let (upper, lower) = c.split_at(Axis(0), middle);
        parallel::both(|| tiled(&top, b, upper, tile), || tiled(&bottom, b, lower, tile));
    } else {
        let middle = (n / 2).next_multiple_of(16);
        let (left, right) = b.split_at(Axis(1), middle);
        let (first, second) = c.split_at(Axis(1), middle);
        parallel::both(|| tiled(a, &left, first, tile), || tiled(a, &right, second, tile));
    }
}

/// Rows from which a Gram matrix is cut in two.
const GRAM: usize = 128;

/// X X^T of `rows` by `columns`.
pub fn gram<T: Float>(x: &[T], rows: usize, columns: usize, c: &mut [T]) {
    if columns == 0 {
        return c.fill(T::zero());
    }
    let x = Matrix { data: x, shape: (rows, columns), strides: (columns, 1) }.view();
    match ArrayViewMut2::from_shape((rows, rows), &mut *c) {
        Ok(c) => lower(&x, c, (rows * rows * columns / TILES).max(TILE)),
        Err(error) => panic!("a Gram matrix of {rows}: {error}"),
    }
    for row in 0..rows {
        for column in row + 1..rows {
            c[row * rows + column] = c[column * rows + row];
        }
    }
}

/// The lower triangle, by blocks that may reach above it.
fn lower<T: Float>(x: &ArrayView2<'_, T>, mut c: ArrayViewMut2<'_, T>, tile: usize) {
    let (rows, columns) = x.dim();
    if rows < GRAM {
        if rows * rows * columns <= tile {
            return accumulate(x, &x.t(), T::zero(), &mut c);
        }
        return tiled(x, &x.t(), c, tile);
    }
    let middle = (rows / 2).next_multiple_of(16);
    let (first, second) = x.split_at(Axis(0), middle);
    let (top, bottom) = c.split_at(Axis(0), middle);
    let (upper, _) = top.split_at(Axis(1), middle);
    let (across, corner) = bottom.split_at(Axis(1), middle);
    parallel::both(
        || tiled(&second, &first.t(), across, tile),
        || parallel::both(|| lower(&first, upper, tile), || lower(&second, corner, tile)),
    );
}
