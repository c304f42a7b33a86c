//! Layer and batch normalisation.

use autodiff::{Error, Var};

use super::{Layer, Map, Params, named};
use crate::init::count;
use crate::{Init, Layout};

const EPSILON: f64 = 1e-5;
const ONES: Init = Init::Constant { value: 1.0 };

/// Rows of the last axis freed of their mean and deviation, times `gain`, plus `bias` (Ba, Kiros &
/// Hinton 2016, equation 4), both `[width]`.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerNorm {
    name: String,
    width: usize,
    epsilon: f64,
}

impl LayerNorm {
    /// A layer over rows of `width`, with 1e-5 added to the variance.
    pub fn new(name: &str, width: usize) -> Self {
        Self { name: name.into(), width, epsilon: EPSILON }
    }

    /// With another number added to the variance.
    #[must_use]
    pub fn with_epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }
}

impl Layer for LayerNorm {
    fn declare(&self, layout: &mut Layout) {
        layout.push(&named(&self.name, "gain"), &[self.width], ONES);
        layout.push(&named(&self.name, "bias"), &[self.width], Init::Zeros);
    }
}

impl Map for LayerNorm {
    fn name(&self) -> &str {
        &self.name
    }

    fn forward<'g>(&self, params: &Params<'_, 'g>, x: Var<'g>) -> Result<Var<'g>, Error> {
        let gain = params.of(&self.name, "gain")?;
        x.layer_norm(self.epsilon)?.mul(gain)?.add(params.of(&self.name, "bias")?)
    }
}

/// Channels of `[batch, channels, ..]` freed of their mean and deviation, times `gain`, plus `bias`
/// (Ioffe & Szegedy 2015, algorithms 1 and 2).
///
/// In training, mean and deviation are the batch's, and the statistics `mean` and `variance` move
/// towards them: `s = momentum s + (1 - momentum) batch`, by the unbiased variance. In evaluation
/// they are the statistics; a frozen layer whose statistics shall stand still is traced so.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNorm {
    name: String,
    channels: usize,
    epsilon: f64,
    momentum: f64,
}

impl BatchNorm {
    /// A layer over so many channels, with 1e-5 added to the variance and a momentum of 0.9.
    pub fn new(name: &str, channels: usize) -> Self {
        Self { name: name.into(), channels, epsilon: EPSILON, momentum: 0.9 }
    }

    /// With another number added to the variance.
    #[must_use]
    pub fn with_epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// With another share of the statistics that stays in each step.
    #[must_use]
    pub fn with_momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// Moves the statistics towards those of `x`.
    fn keep<'g>(&self, x: Var<'g>, mean: Var<'g>, variance: Var<'g>) -> Result<(), Error> {
        let (x, shape) = (x.stop_gradient(), x.shape());
        let over: Vec<usize> = (0..shape.len()).filter(|&axis| axis != 1).collect();
        let each = shape.iter().product::<usize>() / self.channels.max(1);
        let of = x.mean(&over, true)?;
        let spread = x.sub(of)?.square().sum(&over, false)?;
        let spread = spread.mul_scalar(1.0 / count(each.saturating_sub(1)));
        for (kept, new) in [(mean, of.reshape(&[self.channels])?), (variance, spread)] {
            let moved = kept.mul_scalar(self.momentum).add(new.mul_scalar(1.0 - self.momentum))?;
            x.graph().assign(kept, moved)?;
        }
        Ok(())
    }
}

impl Layer for BatchNorm {
    fn declare(&self, layout: &mut Layout) {
        layout.push(&named(&self.name, "gain"), &[self.channels], ONES);
        layout.push(&named(&self.name, "bias"), &[self.channels], Init::Zeros);
        layout.push_statistic(&named(&self.name, "mean"), &[self.channels], Init::Zeros);
        layout.push_statistic(&named(&self.name, "variance"), &[self.channels], ONES);
    }
}

impl Map for BatchNorm {
    fn name(&self) -> &str {
        &self.name
    }

    fn forward<'g>(&self, params: &Params<'_, 'g>, x: Var<'g>) -> Result<Var<'g>, Error> {
        let mut shape = vec![1; x.rank()];
        if let Some(channels) = shape.get_mut(1) {
            *channels = self.channels;
        }
        let channel = |tensor: &str| params.of(&self.name, tensor)?.reshape(&shape);
        let normal = if params.training {
            let statistic = |tensor: &str| params.of(&self.name, tensor);
            let normal = x.batch_norm(self.epsilon)?;
            self.keep(x, statistic("mean")?, statistic("variance")?)?;
            normal
        } else {
            let inverse = channel("variance")?.add_scalar(self.epsilon).powf(-0.5);
            x.sub(channel("mean")?)?.mul(inverse)?
        };
        normal.mul(channel("gain")?)?.add(channel("bias")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{check, close, eval, eval_with_params, numbers};

    fn moments(values: &[f64]) -> (f64, f64) {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
        (mean, variance / values.len() as f64)
    }

    #[test]
    fn layer_normalisation_frees_rows() {
        let layer = LayerNorm::new("norm", 4).with_epsilon(0.1);
        let layout = layer.layout();
        assert_eq!(layout.initial(&experiment::Stream::new(0, "init"))[..4], [1.0; 4]);
        let (w, x) = (numbers(1, 8), numbers(2, 12));
        let y = eval(&layout, &w, &[(&[3, 4], &x)], |p, x| layer.forward(p, x[0]));
        let mut wanted = Vec::new();
        for row in x.chunks(4) {
            let (mean, variance) = moments(row);
            for i in 0..4 {
                wanted.push((row[i] - mean) / (variance + 0.1).sqrt() * w[i] + w[4 + i]);
            }
        }
        close(&y, &wanted);
        check(&layout, &[&[3, 4]], |p, x| Ok(layer.forward(p, x[0])?.tanh()));
    }

    #[test]
    fn batch_normalisation_goes_by_the_batch_and_then_by_its_statistics() {
        let layer = BatchNorm::new("norm", 2).with_epsilon(0.1).with_momentum(0.75);
        let layout = layer.layout();
        assert_eq!(layout.initial(&experiment::Stream::new(0, "init"))[4..], [0.0, 0.0, 1.0, 1.0]);
        let mut params = numbers(1, 8);
        params[6..].copy_from_slice(&[0.5, 2.0]);
        let x = numbers(2, 12);
        let given: [(&[usize], &[f64]); 1] = [(&[3, 2, 2], &x)];
        let channel =
            |c: usize| -> Vec<f64> { (0..12).filter(|i| i / 2 % 2 == c).map(|i| x[i]).collect() };
        let of: Vec<(f64, f64)> = (0..2).map(|c| moments(&channel(c))).collect();
        let normal = |by: &[(f64, f64)]| -> Vec<f64> {
            let one = |i: usize| {
                let c = i / 2 % 2;
                (x[i] - by[c].0) / (by[c].1 + 0.1).sqrt() * params[c] + params[2 + c]
            };
            (0..12).map(one).collect()
        };
        let (y, after) = eval_with_params(&layout, &params, &given, |p, x| {
            layer.forward(&p.for_training(None), x[0])
        });
        close(&y, &normal(&of));
        let mut wanted = params.clone();
        for c in 0..2 {
            wanted[4 + c] = 0.75 * params[4 + c] + 0.25 * of[c].0;
            wanted[6 + c] = 0.75 * params[6 + c] + 0.25 * of[c].1 * 6.0 / 5.0;
        }
        close(&after, &wanted);
        let (y, after) = eval_with_params(&layout, &params, &given, |p, x| layer.forward(p, x[0]));
        close(&y, &normal(&[(params[4], params[6]), (params[5], params[7])]));
        assert_eq!(after, params);
    }
}
