//! The functions that L-BFGS is judged by; `scripts/lbfgs_check.py` has the same.

use std::convert::Infallible;

use learn::{Bounds, Lbfgs, LbfgsSettings};

/// What is minimised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `sum 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2`.
    Rosenbrock,
    /// Mean logistic loss of 500 rows, plus `0.0005 |w|^2`.
    Logistic,
}

/// A function, where the search starts, and its bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Problem {
    pub(crate) name: &'static str,
    kind: Kind,
    dimension: usize,
    /// The same for every variable.
    bounds: Option<(f64, f64)>,
}

pub(crate) const PROBLEMS: [Problem; 6] = [
    Problem { name: "rosenbrock 2", kind: Kind::Rosenbrock, dimension: 2, bounds: None },
    Problem { name: "rosenbrock 100", kind: Kind::Rosenbrock, dimension: 100, bounds: None },
    Problem { name: "logistic", kind: Kind::Logistic, dimension: 50, bounds: None },
    Problem {
        name: "rosenbrock 100, bounded",
        kind: Kind::Rosenbrock,
        dimension: 100,
        bounds: Some((-0.5, 0.8)),
    },
    Problem {
        name: "logistic, bounded",
        kind: Kind::Logistic,
        dimension: 50,
        bounds: Some((-0.5, 1.0)),
    },
    Problem {
        name: "logistic, non-negative",
        kind: Kind::Logistic,
        dimension: 50,
        bounds: Some((0.0, f64::INFINITY)),
    },
];

const ROWS: usize = 500;
const PENALTY: f64 = 1e-3;

/// Number `index` of a fixed sequence in `[-1, 1)`, by splitmix64.
fn draw(index: usize) -> f64 {
    let mut z = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 * 2f64.powi(-52) - 1.0
}

impl Problem {
    pub(crate) fn search(&self) -> Lbfgs {
        let start = match self.kind {
            Kind::Rosenbrock => {
                (0..self.dimension).map(|i| if i % 2 == 0 { -1.2 } else { 1.0 }).collect()
            }
            Kind::Logistic => vec![0.0; self.dimension],
        };
        let settings = LbfgsSettings {
            gradient_tolerance: 1e-8,
            value_tolerance: 1e-12,
            ..LbfgsSettings::default()
        };
        match self.bounds {
            None => Lbfgs::new(start, settings),
            Some((lower, upper)) => {
                let bounds = Bounds::all(self.dimension, lower, upper);
                Lbfgs::within(bounds, start, settings).expect("bounds that do not cross")
            }
        }
    }

    pub(crate) fn evaluate(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, Infallible> {
        Ok(match self.kind {
            Kind::Rosenbrock => rosenbrock(x, gradient),
            Kind::Logistic => logistic(x, gradient),
        })
    }
}

fn rosenbrock(x: &[f64], gradient: &mut [f64]) -> f64 {
    gradient.fill(0.0);
    let mut value = 0.0;
    for i in 0..x.len() - 1 {
        let (off, rest) = (x[i + 1] - x[i] * x[i], 1.0 - x[i]);
        value += 100.0 * off * off + rest * rest;
        gradient[i] -= 400.0 * off * x[i] + 2.0 * rest;
        gradient[i + 1] += 200.0 * off;
    }
    value
}

/// Rows are drawn; the label is the sign of a fixed sum with noise.
fn logistic(w: &[f64], gradient: &mut [f64]) -> f64 {
    let width = w.len();
    let weight = |j: usize| draw(1_000_000 + j);
    let mut value = 0.0;
    gradient.fill(0.0);
    for row in 0..ROWS {
        let x: Vec<f64> = (0..width).map(|j| draw(row * width + j)).collect();
        let clean: f64 = x.iter().enumerate().map(|(j, x)| x * weight(j)).sum();
        let label = if clean + draw(2_000_000 + row) > 0.0 { 1.0 } else { -1.0 };
        let margin = label * x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>();
        value += (-margin.abs()).exp().ln_1p() + (-margin).max(0.0);
        let slope = -label / (1.0 + margin.exp());
        gradient.iter_mut().zip(&x).for_each(|(g, x)| *g += slope * x);
    }
    let rows = ROWS as f64;
    gradient.iter_mut().zip(w).for_each(|(g, w)| *g = *g / rows + PENALTY * w);
    value / rows + PENALTY / 2.0 * w.iter().map(|w| w * w).sum::<f64>()
}
