//! Ridge regression to intervals, which is rank pooling and the linear classifier alike:
//!
//! `min over w of f(w) = 1/2 |w|^2 + c/2 sum_i dist(w . x_i, [low_i, high_i])^2`
//!
//! With `low = t - epsilon` and `high = t + epsilon` it is the squared epsilon-insensitive regression of
//! rank pooling (equation 5), with `low = 1` or `high = -1` the squared hinge loss of a classifier.
//!
//! `f` is strictly convex and piecewise quadratic. On the piece where the rows `A` lie outside, at the
//! ends `b`, its minimum is `w = sum_A a_i x_i` with `(X_A X_A' + I / c) a = b` (the dual, `|A|` unknowns)
//! or `(I + c X_A' X_A) w = c X_A' b` (the primal, as many as columns). The semismooth Newton method goes
//! from each point to the minimum of its piece; where that does not lower `f` it goes only as far as `f`
//! falls on the way. It ends where a piece holds its own minimum, which is then exact: what remains is
//! rounding.

mod newton;
mod point;
mod system;

pub use newton::{Newton, Solution};
pub(crate) use system::{Factor, backwards, forwards};

/// Rows whose prediction is so near an end of their interval, in proportion to `1 + |end|`, belong to
/// either side of it.
pub const TIE: f64 = 1e-9;

/// Newton systems after which the search gives up. Rank pooling takes a handful.
const SYSTEMS: usize = 200;

/// What is to be minimised.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// The rows, `[n, width]`.
    pub rows: &'a [f64],
    /// Columns.
    pub width: usize,
    /// Lower ends, `[n]`; minus infinity for none.
    pub low: &'a [f64],
    /// Upper ends, `[n]`; infinity for none.
    pub high: &'a [f64],
    /// The constant c.
    pub cost: f64,
}

impl Problem<'_> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.low.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.low.is_empty()
    }

    /// Whether the dual has fewer unknowns, or as many.
    fn is_dual(&self) -> bool {
        self.len() <= self.width
    }

    /// The value of `f` at a point of norm `square` whose predictions are `predicted`.
    fn value(&self, square: f64, predicted: &[f64]) -> f64 {
        let ends = self.low.iter().zip(self.high);
        let off = predicted.iter().zip(ends).map(|(&p, (&low, &high))| outside(p, low, high));
        0.5 * square + 0.5 * self.cost * off.map(|off| off * off).sum::<f64>()
    }

    /// The value of `f` at a vector `w`.
    pub fn objective(&self, w: &[f64]) -> f64 {
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let rows = self.rows.chunks_exact(self.width.max(1));
        let predicted: Vec<f64> = rows.map(|row| dot(row, w)).collect();
        self.value(dot(w, w), &predicted)
    }
}

/// How far a prediction is above (positive) or below (negative) an interval; 0 inside.
fn outside(predicted: f64, low: f64, high: f64) -> f64 {
    if predicted > high {
        predicted - high
    } else if predicted < low {
        predicted - low
    } else {
        0.0
    }
}

/// Where a row lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Below its interval.
    Below,
    /// In its interval: it costs nothing and has no share in the solution.
    Inside,
    /// Above its interval.
    Above,
}

/// Why there is no solution.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SolveError {
    /// A row holds NaN, infinity or a number whose square is infinite.
    #[error("row {row}: wanted finite numbers, found {value} in column {column}")]
    NotFinite {
        /// Which row.
        row: usize,
        /// Which column.
        column: usize,
        /// The number.
        value: f64,
    },
    /// A system has no Cholesky factor: c is too large for these rows.
    #[error("a system of {unknowns} unknowns has no Cholesky factor with c = {cost:e}")]
    Factor {
        /// Its size.
        unknowns: usize,
        /// The constant.
        cost: f64,
    },
    /// The search did not end.
    #[error("the rows outside the tube still change after {systems} systems with c = {cost:e}")]
    NotConverged {
        /// Systems that were solved.
        systems: usize,
        /// The constant.
        cost: f64,
    },
}
