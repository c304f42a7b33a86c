//! Test functions of optimisation with their gradients and minima.

use std::f64::consts::TAU;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A function of at least two coordinates with a known minimum of 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Function {
    /// ½ Σ i xᵢ², i from 1.
    #[default]
    Sphere,
    /// Σ 100 (xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)².
    Rosenbrock,
    /// Σ 10 + xᵢ² − 10 cos 2πxᵢ.
    Rastrigin,
}

impl Function {
    /// f(x).
    pub fn value(self, x: &[f64]) -> f64 {
        match self {
            Self::Sphere => x.iter().zip(1..).map(|(x, i)| 0.5 * f64::from(i) * x * x).sum(),
            Self::Rosenbrock => x
                .windows(2)
                .map(|w| 100.0 * (w[1] - w[0] * w[0]).powi(2) + (1.0 - w[0]).powi(2))
                .sum(),
            Self::Rastrigin => x.iter().map(|x| 10.0 + x * x - 10.0 * (TAU * x).cos()).sum(),
        }
    }

    /// ∇f(x), as long as `x`.
    pub fn gradient(self, x: &[f64]) -> Vec<f64> {
        match self {
            Self::Sphere => x.iter().zip(1..).map(|(x, i)| f64::from(i) * x).collect(),
            Self::Rosenbrock => {
                let mut gradient = vec![0.0; x.len()];
                for (i, w) in x.windows(2).enumerate() {
                    let off = w[1] - w[0] * w[0];
                    gradient[i] += -400.0 * w[0] * off - 2.0 * (1.0 - w[0]);
                    gradient[i + 1] += 200.0 * off;
                }
                gradient
            }
            Self::Rastrigin => x.iter().map(|x| 2.0 * x + 10.0 * TAU * (TAU * x).sin()).collect(),
        }
    }

    /// Euclidean distance from the minimum.
    pub fn distance(self, x: &[f64]) -> f64 {
        let minimum = if self == Self::Rosenbrock { 1.0 } else { 0.0 };
        x.iter().map(|x| (x - minimum).powi(2)).sum::<f64>().sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Function::{Rastrigin, Rosenbrock, Sphere};

    #[test]
    fn values_by_hand() {
        assert_eq!(Sphere.value(&[2.0, 1.0]), 3.0);
        assert_eq!(Rosenbrock.value(&[0.0, 1.0]), 101.0);
        assert!((Rastrigin.value(&[0.5, 0.0]) - 20.25).abs() < 1e-12);
        for (function, minimum) in
            [(Sphere, [0.0; 3]), (Rosenbrock, [1.0; 3]), (Rastrigin, [0.0; 3])]
        {
            assert_eq!((function.value(&minimum), function.distance(&minimum)), (0.0, 0.0));
        }
    }

    #[test]
    fn gradients_agree_with_central_differences() {
        let x = [0.3, -0.7, 1.1];
        for function in [Sphere, Rosenbrock, Rastrigin] {
            for (at, slope) in function.gradient(&x).into_iter().enumerate() {
                let at_offset = |h: f64| {
                    let mut x = x;
                    x[at] += h;
                    function.value(&x)
                };
                let difference = (at_offset(1e-5) - at_offset(-1e-5)) / 2e-5;
                assert!(
                    (slope - difference).abs() < 1e-5 * (1.0 + slope.abs()),
                    "{function:?} {at}"
                );
            }
        }
    }
}
