//! The convolution itself.

use super::{Conv2d, result, two_floats};
use crate::exec::{Call, conv};
use crate::op::{Derivative, Op, Signature};
use crate::ops::by_float;
use crate::{Error, Float, Var};

/// Images and filters to images.
#[derive(Debug)]
pub(super) struct Forward(pub Conv2d);

impl Op for Forward {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        two_floats(self.name(), inputs)?;
        let geometry = self.0.geometry(self.name(), &inputs[0].shape, &inputs[1].shape)?;
        Ok(Signature { shape: result(&geometry), dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (x, w, g) = (at.inputs[0], at.inputs[1], at.gradient);
        Ok(vec![at.when(0, || self.0.input(g, w, x))?, at.when(1, || self.0.weight(x, g, w))?])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self.0)
    }

    fn key(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }
}

fn run<T: Float>(call: &mut Call<'_>, conv: Conv2d) -> Result<(), Error> {
    let geometry = conv.geometry("conv2d", call.shape(0), call.shape(1))?;
    let (x, w, y) = (call.input::<T>(0), call.input::<T>(1), call.output::<T>());
    conv::forward(&geometry, x, w, y, call.workspace());
    Ok(())
}
