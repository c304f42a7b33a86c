//! Adam over a picture. It is not `learn`'s training step because the picture of the lowest loss is kept,
//! which a step would have overwritten.

use serde::{Deserialize, Serialize};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// A descent under way (Kingma & Ba 2015, algorithm 1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Adam {
    rate: f64,
    point: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    steps: i32,
    best: Vec<f64>,
    lowest: f64,
}

impl Adam {
    pub(super) fn new(start: Vec<f64>, rate: f64) -> Self {
        let zeros = vec![0.0; start.len()];
        let (first, second, best) = (zeros.clone(), zeros, start.clone());
        Self { rate, point: start, first, second, steps: 0, best, lowest: f64::INFINITY }
    }

    /// Evaluates the picture and takes a step; whether the loss is still a number.
    pub(super) fn evaluate<E>(
        &mut self,
        value: &mut impl FnMut(&[f64], &mut [f64]) -> Result<f64, E>,
    ) -> Result<bool, E> {
        let mut gradient = vec![0.0; self.point.len()];
        let loss = value(&self.point, &mut gradient)?;
        if !loss.is_finite() {
            return Ok(false);
        }
        if loss < self.lowest {
            self.lowest = loss;
            self.best.copy_from_slice(&self.point);
        }
        self.steps += 1;
        let (one, two) = (1.0 - BETA1.powi(self.steps), 1.0 - BETA2.powi(self.steps));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((x, g), (first, second)) in self.point.iter_mut().zip(gradient).zip(moments) {
            *first = BETA1 * *first + (1.0 - BETA1) * g;
            *second = BETA2 * *second + (1.0 - BETA2) * g * g;
            *x -= self.rate * (*first / one) / ((*second / two).sqrt() + EPSILON);
        }
        Ok(true)
    }

    /// The picture of the lowest loss.
    pub(super) fn best(&self) -> &[f64] {
        &self.best
    }

    pub(super) fn lowest(&self) -> f64 {
        self.lowest
    }

    /// Itself, if its vectors have one length.
    pub(super) fn checked(self) -> Result<Self, String> {
        let len = self.point.len();
        let fits = [&self.first, &self.second, &self.best].iter().all(|of| of.len() == len);
        if fits { Ok(self) } else { Err(format!("Adam: wanted vectors of {len} elements")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_is_the_rate_against_the_gradients_sign() {
        let mut adam = Adam::new(vec![1.0, -2.0, 3.0], 0.25);
        let mut value = |_: &[f64], gradient: &mut [f64]| {
            gradient.copy_from_slice(&[4.0, -0.5, 0.0]);
            Ok::<_, std::convert::Infallible>(7.0)
        };
        assert!(adam.evaluate(&mut value).unwrap());
        for (found, wanted) in adam.point.iter().zip([0.75, -1.75, 3.0]) {
            assert!((found - wanted).abs() < 1e-7, "{:?}", adam.point);
        }
        assert_eq!((adam.best(), adam.lowest()), (&[1.0, -2.0, 3.0][..], 7.0));
        let mut none = |_: &[f64], _: &mut [f64]| Ok::<_, std::convert::Infallible>(f64::NAN);
        assert!(!adam.evaluate(&mut none).unwrap());
        assert_eq!(adam.lowest(), 7.0);
    }
}
