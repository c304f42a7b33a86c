//! Student's paired t-test and Welch's t-test.

use serde::Serialize;
use statrs::function::beta::checked_beta_reg;

use super::{deviation, mean};

/// A two-sided t-test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Student {
    /// Mean of the first sample minus that of the second.
    pub difference: f64,
    /// The statistic; infinite where a difference has no spread at all.
    pub t: f64,
    /// Degrees of freedom.
    pub degrees: f64,
    /// Probability of a statistic at least as far from zero under no difference.
    pub p: f64,
}

impl Student {
    /// `None` where a value was NaN or infinite.
    fn new(difference: f64, error: f64, degrees: f64) -> Option<Self> {
        if !difference.is_finite() || !error.is_finite() {
            return None;
        }
        // 0 / 0: nothing differs.
        let t = if difference == 0.0 { 0.0 } else { difference / error };
        let p = if t.is_infinite() {
            0.0
        } else {
            checked_beta_reg(degrees / 2.0, 0.5, degrees / (degrees + t * t)).ok()?
        };
        Some(Self { difference, t, degrees, p })
    }
}

/// Student's t-test of pairs, `a[i]` with `b[i]`; none of fewer than two pairs or of slices of
/// different length.
pub fn paired(a: &[f64], b: &[f64]) -> Option<Student> {
    if a.len() != b.len() {
        return None;
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let n = differences.len() as f64;
    Student::new(mean(&differences)?, deviation(&differences)? / n.sqrt(), n - 1.0)
}

/// Welch's t-test of two independent samples; none where one has fewer than two values.
pub fn welch(a: &[f64], b: &[f64]) -> Option<Student> {
    let part = |values: &[f64]| Some(deviation(values)?.powi(2) / values.len() as f64);
    let (of_a, of_b) = (part(a)?, part(b)?);
    let error = of_a + of_b;
    let (free_a, free_b) = ((a.len() - 1) as f64, (b.len() - 1) as f64);
    let degrees = if error == 0.0 {
        free_a + free_b
    } else {
        error.powi(2) / (of_a.powi(2) / free_a + of_b.powi(2) / free_b)
    };
    Student::new(mean(a)? - mean(b)?, error.sqrt(), degrees)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pairs_follow_the_cauchy_distribution() {
        // t = 1 with one degree of freedom: p = 1 - 2 atan(1) / pi = 1/2.
        let test = paired(&[2.0, 0.0], &[0.0, 0.0]).unwrap();
        assert_eq!((test.t, test.degrees), (1.0, 1.0));
        assert!((test.p - 0.5).abs() < 1e-12, "{}", test.p);
    }

    #[test]
    fn no_spread_and_no_numbers() {
        assert_eq!(paired(&[1.0, 2.0], &[1.0, 2.0]).unwrap().p, 1.0);
        assert_eq!(paired(&[2.0, 3.0], &[1.0, 2.0]).unwrap().p, 0.0);
        assert_eq!(welch(&[1.0, 1.0], &[2.0, 2.0]).unwrap().p, 0.0);
        assert_eq!(paired(&[1.0], &[2.0]), None);
        assert_eq!(paired(&[f64::NAN, 1.0], &[2.0, 1.0]), None);
    }
}
