//! Convolutions of images.

use autodiff::{Conv2d, Error, Var};

use super::{Layer, Map, Params, named};
use crate::{Init, Layout};

/// Convolution of images `[n, channels, h, w]` to `[n, filters, h', w']`: `weight`
/// `[filters, channels / groups, kh, kw]`, `bias` `[filters]`.
///
/// The weight starts as [`Init::he`] has it, the bias from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Convolution {
    name: String,
    channels: usize,
    filters: usize,
    kernel: [usize; 2],
    conv: Conv2d,
    relu: bool,
    init: Option<Init>,
}

impl Convolution {
    /// Square filters, at every place where they fit.
    pub fn new(name: &str, channels: usize, filters: usize, kernel: usize) -> Self {
        let conv = Conv2d::default();
        let (name, kernel) = (name.into(), [kernel; 2]);
        Self { name, channels, filters, kernel, conv, relu: false, init: None }
    }

    /// With stride, padding, dilation and groups.
    #[must_use]
    pub fn with(self, conv: Conv2d) -> Self {
        Self { conv, ..self }
    }

    /// With zeros around the image, so that with odd filters and a stride of 1 it keeps its extent.
    #[must_use]
    pub fn padded(self) -> Self {
        let padding = self.kernel.map(|extent| extent / 2);
        Self { conv: Conv2d { padding, ..self.conv }, ..self }
    }

    /// With steps of `stride` along both axes.
    #[must_use]
    pub fn strided(self, stride: usize) -> Self {
        Self { conv: Conv2d { stride: [stride; 2], ..self.conv }, ..self }
    }

    /// With a rectifier after it, in the same pass.
    #[must_use]
    pub fn with_relu(self) -> Self {
        Self { relu: true, ..self }
    }

    /// With another start of the weight.
    #[must_use]
    pub fn with_init(self, init: Init) -> Self {
        Self { init: Some(init), ..self }
    }
}

impl Layer for Convolution {
    fn declare(&self, layout: &mut Layout) {
        let own = self.channels / self.conv.groups.max(1);
        let [height, width] = self.kernel;
        let init = self.init.unwrap_or(Init::he(own * height * width));
        layout.push(&named(&self.name, "weight"), &[self.filters, own, height, width], init);
        layout.push(&named(&self.name, "bias"), &[self.filters], Init::Zeros);
    }
}

impl Map for Convolution {
    fn name(&self) -> &str {
        &self.name
    }

    fn forward<'g>(&self, params: &Params<'_, 'g>, x: Var<'g>) -> Result<Var<'g>, Error> {
        let weight = params.of(&self.name, "weight")?;
        let bias = params.of(&self.name, "bias")?;
        if self.relu {
            return x.conv2d_relu(weight, Some(bias), self.conv);
        }
        x.conv2d(weight, self.conv)?.add(bias.reshape(&[1, self.filters, 1, 1])?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{check, close, eval, numbers};

    /// Images of 2 channels, 5 by 4, with 3 filters of 3 by 3, a padding of 1 and a stride.
    fn plain(x: &[f64], w: &[f64], stride: usize) -> Vec<f64> {
        let extent = |input: usize| (input + 2 - 3) / stride + 1;
        let mut y = Vec::new();
        for (filter, row, column) in (0..3)
            .flat_map(|f| (0..extent(5)).flat_map(move |r| (0..extent(4)).map(move |c| (f, r, c))))
        {
            let mut sum = w[54 + filter];
            for (channel, i, j) in
                (0..2).flat_map(|c| (0..3).flat_map(move |i| (0..3).map(move |j| (c, i, j))))
            {
                let (r, c) = (row * stride + i, column * stride + j);
                if (1..6).contains(&r) && (1..5).contains(&c) {
                    let at = channel * 20 + (r - 1) * 4 + c - 1;
                    sum += x[at] * w[((filter * 2 + channel) * 3 + i) * 3 + j];
                }
            }
            y.push(sum);
        }
        y
    }

    #[test]
    fn is_the_sum_over_the_window() {
        for stride in [1, 2] {
            let layer = Convolution::new("conv", 2, 3, 3).padded().strided(stride);
            let layout = layer.layout();
            let (w, x) = (numbers(1, layout.len()), numbers(2, 40));
            let found = |layer: &Convolution| {
                eval(&layout, &w, &[(&[1, 2, 5, 4], &x)], |p, x| layer.forward(p, x[0]))
            };
            let wanted = plain(&x, &w, stride);
            close(&found(&layer), &wanted);
            let rectified: Vec<f64> = wanted.iter().map(|y| y.max(0.0)).collect();
            close(&found(&layer.clone().with_relu()), &rectified);
            check(&layout, &[&[2, 2, 5, 4]], |p, x| Ok(layer.forward(p, x[0])?.tanh()));
        }
    }

    #[test]
    fn groups_share_the_channels() {
        let conv = Conv2d { groups: 2, ..Conv2d::default() };
        let layer = Convolution::new("conv", 4, 6, 5).with(conv).with_init(Init::Zeros);
        assert_eq!(layer.layout().tensors()[0].shape, [6, 2, 5, 5]);
    }
}
