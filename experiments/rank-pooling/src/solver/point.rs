//! Points of the search: unknowns with the predictions they make.

use super::{Problem, Side, TIE, outside};

/// A point: `a` of the dual or `w` of the primal, and the predictions of all rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Point {
    pub(super) unknowns: Vec<f64>,
    pub(super) predicted: Vec<f64>,
}

impl Point {
    /// The origin.
    pub(super) fn zero(&mut self, unknowns: usize, rows: usize) {
        for (values, len) in [(&mut self.unknowns, unknowns), (&mut self.predicted, rows)] {
            values.clear();
            values.resize(len, 0.0);
        }
    }

    /// The inner product of the vectors `w` of two points.
    pub(super) fn inner(&self, other: &Self, dual: bool) -> f64 {
        let theirs = if dual { &other.predicted } else { &other.unknowns };
        dot(&self.unknowns, theirs)
    }

    /// Moves to the point where `f` is least on the way to `end`, where it is no smaller than here.
    pub(super) fn descend(&mut self, end: &Self, problem: &Problem<'_>) {
        let dual = problem.is_dual();
        let (here, across) = (self.inner(self, dual), self.inner(end, dual));
        let there = end.inner(end, dual);
        // The slope at a fraction of the way, which rises along it.
        let slope = |share: f64| {
            let square = share * (there - 2.0 * across + here) + across - here;
            let rows = self.predicted.iter().zip(&end.predicted);
            let ends = problem.low.iter().zip(problem.high);
            let loss = rows.zip(ends).map(|((&from, &to), (&low, &high))| {
                outside(from + share * (to - from), low, high) * (to - from)
            });
            square + problem.cost * loss.sum::<f64>()
        };
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            *(if slope(middle) < 0.0 { &mut low } else { &mut high }) = middle;
        }
        let step = |from: &mut [f64], to: &[f64]| {
            from.iter_mut().zip(to).for_each(|(from, &to)| *from += high * (to - *from));
        };
        step(&mut self.unknowns, &end.unknowns);
        step(&mut self.predicted, &end.predicted);
    }
}

/// The side of each row.
pub(super) fn sides(problem: &Problem<'_>, predicted: &[f64], sides: &mut Vec<Side>) {
    let ends = problem.low.iter().zip(problem.high);
    sides.clear();
    sides.extend(predicted.iter().zip(ends).map(|(&predicted, (&low, &high))| {
        match outside(predicted, low, high) {
            off if off < 0.0 => Side::Below,
            off if off > 0.0 => Side::Above,
            _ => Side::Inside,
        }
    }));
}

/// Whether predictions lie on the sides that they were computed for, up to ties.
pub(super) fn agree(problem: &Problem<'_>, predicted: &[f64], sides: &[Side]) -> bool {
    let near = |predicted: f64, end: f64| {
        end.is_finite() && (predicted - end).abs() <= TIE * (1.0 + end.abs())
    };
    sides.iter().zip(predicted).enumerate().all(|(row, (&side, &predicted))| {
        let (low, high) = (problem.low[row], problem.high[row]);
        match side {
            Side::Below => predicted < low || near(predicted, low),
            Side::Above => predicted > high || near(predicted, high),
            Side::Inside => {
                outside(predicted, low, high) == 0.0
                    || near(predicted, low)
                    || near(predicted, high)
            }
        }
    })
}

/// The inner product, lane by lane.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    const LANES: usize = 8;
    let ((xs, x_rest), (ys, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (x, y) in xs.iter().zip(ys) {
        for lane in 0..LANES {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    lanes.iter().sum::<f64>() + rest
}
