//! Dense decompositions by LAPACK, of matrices on the host.
//!
//! They are computed by one thread, so that their bits depend on the kernels of the BLAS library alone.

use ndarray::{Array1, Array2, ArrayView2, Ix2};
use ndarray_linalg::error::LinalgError;
use ndarray_linalg::{
    Cholesky, Diag, Eigh, JobSvd, Lapack, LeastSquaresSvd, QR, SVDDC, Scalar, SolveTriangular, UPLO,
};

use crate::{Float, blas};

/// A float that LAPACK has routines for.
pub trait Real: Float + Lapack + Scalar<Real = Self> {}

impl Real for f32 {}
impl Real for f64 {}

/// Why a matrix could not be decomposed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DenseError {
    /// A matrix that should be square is not.
    #[error("{of}: wanted a square matrix, found {rows} rows of {columns}")]
    NotSquare {
        /// The decomposition.
        of: &'static str,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// Two matrices do not have as many rows.
    #[error("{of}: a matrix of {left} rows does not go with one of {right}")]
    Rows {
        /// The decomposition.
        of: &'static str,
        /// Rows of the first.
        left: usize,
        /// Rows of the second.
        right: usize,
    },
    /// An element is infinite or NaN.
    #[error("{of}: the element in row {row}, column {column} is not finite")]
    NotFinite {
        /// The decomposition.
        of: &'static str,
        /// Row of the first such element.
        row: usize,
        /// Its column.
        column: usize,
    },
    /// A matrix that should be positive definite is not.
    #[error("{of}: the matrix is not positive definite")]
    NotPositiveDefinite {
        /// The decomposition.
        of: &'static str,
    },
    /// A matrix that should have an inverse has none.
    #[error("{of}: the matrix is singular")]
    Singular {
        /// The decomposition.
        of: &'static str,
    },
    /// The iteration did not converge, or the routine refused its operands.
    #[error("{of}: {message}")]
    Lapack {
        /// The decomposition.
        of: &'static str,
        /// What the library says.
        message: String,
    },
}

/// The lower factor L of a symmetric positive definite A `[n, n]`, with `L L^T = A`; zeros above the
/// diagonal. Only A's lower triangle is read.
///
/// # Errors
/// [`DenseError::NotSquare`], [`DenseError::NotFinite`], [`DenseError::NotPositiveDefinite`].
pub fn cholesky<T: Real>(a: &ArrayView2<'_, T>) -> Result<Array2<T>, DenseError> {
    let of = "cholesky";
    square(of, a)?;
    if a.is_empty() {
        return Ok(a.to_owned());
    }
    rows(a).cholesky(UPLO::Lower).map_err(|error| match error {
        LinalgError::Lapack(_) => DenseError::NotPositiveDefinite { of },
        error => lapack(of)(error),
    })
}

/// `X = L^-1 B`, or `L^-T B` if `transposed`, for the lower triangle of L `[n, n]` and B `[n, m]`.
///
/// # Errors
/// [`DenseError::NotSquare`], [`DenseError::Rows`], [`DenseError::NotFinite`];
/// [`DenseError::Singular`] for a zero on the diagonal.
pub fn solve_triangular<T: Real>(
    l: &ArrayView2<'_, T>,
    b: &ArrayView2<'_, T>,
    transposed: bool,
) -> Result<Array2<T>, DenseError> {
    let of = "solve_triangular";
    square(of, l)?;
    pair(of, l, b)?;
    if l.diag().iter().any(|&pivot| pivot == T::zero()) {
        return Err(DenseError::Singular { of });
    }
    if b.is_empty() {
        return Ok(b.to_owned());
    }
    let (l, uplo) = if transposed { (l.t(), UPLO::Upper) } else { (l.view(), UPLO::Lower) };
    rows(&l).solve_triangular(uplo, Diag::NonUnit, &rows(b)).map_err(lapack(of))
}

/// Eigenvalues `[n]`, ascending, and eigenvectors, the columns of V `[n, n]`, of a symmetric A `[n,
/// n]`: `A V = V diag(values)`, V orthogonal. Only A's lower triangle is read; the sign of a vector is
/// LAPACK's.
///
/// # Errors
/// [`DenseError::NotSquare`], [`DenseError::NotFinite`]; [`DenseError::Lapack`] without convergence.
pub fn symmetric_eigen<T: Real>(
    a: &ArrayView2<'_, T>,
) -> Result<(Array1<T>, Array2<T>), DenseError> {
    let of = "symmetric_eigen";
    square(of, a)?;
    if a.is_empty() {
        return Ok((Array1::zeros(0), a.to_owned()));
    }
    rows(a).eigh(UPLO::Lower).map_err(lapack(of))
}

/// A singular value decomposition `A = U diag(s) V^T`.
#[derive(Debug, Clone, PartialEq)]
pub struct Svd<T> {
    /// Orthonormal columns `[m, k]` with `k = min(m, n)`.
    pub u: Array2<T>,
    /// Singular values `[k]`, descending.
    pub values: Array1<T>,
    /// Orthonormal rows `[k, n]`.
    pub vt: Array2<T>,
}

/// The thin singular value decomposition of A `[m, n]`, by divide and conquer (`gesdd`).
///
/// # Errors
/// [`DenseError::NotFinite`]; [`DenseError::Lapack`] without convergence.
pub fn svd<T: Real>(a: &ArrayView2<'_, T>) -> Result<Svd<T>, DenseError> {
    let of = "svd";
    finite(of, a)?;
    let (m, n) = a.dim();
    if a.is_empty() {
        let (u, vt) = (Array2::zeros((m, 0)), Array2::zeros((0, n)));
        return Ok(Svd { u, values: Array1::zeros(0), vt });
    }
    match rows(a).svddc(JobSvd::Some).map_err(lapack(of))? {
        (Some(u), values, Some(vt)) => Ok(Svd { u, values, vt }),
        _ => Err(DenseError::Lapack { of, message: "the library gave no vectors".into() }),
    }
}

/// Q `[m, k]` with orthonormal columns and an upper triangular R `[k, n]` with `A = Q R`, for A `[m,
/// n]` and `k = min(m, n)`.
///
/// # Errors
/// [`DenseError::NotFinite`]; [`DenseError::Lapack`] where the library refuses.
pub fn qr<T: Real>(a: &ArrayView2<'_, T>) -> Result<(Array2<T>, Array2<T>), DenseError> {
    let of = "qr";
    finite(of, a)?;
    let (m, n) = a.dim();
    if a.is_empty() {
        return Ok((Array2::zeros((m, 0)), Array2::zeros((0, n))));
    }
    rows(a).qr().map_err(lapack(of))
}

/// The least squares solution of `A X = B`.
#[derive(Debug, Clone, PartialEq)]
pub struct LeastSquares<T> {
    /// X `[n, r]`: of all that minimise the norm of each column of `A X - B`, the one of least norm.
    pub solution: Array2<T>,
    /// The rank of A, up to rounding.
    pub rank: usize,
    /// A's singular values `[min(m, n)]`, descending.
    pub singular_values: Array1<T>,
}

/// Least squares for A `[m, n]` of any rank and B `[m, r]`, by singular values (`gelsd`).
///
/// # Errors
/// [`DenseError::Rows`], [`DenseError::NotFinite`]; [`DenseError::Lapack`] without convergence.
pub fn least_squares<T: Real>(
    a: &ArrayView2<'_, T>,
    b: &ArrayView2<'_, T>,
) -> Result<LeastSquares<T>, DenseError> {
    let of = "least_squares";
    finite(of, a)?;
    pair(of, a, b)?;
    if a.is_empty() || b.is_empty() {
        let singular_values = if a.is_empty() { Array1::zeros(0) } else { svd(a)?.values };
        let solution = Array2::zeros((a.ncols(), b.ncols()));
        return Ok(LeastSquares { solution, rank: 0, singular_values });
    }
    let found =
        LeastSquaresSvd::<T, Ix2>::least_squares(&*rows(a), &rows(b)).map_err(lapack(of))?;
    let rank = usize::try_from(found.rank).unwrap_or_default();
    Ok(LeastSquares { solution: found.solution, rank, singular_values: found.singular_values })
}

/// A copy, row by row: routines of two matrices want both in one order.
fn rows<T: Real>(a: &ArrayView2<'_, T>) -> Array2<T> {
    a.as_standard_layout().into_owned()
}

fn lapack(of: &'static str) -> impl Fn(LinalgError) -> DenseError {
    move |error| DenseError::Lapack { of, message: error.to_string() }
}

fn square<T: Real>(of: &'static str, a: &ArrayView2<'_, T>) -> Result<(), DenseError> {
    let (rows, columns) = a.dim();
    if rows != columns {
        return Err(DenseError::NotSquare { of, rows, columns });
    }
    finite(of, a)
}

fn pair<T: Real>(
    of: &'static str,
    a: &ArrayView2<'_, T>,
    b: &ArrayView2<'_, T>,
) -> Result<(), DenseError> {
    let (left, right) = (a.nrows(), b.nrows());
    if left != right {
        return Err(DenseError::Rows { of, left, right });
    }
    finite(of, b)
}

/// Some routines never return from a NaN.
fn finite<T: Real>(of: &'static str, a: &ArrayView2<'_, T>) -> Result<(), DenseError> {
    blas::single_thread();
    match a.indexed_iter().find(|(_, x)| !Float::to_f64(**x).is_finite()) {
        Some(((row, column), _)) => Err(DenseError::NotFinite { of, row, column }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    fn near(a: &Array2<f64>, b: &Array2<f64>) {
        assert_eq!(a.dim(), b.dim());
        let off = (a - b).iter().fold(0.0f64, |most, x| most.max(x.abs()));
        assert!(off < 1e-12, "{a}, wanted {b}");
    }

    /// Numbers without a pattern.
    fn numbers(rows: usize, columns: usize) -> Array2<f64> {
        Array2::from_shape_fn((rows, columns), |(i, j)| {
            (((i * columns + j) * 7919) % 1009) as f64 / 504.5 - 1.0
        })
    }

    #[test]
    fn factors_and_triangular_systems_by_hand() {
        let a = array![[4.0, 99.0], [2.0, 10.0]];
        let l = cholesky(&a.view()).unwrap();
        near(&l, &array![[2.0, 0.0], [1.0, 3.0]]);
        let b = array![[6.0, 2.0], [9.0, 7.0]];
        near(
            &solve_triangular(&l.view(), &b.view(), false).unwrap(),
            &array![[3.0, 1.0], [2.0, 2.0]],
        );
        near(
            &solve_triangular(&l.view(), &array![[8.0], [6.0]].view(), true).unwrap(),
            &array![[3.0], [2.0]],
        );
    }

    #[test]
    fn eigenvalues_by_hand() {
        let (values, vectors) = symmetric_eigen(&array![[2.0, 1.0], [1.0, 2.0]].view()).unwrap();
        near(&values.insert_axis(ndarray::Axis(0)), &array![[1.0, 3.0]]);
        let half = 0.5f64.sqrt();
        near(&vectors.mapv(f64::abs), &array![[half, half], [half, half]]);
        assert!(vectors[[0, 0]] * vectors[[1, 0]] < 0.0);
    }

    #[test]
    fn singular_values_by_hand() {
        let a = array![[3.0, 0.0], [0.0, -4.0], [0.0, 0.0]];
        let Svd { u, values, vt } = svd(&a.view()).unwrap();
        near(&values.clone().insert_axis(ndarray::Axis(0)), &array![[4.0, 3.0]]);
        near(&u.dot(&Array2::from_diag(&values)).dot(&vt), &a);
    }

    #[test]
    fn decompositions_give_their_matrix_back_whatever_its_layout() {
        for (m, n) in [(7, 7), (40, 9), (9, 40), (1, 5), (5, 1)] {
            let a = numbers(m, n);
            // The same numbers, column by column.
            let transposed = a.t().as_standard_layout().into_owned();
            for a in &[a.view(), transposed.t()] {
                let (q, r) = qr(a).unwrap();
                near(&q.dot(&r), &a.to_owned());
                near(&q.t().dot(&q), &Array2::eye(m.min(n)));
                assert!(r.indexed_iter().all(|((i, j), &x)| j >= i || x == 0.0));
                let Svd { u, values, vt } = svd(a).unwrap();
                near(&u.dot(&Array2::from_diag(&values)).dot(&vt), &a.to_owned());
                assert!(values.windows(2).into_iter().all(|pair| pair[0] >= pair[1]));
                let gram = a.t().dot(a) + Array2::<f64>::eye(n);
                let l = cholesky(&gram.view()).unwrap();
                near(&l.dot(&l.t()), &gram);
                let x = numbers(n, 3);
                for transposed in [false, true] {
                    let l2 = if transposed { l.t() } else { l.view() };
                    let b = l2.dot(&x);
                    near(&solve_triangular(&l.view(), &b.view(), transposed).unwrap(), &x);
                }
                let (values, v) = symmetric_eigen(&gram.view()).unwrap();
                near(&v.dot(&Array2::from_diag(&values)).dot(&v.t()), &gram);
            }
        }
    }

    #[test]
    fn least_squares_of_full_and_of_lower_rank() {
        // The line through (0, 1), (1, 3), (2, 5), and the mean of three numbers.
        let a = array![[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]];
        let found = least_squares(&a.view(), &array![[1.0], [3.0], [5.0]].view()).unwrap();
        near(&found.solution, &array![[1.0], [2.0]]);
        assert_eq!(found.rank, 2);
        // Two equal columns share the solution of least norm.
        let a = array![[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]];
        let found = least_squares(&a.view(), &array![[1.0], [2.0], [6.0]].view()).unwrap();
        near(&found.solution, &array![[1.5], [1.5]]);
        assert_eq!(found.rank, 1);
        // More unknowns than equations.
        let found = least_squares(&array![[3.0, 4.0]].view(), &array![[25.0]].view()).unwrap();
        near(&found.solution, &array![[3.0], [4.0]]);
    }

    #[test]
    fn errors_say_what_was_found() {
        let text = |error: DenseError| error.to_string();
        let flat = Array2::<f64>::zeros((2, 3));
        assert_eq!(
            text(cholesky(&flat.view()).unwrap_err()),
            "cholesky: wanted a square matrix, found 2 rows of 3"
        );
        let indefinite = array![[1.0, 2.0], [2.0, 1.0]];
        assert_eq!(
            cholesky(&indefinite.view()),
            Err(DenseError::NotPositiveDefinite { of: "cholesky" })
        );
        let singular = array![[1.0, 0.0], [1.0, 0.0]];
        let b = Array2::<f64>::zeros((2, 1));
        assert_eq!(
            solve_triangular(&singular.view(), &b.view(), false),
            Err(DenseError::Singular { of: "solve_triangular" })
        );
        assert_eq!(
            text(least_squares(&flat.view(), &Array2::zeros((3, 1)).view()).unwrap_err()),
            "least_squares: a matrix of 2 rows does not go with one of 3"
        );
        for bad in [f32::NAN, f32::INFINITY] {
            let a = array![[1.0, 0.0], [bad, 1.0]];
            assert_eq!(
                text(svd(&a.view()).unwrap_err()),
                "svd: the element in row 1, column 0 is not finite"
            );
            assert!(qr(&a.view()).is_err() && symmetric_eigen(&a.view()).is_err());
        }
    }

    #[test]
    fn nothing_decomposes_into_nothing() {
        let none = Array2::<f64>::zeros((0, 0));
        assert_eq!(cholesky(&none.view()).unwrap().dim(), (0, 0));
        assert_eq!(symmetric_eigen(&none.view()).unwrap().0.len(), 0);
        let flat = Array2::<f64>::zeros((0, 4));
        assert_eq!(svd(&flat.view()).unwrap().vt.dim(), (0, 4));
        assert_eq!(qr(&flat.view()).unwrap().1.dim(), (0, 4));
        let found = least_squares(&flat.view(), &Array2::zeros((0, 2)).view()).unwrap();
        assert_eq!(found.solution.dim(), (4, 2));
    }
}
