//! Matrix products: BLAS where it pays, plain loops where a call would cost more than the work.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, ShapeBuilder};

use super::reduce::dot;
use super::simd::vectorised;
use crate::{Float, Layout};

/// Whether each matrix of the layout has one axis of stride 1 and no repeated one.
pub(crate) fn readable(shape: &[usize], strides: &[usize]) -> bool {
    let r = shape.len();
    let (m, n, s, t) = (shape[r - 2], shape[r - 1], strides[r - 2], strides[r - 1]);
    ((n == 1 || t == 1) && (m == 1 || s >= n)) || ((m == 1 || s == 1) && (n == 1 || t >= m))
}

/// One matrix inside a slice.
#[derive(Clone, Copy)]
struct Matrix<'a, T> {
    data: &'a [T],
    shape: (usize, usize),
    strides: (usize, usize),
}

impl<'a, T: Float> Matrix<'a, T> {
    fn view(self) -> ArrayView2<'a, T> {
        let (rows, columns) = self.shape;
        // BLAS wants strides of at least the other extent, also along an axis of extent 1.
        let (s, t) = self.strides;
        let strides = match self.shape {
            (1, _) if t == 1 => (columns.max(1), 1),
            (_, 1) if s == 1 => (1, rows.max(1)),
            (1, _) => (1, t),
            (_, 1) => (s, 1),
            _ => (s, t),
        };
        match ArrayView2::from_shape(self.shape.strides(strides), self.data) {
            Ok(view) => view,
            Err(error) => panic!("matrix {:?} {strides:?}: {error}", self.shape),
        }
    }
}

/// Multiplications below which loops beat a call.
const SMALL: usize = 2048;

/// Products of the matrices of two layouts with equal leading axes, into contiguous `c`.
pub(crate) fn batched<T: Float>(a: &[T], la: &Layout, b: &[T], lb: &Layout, c: &mut [T]) {
    let r = la.shape.len();
    let (m, k, n) = (la.shape[r - 2], la.shape[r - 1], lb.shape[r - 1]);
    if c.is_empty() {
        return;
    }
    crate::blas::single_thread();
    for (i, c) in c.chunks_exact_mut(m * n).enumerate() {
        let a = matrix(a, la, i);
        let b = matrix(b, lb, i);
        if k == 0 {
            c.fill(T::zero());
        } else {
            product(a, b, c);
        }
    }
}

fn matrix<'a, T>(data: &'a [T], layout: &Layout, mut index: usize) -> Matrix<'a, T> {
    let r = layout.shape.len();
    let mut offset = 0;
    for axis in (0..r - 2).rev() {
        offset += index % layout.shape[axis] * layout.strides[axis];
        index /= layout.shape[axis];
    }
    let shape = (layout.shape[r - 2], layout.shape[r - 1]);
    let strides = (layout.strides[r - 2], layout.strides[r - 1]);
    Matrix { data: &data[offset..], shape, strides }
}

fn product<T: Float>(a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T]) {
    let ((m, k), n) = (a.shape, b.shape.1);
    if m * k * n < SMALL || m == 1 || n == 1 {
        small(a, b, c);
        return;
    }
    let c = ArrayViewMut2::from_shape((m, n), c);
    match c {
        Ok(mut c) => general_mat_mul(T::one(), &a.view(), &b.view(), T::zero(), &mut c),
        Err(error) => panic!("a result of {m} by {n}: {error}"),
    }
}

vectorised! {
    /// y += a x.
    fn axpy<T: Float>(a: T, x: &[T], y: &mut [T]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = *y + a * x;
        }
    }
}

/// Loops whose innermost runs along memory.
fn small<T: Float>(a: Matrix<'_, T>, b: Matrix<'_, T>, c: &mut [T]) {
    let ((m, k), n) = (a.shape, b.shape.1);
    let at = |i: usize, p: usize| a.data[i * a.strides.0 + p * a.strides.1];
    let contiguous = |stride: usize, extent: usize| stride == 1 || extent == 1;
    if contiguous(a.strides.1, k) && contiguous(b.strides.0, k) {
        for i in 0..m {
            let row = &a.data[i * a.strides.0..][..k];
            for j in 0..n {
                c[i * n + j] = dot(row, &b.data[j * b.strides.1..][..k]);
            }
        }
    } else if contiguous(b.strides.1, n) {
        c.fill(T::zero());
        for i in 0..m {
            for p in 0..k {
                axpy(at(i, p), &b.data[p * b.strides.0..][..n], &mut c[i * n..(i + 1) * n]);
            }
        }
    } else {
        for i in 0..m {
            for j in 0..n {
                let column = &b.data[j * b.strides.1..];
                c[i * n + j] =
                    (0..k).fold(T::zero(), |sum, p| sum + at(i, p) * column[p * b.strides.0]);
            }
        }
    }
}
