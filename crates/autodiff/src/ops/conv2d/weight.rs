//! Gradient of a convolution for its filters.

use super::form::{Conv2d, floats, result};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::ops::by_float;
use crate::signature::Signature;
use crate::{Error, Float, Var};
use kernels::convolution::direct as conv;
use kernels::convolution::winograd;

/// Images, and gradient of the result, to filters of height and width `kernel`.
#[derive(Debug)]
pub struct ConvolutionWeight {
    /// How it steps over the images.
    pub conv: Conv2d,
    /// Height and width of the filters.
    pub kernel: [usize; 2],
    /// Whether the processor computes it by tiles.
    pub winograd: bool,
}

impl Op for ConvolutionWeight {
    fn name(&self) -> &'static str {
        "conv2d_weight"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        floats(op, inputs, 2)?;
        let (x, g) = (&inputs[0].shape, &inputs[1].shape);
        let (channels, filters) = (x.get(1).unwrap_or(&0), g.get(1).unwrap_or(&0));
        let own = channels / self.conv.groups.max(1);
        let shape = vec![*filters, own, self.kernel[0], self.kernel[1]];
        if result(&self.conv.geometry(op, x, &shape)?) != *g {
            let wanted = "the shape a convolution with such filters gives";
            return Err(Error::Shapes { op, left: x.clone(), right: g.clone(), wanted });
        }
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    /// Linear in both: with V for the result, dX = conv2d_input(G, V) and dG = conv2d(X, V).
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (x, g, v) = (at.inputs[0], at.inputs[1], at.gradient);
        Ok(vec![at.when(0, || self.conv.input(g, v, x))?, at.when(1, || self.conv.forward(x, v))?])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self)
    }
}

fn run<T: Float>(call: &mut Call<'_>, op: &ConvolutionWeight) -> Result<(), Error> {
    let geometry = op.conv.geometry("conv2d_weight", call.shape(0), call.output_shape())?;
    let (x, g, dw) = (call.input::<T>(0), call.input::<T>(1), call.output::<T>());
    if op.winograd {
        winograd::weight_gradient(&geometry, x, g, dw, call.workspace());
    } else {
        conv::weight_gradient(&geometry, x, g, dw, call.workspace());
    }
    Ok(())
}
