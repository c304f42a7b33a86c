//! Gradient of a convolution for its images.

use super::form::{Conv2d, floats, result};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::ops::by_float;
use crate::signature::Signature;
use crate::{Error, Float, Var};
use kernels::convolution::direct as conv;
use kernels::convolution::winograd;
use kernels::convolution::winograd::Epilogue;

/// Gradient of the result, filters, and the transformed filters if they serve, to images of height
/// and width `extent`.
#[derive(Debug)]
pub(super) struct Input {
    pub conv: Conv2d,
    pub extent: [usize; 2],
    pub winograd: bool,
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
        floats(op, inputs, 2 + usize::from(self.winograd))?;
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
        let gradient = at.when(0, || self.conv.forward(h, w))?;
        let mut gradients = vec![gradient, at.when(1, || self.conv.weight(h, g, w))?];
        gradients.resize(at.inputs.len(), None);
        Ok(gradients)
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self)
    }
}

fn run<T: Float>(call: &mut Call<'_>, op: &Input) -> Result<(), Error> {
    let geometry = op.conv.geometry("conv2d_input", call.output_shape(), call.shape(1))?;
    let (g, w, dx) = (call.input::<T>(0), call.input::<T>(1), call.output::<T>());
    match geometry.turned().filter(|_| op.winograd) {
        Some(turned) => {
            let (u, after) = (call.input::<T>(2), Epilogue { bias: None, relu: false });
            winograd::convolve(&turned, (u, true), g, dx, after, call.workspace());
        }
        None => conv::input_gradient(&geometry, g, w, dx, call.workspace()),
    }
    Ok(())
}
