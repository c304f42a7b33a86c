//! Linear classifiers, one class against the others, with the squared hinge loss: liblinear's `-s 1` and
//! `-s 2` with a bias of 1, by the solver of rank pooling.

use crate::solver::{Newton, Problem, SolveError};

/// A linear classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct Svm {
    /// A row for each class, the weight of the constant 1 last.
    weights: Vec<Vec<f64>>,
}

impl Svm {
    /// Minimises `1/2 |w|^2 + C sum_i max(0, 1 - y_i w . x_i)^2` for each class, y being 1 for its rows, of
    /// which `is(row, class)` is true, and -1 for others, and every row having a constant 1 after its
    /// `width` values.
    ///
    /// # Errors
    /// [`SolveError`].
    pub fn train(
        rows: &[f64],
        width: usize,
        is: impl Fn(usize, usize) -> bool,
        classes: usize,
        cost: f64,
    ) -> Result<Self, SolveError> {
        let count = rows.len() / width.max(1);
        let extended: Vec<f64> =
            rows.chunks_exact(width).flat_map(|row| row.iter().copied().chain([1.0])).collect();
        let mut newton = Newton::default();
        let weights = (0..classes).map(|class| {
            let low = |row| if is(row, class) { 1.0 } else { f64::NEG_INFINITY };
            let high = |row| if is(row, class) { f64::INFINITY } else { -1.0 };
            let (low, high): (Vec<f64>, Vec<f64>) =
                ((0..count).map(low).collect(), (0..count).map(high).collect());
            let (low, high) = (&low[..], &high[..]);
            let problem =
                Problem { rows: &extended, width: width + 1, low, high, cost: 2.0 * cost };
            Ok(newton.solve(&problem)?.w.clone())
        });
        Ok(Self { weights: weights.collect::<Result<_, SolveError>>()? })
    }

    /// The weights of each class, that of the constant last.
    pub fn weights(&self) -> &[Vec<f64>] {
        &self.weights
    }

    /// The score of each class for a row.
    pub fn scores(&self, row: &[f64]) -> Vec<f64> {
        let score = |weights: &Vec<f64>| {
            let (bias, weights) = weights.split_last().expect("a weight of the constant");
            bias + weights.iter().zip(row).map(|(w, x)| w * x).sum::<f64>()
        };
        self.weights.iter().map(score).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_points_by_hand() {
        // x = 1 for class 0 and x = -1 for class 1: w is (v, 0) by symmetry, with v/2 = 2 C (1 - v).
        let svm = Svm::train(&[1.0, -1.0], 1, |row, class| row == class, 2, 1.0).unwrap();
        for (class, sign) in [(0, 1.0), (1, -1.0)] {
            let [v, bias] = svm.weights()[class][..] else { panic!("two weights") };
            assert!((v - sign * 0.8).abs() < 1e-12 && bias.abs() < 1e-12, "{v} {bias}");
        }
        assert!((svm.scores(&[0.5])[0] - 0.4).abs() < 1e-12);
    }
}
