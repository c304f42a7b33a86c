//! The convolution itself.

use std::sync::Arc;

use super::filters;
use super::form::{After, Conv2d, floats, result};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::ops::by_float;
use crate::signature::Signature;
use crate::{Error, Float, Var};
use kernels::convolution::direct as conv;
use kernels::convolution::winograd;

/// Images and filters, and a bias if there is one, to images.
#[derive(Debug)]
pub struct Convolution {
    /// How it steps over the images.
    pub conv: Conv2d,
    /// What follows it.
    pub after: After,
    /// Whether the processor computes it by tiles.
    pub winograd: bool,
}

impl Op for Convolution {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        floats(self.name(), inputs, 2 + usize::from(self.after.bias))?;
        let geometry = self.conv.geometry(self.name(), &inputs[0].shape, &inputs[1].shape)?;
        let shape = result(&geometry);
        if self.after.bias {
            self.after.check(self.name(), &inputs[2], shape[1])?;
        }
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (x, w) = (at.inputs[0], at.inputs[1]);
        let (g, bias) = self.after.derivative(at, 2)?;
        let images = at.when(0, || self.conv.input(g, w, x))?;
        let mut gradients = vec![images, at.when(1, || self.conv.weight(x, g, w))?, bias];
        gradients.truncate(at.inputs.len());
        Ok(gradients)
    }

    fn packed(&self) -> Option<(usize, Arc<dyn Op>)> {
        filters::packed(self.conv, self.winograd)
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self)
    }
}

fn run<T: Float>(call: &mut Call<'_>, op: &Convolution) -> Result<(), Error> {
    let geometry = op.conv.geometry("conv2d", call.shape(0), call.shape(1))?;
    let (x, w, y) = (call.input::<T>(0), call.input::<T>(1), call.output::<T>());
    let (after, workspace) = (op.after.of(call, 2), call.workspace());
    if op.winograd {
        let u = call.input::<T>(call.len() - 1);
        winograd::convolve(&geometry, (u, false), x, y, after, workspace);
    } else {
        conv::forward(&geometry, x, w, y, workspace);
        conv::finish(&geometry, y, after);
    }
    Ok(())
}
