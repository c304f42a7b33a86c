//! Convolution with filters that were transformed before, and its gradient for the images.

use super::form::{After, Conv2d, ConvMethod, floats, result};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::ops::by_float;
use crate::signature::Signature;
use crate::{Error, Float, Var};
use kernels::convolution::Geometry;
use kernels::convolution::winograd::{self, Epilogue, Packed};

/// Images, transformed filters, and a bias if there is one, to images.
#[derive(Debug)]
pub(super) struct Transformed {
    pub conv: Conv2d,
    /// Number of filters.
    pub count: usize,
    pub after: After,
}

/// Extents of the convolution of images of shape `x`, after checking the transformed filters.
fn geometry(
    op: &'static str,
    conv: &Conv2d,
    x: &[usize],
    count: usize,
    u: &[usize],
) -> Result<Geometry, Error> {
    let channels = x.get(1).unwrap_or(&0) / conv.groups.max(1);
    let w = [count, channels, 3, 3];
    Conv2d { method: ConvMethod::Winograd, ..*conv }.winograd(op, crate::DType::F32, x, &w)?;
    let geometry = conv.geometry(op, x, &w)?;
    let packed = Packed { groups: conv.groups, filters: geometry.filters, channels, taps: 3 };
    if u == packed.shape() {
        return Ok(geometry);
    }
    let (left, right) = (u.to_vec(), packed.shape().to_vec());
    Err(Error::Shapes { op, left, right, wanted: "the shape of the transformed filters" })
}

impl Op for Transformed {
    fn name(&self) -> &'static str {
        "conv2d_transformed"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        floats(op, inputs, 2 + usize::from(self.after.bias))?;
        let geometry = geometry(op, &self.conv, &inputs[0].shape, self.count, &inputs[1].shape)?;
        if self.after.bias {
            self.after.check(op, &inputs[2], self.count)?;
        }
        Ok(Signature { shape: result(&geometry), dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (x, u) = (at.inputs[0].shape(), at.inputs[1]);
        let (g, bias) = self.after.derivative(at, 2)?;
        let op = TransformedInput { conv: self.conv, channels: x[1], extent: [x[2], x[3]] };
        let images = at.when(0, || g.graph().apply(op, &[g, u]))?;
        let mut gradients = vec![images, at.when(1, || fixed(self.name()))?, bias];
        gradients.truncate(at.inputs.len());
        Ok(gradients)
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, forward, self)
    }
}

fn fixed<'g>(op: &'static str) -> Result<Var<'g>, Error> {
    let message = "transformed filters are fixed; for their gradient, convolve with the filters";
    Err(Error::Custom { op, message: message.into() })
}

fn forward<T: Float>(call: &mut Call<'_>, op: &Transformed) -> Result<(), Error> {
    let geometry = geometry(op.name(), &op.conv, call.shape(0), op.count, call.shape(1))?;
    let (x, u, y) = (call.input::<T>(0), call.input::<T>(1), call.output::<T>());
    winograd::convolve(&geometry, (u, false), x, y, op.after.of(call, 2), call.workspace());
    Ok(())
}

/// Gradient of the result, and transformed filters, to images of `channels` and `extent`.
#[derive(Debug)]
struct TransformedInput {
    conv: Conv2d,
    channels: usize,
    extent: [usize; 2],
}

impl TransformedInput {
    fn geometry(&self, g: &[usize], u: &[usize]) -> Result<Geometry, Error> {
        let (batch, count) = (*g.first().unwrap_or(&0), *g.get(1).unwrap_or(&0));
        let images = [batch, self.channels, self.extent[0], self.extent[1]];
        geometry(self.name(), &self.conv, &images, count, u)
    }
}

impl Op for TransformedInput {
    fn name(&self) -> &'static str {
        "conv2d_transformed_input"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        floats(self.name(), inputs, 2)?;
        let (g, u) = (&inputs[0].shape, &inputs[1].shape);
        if result(&self.geometry(g, u)?) != *g {
            let wanted = "the shape a convolution with these filters gives";
            let (left, right) = (g.clone(), u.clone());
            return Err(Error::Shapes { op: self.name(), left, right, wanted });
        }
        let shape = vec![g[0], self.channels, self.extent[0], self.extent[1]];
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (h, count, after) =
            (at.gradient, at.inputs[0].shape()[1], After { bias: false, relu: false });
        let op = Transformed { conv: self.conv, count, after };
        let gradient = at.when(0, || h.graph().apply(op, &[h, at.inputs[1]]))?;
        Ok(vec![gradient, at.when(1, || fixed(self.name()))?])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, input, self)
    }
}

fn input<T: Float>(call: &mut Call<'_>, op: &TransformedInput) -> Result<(), Error> {
    let geometry = op.geometry(call.shape(0), call.shape(1))?;
    let (g, u, dx) = (call.input::<T>(0), call.input::<T>(1), call.output::<T>());
    let Some(turned) = geometry.turned() else {
        unreachable!("a padding of at most 2 and a stride of 1 can be turned")
    };
    let after = Epilogue { bias: None, relu: false };
    winograd::convolve(&turned, (u, true), g, dx, after, call.workspace());
    Ok(())
}
