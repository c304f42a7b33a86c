//! Gradient of a convolution for its images.

use super::{Conv2d, result, two_floats};
use crate::exec::{Call, conv};
use crate::op::{Derivative, Op, Signature};
use crate::ops::by_float;
use crate::{Error, Float, Var};

/// Gradient of the result, and filters, to images of height and width `extent`.
#[derive(Debug)]
pub(super) struct Input {
    pub conv: Conv2d,
    pub extent: [usize; 2],
}

impl Input {
    fn images(&self, g: &[usize], w: &[usize]) -> Vec<usize> {
        let (batch, own) = (g.first().unwrap_or(&0), w.get(1).unwrap_or(&0));
        vec![*batch, own * self.conv.groups, self.extent[0], self.extent[1]]
    }
}

impl Op for Input {
    fn name(&self) -> &'static str {
        "conv2d_input"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        two_floats(op, inputs)?;
        let (g, w) = (&inputs[0].shape, &inputs[1].shape);
        let shape = self.images(g, w);
        if result(&self.conv.geometry(op, &shape, w)?) != *g {
            let wanted = "the shape a convolution with these filters gives";
            return Err(Error::Shapes { op, left: g.clone(), right: w.clone(), wanted });
        }
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    /// Linear in both: with H for the result, dG = conv2d(H, W) and dW = conv2d_weight(H, G).
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (g, w, h) = (at.inputs[0], at.inputs[1], at.gradient);
        Ok(vec![
            at.when(0, || self.conv.forward(h.graph(), h, w))?,
            at.when(1, || self.conv.weight(h, g, w))?,
        ])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self.conv)
    }

    fn key(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }
}

fn run<T: Float>(call: &mut Call<'_>, conv: Conv2d) -> Result<(), Error> {
    let geometry = conv.geometry("conv2d_input", call.output_shape(), call.shape(1))?;
    let (g, w, dx) = (call.input::<T>(0), call.input::<T>(1), call.output::<T>());
    conv::input_gradient(&geometry, g, w, dx, call.workspace());
    Ok(())
}
