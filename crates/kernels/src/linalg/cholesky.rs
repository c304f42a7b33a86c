//! Cholesky factors and triangular systems in place, row-major: loops for small matrices, of which
//! there are many, and LAPACK for large ones.

use super::dense::{self, Real};
use crate::product::{Matrix, matrix_mut};
use crate::simd::lanes::{axpy, dot};
use crate::simd::vectorised;
use crate::{DType, Float};

/// Rows from which a factor goes by LAPACK. It is faster from four rows on, but allocates, and small
/// systems come in batches.
const FACTOR: usize = 32;
/// Rows from which LAPACK solves faster, for all that it copies.
const SYSTEM: usize = 192;

vectorised! {
    fn eliminate<T: Float>(a: &mut [T], n: usize) -> bool {
        for i in 0..n {
            let (above, rest) = a.split_at_mut(i * n);
            let row = &mut rest[..n];
            for j in 0..i {
                let other = &above[j * n..(j + 1) * n];
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let pivot = row[i] - dot(&row[..i], &row[..i]);
            // A NaN is no positive number either.
            if pivot.partial_cmp(&T::zero()) != Some(std::cmp::Ordering::Greater) {
                return false;
            }
            row[i] = pivot.sqrt();
        }
        true
    }
}

/// The lower factor of a symmetric positive definite `a` `[n, n]` in its lower triangle; false if it
/// is not positive definite.
pub fn factorise<T: Float>(a: &mut [T], n: usize) -> bool {
    fn large<T: Real>(a: &mut [T], n: usize) -> bool {
        let factor = dense::cholesky(&Matrix::rows(a, n, n).view());
        factor.is_ok_and(|factor| {
            matrix_mut(a, n, n).assign(&factor);
            true
        })
    }
    match T::DTYPE {
        _ if n < FACTOR => eliminate(a, n),
        DType::F64 => large::<f64>(bytemuck::cast_slice_mut(a), n),
        _ => large::<f32>(bytemuck::cast_slice_mut(a), n),
    }
}

vectorised! {
    fn forwards<T: Float>(l: &[T], n: usize, x: &mut [T], m: usize) {
        for i in 0..n {
            let (above, rest) = x.split_at_mut(i * m);
            let row = &mut rest[..m];
            for j in 0..i {
                axpy(-l[i * n + j], &above[j * m..(j + 1) * m], row);
            }
            row.iter_mut().for_each(|x| *x /= l[i * n + i]);
        }
    }
}

vectorised! {
    fn backwards<T: Float>(l: &[T], n: usize, x: &mut [T], m: usize) {
        for i in (0..n).rev() {
            let (above, rest) = x.split_at_mut(i * m);
            let row = &mut rest[..m];
            row.iter_mut().for_each(|x| *x /= l[i * n + i]);
            for j in 0..i {
                axpy(-l[i * n + j], row, &mut above[j * m..(j + 1) * m]);
            }
        }
    }
}

/// x = l^-1 x, or l^-T x if `transposed`, for the lower triangle of `l` `[n, n]`, whose diagonal has no
/// zeros, and `x` `[n, m]`.
pub fn substitute<T: Float>((l, n): (&[T], usize), (x, m): (&mut [T], usize), transposed: bool) {
    fn large<T: Real>(l: &[T], n: usize, x: &mut [T], m: usize, transposed: bool) -> bool {
        let found = dense::solve_triangular(
            &Matrix::rows(l, n, n).view(),
            &Matrix::rows(x, n, m).view(),
            transposed,
        );
        found.is_ok_and(|found| {
            matrix_mut(x, n, m).assign(&found);
            true
        })
    }
    let done = match T::DTYPE {
        _ if n < SYSTEM => false,
        DType::F64 => {
            large::<f64>(bytemuck::cast_slice(l), n, bytemuck::cast_slice_mut(x), m, transposed)
        }
        _ => large::<f32>(bytemuck::cast_slice(l), n, bytemuck::cast_slice_mut(x), m, transposed),
    };
    // LAPACK refuses what is not finite; loops carry it on.
    match transposed {
        _ if done => {}
        true => backwards(l, n, x, m),
        false => forwards(l, n, x, m),
    }
}
