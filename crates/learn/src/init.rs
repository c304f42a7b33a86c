//! How parameters start.

use rand_distr::{Distribution, Normal, Uniform};

/// How a tensor starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// All zero.
    Zeros,
    /// One value everywhere.
    Constant {
        /// The value.
        value: f64,
    },
    /// Independent normal values with mean 0.
    Normal {
        /// Standard deviation.
        std: f64,
    },
    /// Independent uniform values in `[-bound, bound)`.
    Uniform {
        /// Bound.
        bound: f64,
    },
    /// The identity; for square matrices.
    Identity,
}

impl Init {
    /// Uniform values that keep the variance from layer to layer (Glorot & Bengio 2010, equation 16).
    pub fn glorot(inputs: usize, outputs: usize) -> Self {
        Self::Uniform { bound: (6.0 / count(inputs + outputs)).sqrt() }
    }

    /// Normal values that keep the variance before rectifiers (He et al. 2015, equation 10).
    pub fn he(inputs: usize) -> Self {
        Self::Normal { std: (2.0 / count(inputs)).sqrt() }
    }

    /// Appends the initial values of a tensor.
    pub(crate) fn draw(&self, shape: &[usize], rng: impl rand::Rng, values: &mut Vec<f64>) {
        let len: usize = shape.iter().product();
        match *self {
            Self::Zeros => values.resize(values.len() + len, 0.0),
            Self::Constant { value } => values.resize(values.len() + len, value),
            Self::Normal { std } => {
                let normal = Normal::new(0.0, std).expect("a finite standard deviation");
                values.extend(normal.sample_iter(rng).take(len));
            }
            Self::Uniform { bound } => {
                let uniform = Uniform::new(-bound, bound).expect("a finite positive bound");
                values.extend(uniform.sample_iter(rng).take(len));
            }
            Self::Identity => {
                let columns = *shape.last().unwrap_or(&1);
                let one = |at: usize| f64::from(u8::from(at / columns == at % columns));
                values.extend((0..len).map(one));
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "extents of layers stay far below 2^52")]
pub(crate) fn count(extent: usize) -> f64 {
    extent.max(1) as f64
}

#[cfg(test)]
mod tests {
    use experiment::Stream;

    use super::*;

    #[test]
    fn values_have_the_variance_of_their_scheme() {
        let variance = |init: Init| {
            let mut values = Vec::new();
            init.draw(&[200, 100], Stream::new(1, "init").rng(0), &mut values);
            assert_eq!(values.len(), 20_000);
            values.iter().map(|x| x * x).sum::<f64>() / 20_000.0
        };
        // Three percent are three standard deviations of the variance of so many draws.
        assert!((variance(Init::he(50)) / 0.04 - 1.0).abs() < 0.03);
        assert!((variance(Init::glorot(60, 40)) / 0.02 - 1.0).abs() < 0.03);
        assert_eq!(variance(Init::Constant { value: 3.0 }), 9.0);
    }
}
