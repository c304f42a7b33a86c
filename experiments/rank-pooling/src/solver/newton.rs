//! The search.

use super::point::{Point, agree, sides};
use super::system::{Factor, Systems, apply, end};
use super::{Problem, SYSTEMS, Side, SolveError};

/// A solver, with memory that it uses again for the next problem. Nothing else of a problem is kept: the
/// bits of a solution do not depend on what was solved before.
#[derive(Debug, Clone, Default)]
pub struct Newton {
    systems: Systems,
    at: Point,
    next: Point,
    found: Solution,
}

/// The minimum of a [`Problem`].
#[derive(Debug, Clone, Default)]
pub struct Solution {
    /// The vector w, `[width]`.
    pub w: Vec<f64>,
    /// The share of each row, `w = sum_i a_i x_i`, which is c times how far its prediction is from the
    /// interval; 0 for rows inside.
    pub a: Vec<f64>,
    /// Where each row lies.
    pub sides: Vec<Side>,
    /// How many systems were solved.
    pub systems: usize,
    pub(crate) factor: Factor,
}

impl Newton {
    /// Solves a problem.
    ///
    /// # Errors
    /// [`SolveError`].
    pub fn solve(&mut self, problem: &Problem<'_>) -> Result<&Solution, SolveError> {
        let dual = problem.is_dual();
        let Self { systems, at, next, found } = self;
        found.systems = 0;
        systems.begin(problem)?;
        at.zero(if dual { problem.len() } else { problem.width }, problem.len());
        loop {
            sides(problem, &at.predicted, &mut found.sides);
            if found.systems == SYSTEMS {
                let cost = problem.cost;
                return Err(SolveError::NotConverged { systems: SYSTEMS, cost });
            }
            found.systems += 1;
            systems.solve(problem, &found.sides, &mut found.factor, next)?;
            if agree(problem, &next.predicted, &found.sides) {
                break;
            }
            let value = |point: &Point| problem.value(point.inner(point, dual), &point.predicted);
            if value(next) < value(at) {
                std::mem::swap(at, next);
            } else {
                at.descend(next, problem);
            }
        }
        found.take(problem, next);
        Ok(&self.found)
    }
}

impl Solution {
    fn take(&mut self, problem: &Problem<'_>, point: &Point) {
        self.w.clear();
        self.a.clear();
        if problem.is_dual() {
            self.a.extend_from_slice(&point.unknowns);
            self.w.resize(problem.width, 0.0);
            apply(problem.rows, problem.width, true, &self.a, &mut self.w);
            return;
        }
        self.w.extend_from_slice(&point.unknowns);
        let share = |(row, predicted): (usize, &f64)| match self.sides[row] {
            Side::Inside => 0.0,
            _ => problem.cost * (end(problem, &self.sides, row) - predicted),
        };
        self.a.extend(point.predicted.iter().enumerate().map(share));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without a pattern.
    pub(crate) fn numbers(seed: usize, len: usize) -> Vec<f64> {
        (0..len).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f64 / 504.5 - 1.0).collect()
    }

    fn tube(n: usize, epsilon: f64) -> (Vec<f64>, Vec<f64>) {
        let labels = (1..=n).map(|t| t as f64);
        (labels.clone().map(|t| t - epsilon).collect(), labels.map(|t| t + epsilon).collect())
    }

    /// The largest element of the gradient, `w - sum_i c (end - prediction) x_i`.
    fn gradient(problem: &Problem<'_>, w: &[f64]) -> f64 {
        let mut g = w.to_vec();
        for (row, x) in problem.rows.chunks_exact(problem.width).enumerate() {
            let predicted: f64 = x.iter().zip(w).map(|(x, w)| x * w).sum();
            let off = super::super::outside(predicted, problem.low[row], problem.high[row]);
            g.iter_mut().zip(x).for_each(|(g, x)| *g += problem.cost * off * x);
        }
        g.iter().fold(0.0, |most, g| g.abs().max(most))
    }

    #[test]
    fn one_row_by_hand() {
        // 1/2 w^2 + 2 (2 w - 0.9)^2: w + 8 (2 w - 0.9) = 0.
        let problem = Problem { rows: &[2.0], width: 1, low: &[0.9], high: &[1.1], cost: 4.0 };
        let mut newton = Newton::default();
        let found = newton.solve(&problem).unwrap();
        let w = 7.2 / 17.0;
        assert!((found.w[0] - w).abs() < 1e-15, "{}", found.w[0]);
        assert!((found.a[0] - w / 2.0).abs() < 1e-15);
        assert_eq!((found.sides[0], found.systems), (Side::Below, 1));
    }

    #[test]
    fn the_gradient_vanishes_in_the_dual_and_in_the_primal() {
        let mut newton = Newton::default();
        for (n, width) in [(1, 1), (1, 7), (9, 1), (12, 30), (30, 12), (40, 40), (64, 3)] {
            for cost in [1e-3, 1.0, 1e3] {
                let rows = numbers(n + width, n * width);
                let (low, high) = tube(n, 0.1);
                let problem = Problem { rows: &rows, width, low: &low, high: &high, cost };
                let found = newton.solve(&problem).unwrap();
                let size = 1.0 + found.w.iter().fold(0.0f64, |most, w| w.abs().max(most));
                let off = gradient(&problem, &found.w);
                assert!(off < 1e-9 * size * (1.0 + cost), "{n} {width} {cost}: {off:e}");
                let mut again = vec![0.0; width];
                apply(&rows, width, true, &found.a, &mut again);
                for (w, again) in found.w.iter().zip(&again) {
                    assert!((w - again).abs() < 1e-9 * size * (1.0 + cost), "{w} {again}");
                }
            }
        }
    }

    #[test]
    fn both_forms_find_one_solution() {
        // A column of zeros makes a primal problem of more columns than rows, which changes nothing.
        let (n, width) = (20, 15);
        let rows = numbers(3, n * width);
        let wide: Vec<f64> =
            rows.chunks_exact(width).flat_map(|row| row.iter().copied().chain([0.0; 10])).collect();
        let (low, high) = tube(n, 0.3);
        let (mut primal, mut dual) = (Newton::default(), Newton::default());
        for cost in [0.1, 10.0, 1000.0] {
            let narrow = Problem { rows: &rows, width, low: &low, high: &high, cost };
            let wide = Problem { rows: &wide, width: width + 10, ..narrow };
            let (a, b) = (primal.solve(&narrow).unwrap(), dual.solve(&wide).unwrap());
            assert_eq!(a.sides, b.sides);
            for (a, b) in a.w.iter().zip(&b.w) {
                assert!((a - b).abs() < 1e-8 * (1.0 + a.abs()), "{a} {b}");
            }
        }
    }

    #[test]
    fn a_hinge_has_one_end() {
        // Two classes on a line, at 2 and -1: w + 2 (w - 1) = 0 for the second once 2 w > 1.
        let problem = Problem {
            rows: &[2.0, -1.0],
            width: 1,
            low: &[1.0, f64::NEG_INFINITY],
            high: &[f64::INFINITY, -1.0],
            cost: 2.0,
        };
        let mut newton = Newton::default();
        let found = newton.solve(&problem).unwrap();
        assert!((found.w[0] - 2.0 / 3.0).abs() < 1e-15, "{:?}", found.w);
        assert_eq!(found.sides, [Side::Inside, Side::Above]);
    }

    #[test]
    fn equal_rows_are_no_trouble_and_numbers_that_are_none_are_named() {
        let mut newton = Newton::default();
        let (low, high) = tube(6, 0.1);
        for width in [2, 8] {
            let rows = vec![0.5; 6 * width];
            let problem = Problem { rows: &rows, width, low: &low, high: &high, cost: 1.0 };
            let found = newton.solve(&problem).unwrap();
            assert!(found.w.iter().all(|w| (w - found.w[0]).abs() < 1e-12));
            for bad in [f64::NAN, f64::NEG_INFINITY, 1e200] {
                let mut rows = rows.clone();
                rows[3 * width + 1] = bad;
                let problem = Problem { rows: &rows, ..problem };
                let told = newton.solve(&problem).unwrap_err().to_string();
                let wanted = format!("row 3: wanted finite numbers, found {bad} in column 1");
                assert_eq!(told, wanted);
            }
        }
        let nothing = Problem { rows: &[], width: 3, low: &[], high: &[], cost: 1.0 };
        assert_eq!(newton.solve(&nothing).unwrap().w, [0.0; 3]);
    }
}
