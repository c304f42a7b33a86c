//! The systems of a piece, in the dual and in the primal, and their factors.

use kernels::linalg::cholesky::factorise;
use kernels::product::{Matrix, Right, gram, multiply};
use kernels::simd::{Isa, isa};
use ndarray::linalg::general_mat_vec_mul;
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut1, ArrayViewMut2, s};
use ndarray_linalg::{CholeskyInplace, UPLO};

use super::point::{Point, dot};
use super::{Problem, Side, SolveError};

/// Unknowns from which LAPACK factors faster than loops.
const LAPACK: usize = 32;

/// The Cholesky factor of the last system, by which gradients are solved for as well.
#[derive(Debug, Clone, Default)]
pub(crate) struct Factor {
    /// The lower factor, `[unknowns, unknowns]`; what lies above the diagonal means nothing.
    pub(crate) values: Vec<f64>,
    /// How many unknowns.
    pub(crate) unknowns: usize,
}

impl Factor {
    fn begin(&mut self, unknowns: usize) -> &mut [f64] {
        self.unknowns = unknowns;
        self.values.resize(unknowns * unknowns, 0.0);
        &mut self.values
    }

    fn factorise(&mut self, cost: f64) -> Result<(), SolveError> {
        let unknowns = self.unknowns;
        let done = if unknowns < LAPACK {
            factorise(&mut self.values, unknowns)
        } else {
            // In place, which a factor by way of `kernels` is not.
            kernels::blas::single_thread();
            let matrix = ArrayViewMut2::from_shape((unknowns, unknowns), &mut self.values);
            matrix.expect("a square matrix").cholesky_inplace(UPLO::Lower).is_ok()
        };
        if done { Ok(()) } else { Err(SolveError::Factor { unknowns, cost }) }
    }

    fn solve(&self, x: &mut [f64]) {
        forwards(&self.values, x);
        backwards(&self.values, x);
    }
}

/// x = L^-1 x for a lower `l` `[n, n]`.
pub(crate) fn forwards(l: &[f64], x: &mut [f64]) {
    let n = x.len();
    for i in 0..n {
        let (known, rest) = x.split_at_mut(i);
        let row = &l[i * n..i * n + i + 1];
        rest[0] = (rest[0] - dot(&row[..i], known)) / row[i];
    }
}

/// x = L^-T x for a lower `l` `[n, n]`.
pub(crate) fn backwards(l: &[f64], x: &mut [f64]) {
    let n = x.len();
    for i in (0..n).rev() {
        let (above, rest) = x.split_at_mut(i);
        let row = &l[i * n..i * n + i + 1];
        rest[0] /= row[i];
        above.iter_mut().zip(row).for_each(|(above, l)| *above -= rest[0] * l);
    }
}

/// y = m x for `m` `[rows, columns]`, or m' x.
pub(crate) fn apply(m: &[f64], columns: usize, transposed: bool, x: &[f64], y: &mut [f64]) {
    let rows = m.len() / columns.max(1);
    let m = ArrayView2::from_shape((rows, columns), m).expect("whole rows");
    let m = if transposed { m.reversed_axes() } else { m };
    let mut y = ArrayViewMut1::from(y);
    general_mat_vec_mul(1.0, &m, &ArrayView1::from(x), 0.0, &mut y);
}

/// Rows of a stripe of the products of all pairs.
const STRIPE: usize = 64;

/// The products of all pairs of rows: of each stripe those with the rows up to its last, and mirrored. The
/// bits are those of [`gram`].
fn products(x: Matrix<'_, f64>, c: &mut [f64]) {
    let (n, width) = x.shape;
    if n <= STRIPE || isa() == Isa::Plain {
        return gram(x, c);
    }
    let mut all = ArrayViewMut2::from_shape((n, n), &mut *c).expect("a square matrix");
    // Stripes of about one size, in multiples of the rows that a kernel takes at once.
    let height = n.div_ceil(n.div_ceil(STRIPE)).next_multiple_of(8);
    for first in (0..n).step_by(height) {
        let last = (first + height).min(n);
        let stripe = x.block((first, 0), (last - first, width));
        let others = x.block((0, 0), (last, width)).transposed();
        let mut to = all.slice_mut(s![first..last, ..last]);
        multiply(stripe, Right::Plain(others), false, None, &mut to);
    }
    for row in 0..n {
        for column in row + 1..n {
            c[row * n + column] = c[column * n + row];
        }
    }
}

/// What the systems of a problem share, and the memory they are made in.
#[derive(Debug, Clone, Default)]
pub(super) struct Systems {
    /// The products of all pairs of rows, in the dual.
    gram: Vec<f64>,
    /// The rows outside, in the order of their number.
    active: Vec<usize>,
    /// Their part of the rows, in the primal.
    rows: Vec<f64>,
    right: Vec<f64>,
}

impl Systems {
    /// Prepares for a problem.
    ///
    /// # Errors
    /// [`SolveError::NotFinite`].
    pub(super) fn begin(&mut self, problem: &Problem<'_>) -> Result<(), SolveError> {
        let (n, width) = (problem.len(), problem.width);
        let finite = if problem.is_dual() {
            self.gram.resize(n * n, 0.0);
            products(Matrix::rows(problem.rows, n, width), &mut self.gram);
            // The square of a row is finite only where all of it is.
            (0..n).all(|row| self.gram[row * n + row].is_finite())
        } else {
            problem.rows.iter().all(|x| (x * x).is_finite())
        };
        if finite {
            return Ok(());
        }
        let largest = |(_, x): &(usize, &f64)| !x.is_finite() || x.abs() > 1e150;
        let at = problem.rows.iter().enumerate().find(largest).map_or(0, |(at, _)| at);
        let (row, column) = (at / width, at % width);
        Err(SolveError::NotFinite { row, column, value: problem.rows[at] })
    }

    /// The minimum of the piece with these sides.
    pub(super) fn solve(
        &mut self,
        problem: &Problem<'_>,
        sides: &[Side],
        factor: &mut Factor,
        to: &mut Point,
    ) -> Result<(), SolveError> {
        let outside = |row: &usize| sides[*row] != Side::Inside;
        self.active.clear();
        self.active.extend((0..problem.len()).filter(outside));
        let dual = problem.is_dual();
        to.zero(if dual { problem.len() } else { problem.width }, problem.len());
        if dual {
            self.dual(problem, sides, factor, to)
        } else {
            self.primal(problem, sides, factor, to)
        }
    }

    fn dual(
        &mut self,
        problem: &Problem<'_>,
        sides: &[Side],
        factor: &mut Factor,
        to: &mut Point,
    ) -> Result<(), SolveError> {
        let (n, m) = (problem.len(), self.active.len());
        let matrix = factor.begin(m);
        for (i, &row) in self.active.iter().enumerate() {
            let from = &self.gram[row * n..(row + 1) * n];
            let to = &mut matrix[i * m..(i + 1) * m];
            to.iter_mut().zip(&self.active).for_each(|(to, &column)| *to = from[column]);
            to[i] += 1.0 / problem.cost;
        }
        factor.factorise(problem.cost)?;
        self.right.clear();
        self.right.extend(self.active.iter().map(|&row| end(problem, sides, row)));
        factor.solve(&mut self.right);
        self.active.iter().zip(&self.right).for_each(|(&row, &a)| to.unknowns[row] = a);
        apply(&self.gram, n, false, &to.unknowns, &mut to.predicted);
        Ok(())
    }

    fn primal(
        &mut self,
        problem: &Problem<'_>,
        sides: &[Side],
        factor: &mut Factor,
        to: &mut Point,
    ) -> Result<(), SolveError> {
        let (width, m) = (problem.width, self.active.len());
        self.rows.clear();
        for &row in &self.active {
            self.rows.extend_from_slice(&problem.rows[row * width..(row + 1) * width]);
        }
        let matrix = factor.begin(width);
        matrix.fill(0.0);
        if m > 0 {
            gram(Matrix::rows(&self.rows, m, width).transposed(), matrix);
        }
        matrix.iter_mut().for_each(|x| *x *= problem.cost);
        matrix.iter_mut().step_by(width + 1).for_each(|x| *x += 1.0);
        factor.factorise(problem.cost)?;
        self.right.clear();
        let weighted = |&row: &usize| problem.cost * end(problem, sides, row);
        self.right.extend(self.active.iter().map(weighted));
        apply(&self.rows, width, true, &self.right, &mut to.unknowns);
        factor.solve(&mut to.unknowns);
        apply(problem.rows, width, false, &to.unknowns, &mut to.predicted);
        Ok(())
    }
}

/// The end of a row's interval that it lies beyond.
pub(super) fn end(problem: &Problem<'_>, sides: &[Side], row: usize) -> f64 {
    match sides[row] {
        Side::Below => problem.low[row],
        Side::Above => problem.high[row],
        Side::Inside => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_stripes_have_the_bits_of_whole_ones() {
        for (n, width) in [(3, 5), (64, 9), (65, 70), (100, 33), (200, 300)] {
            let x: Vec<f64> = (0..n * width).map(|i| ((i * 7919) % 1009) as f64 / 504.5).collect();
            let (mut ours, mut theirs) = (vec![0.0; n * n], vec![0.0; n * n]);
            products(Matrix::rows(&x, n, width), &mut ours);
            gram(Matrix::rows(&x, n, width), &mut theirs);
            assert_eq!(ours, theirs, "{n} {width}");
        }
    }
}
