//! Gradient of a convolution for its images.

use std::sync::Arc;

use super::filters;
use super::form::{Conv2d, floats, result};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::ops::by_float;
use crate::signature::Signature;
use crate::{Error, Float, Var};
use kernels::convolution::direct as conv;
use kernels::convolution::winograd;
use kernels::convolution::winograd::Epilogue;

/// Gradient of the result, and filters, to images of height and width `extent`.
#[derive(Debug)]
pub struct ConvolutionInput {
    /// How it steps over the images.
    pub conv: Conv2d,
    /// Extent of the result along the axis, or its height and width.
    pub extent: [usize; 2],
    /// Whether the processor computes it by tiles.
    pub winograd: bool,
}

impl ConvolutionInput {
    fn images(&self, g: &[usize], w: &[usize]) -> Vec<usize> {
        let (batch, own) = (g.first().unwrap_or(&0), w.get(1).unwrap_or(&0));
        vec![*batch, own * self.conv.groups, self.extent[0], self.extent[1]]
    }
}

impl Op for ConvolutionInput {
    fn name(&self) -> &'static str {
        "conv2d_input"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        floats(op, inputs, 2)?;
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
        Ok(vec![gradient, at.when(1, || self.conv.weight(h, g, w))?])
    }

    fn packed(&self) -> Option<(usize, Arc<dyn Op>)> {
        filters::packed(self.conv, self.winograd)
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self)
    }
}

fn run<T: Float>(call: &mut Call<'_>, op: &ConvolutionInput) -> Result<(), Error> {
    let geometry = op.conv.geometry("conv2d_input", call.output_shape(), call.shape(1))?;
    let (g, w, dx) = (call.input::<T>(0), call.input::<T>(1), call.output::<T>());
    match geometry.transposed().filter(|_| op.winograd) {
        Some(transposed) => {
            let (u, after) = (call.input::<T>(2), Epilogue { bias: None, relu: false });
            winograd::convolve(&transposed, (u, true), g, dx, after, call.workspace());
        }
        None => conv::input_gradient(&geometry, g, w, dx, call.workspace()),
    }
    Ok(())
}
