//! Two-dimensional convolution and its two gradients, a family closed under differentiation.

mod filters;
mod form;
mod forward;
mod input;
#[cfg(test)]
mod tests;
mod weight;

use crate::graph::Op;
use crate::{Error, Var};

use form::planes;
pub use form::{After, Conv2d, ConvMethod};
pub use forward::Convolution;
pub use input::ConvolutionInput;
pub use weight::ConvolutionWeight;

/// What the three operations make each other's derivatives of.
impl Conv2d {
    fn forward<'g>(&self, x: Var<'g>, w: Var<'g>) -> Result<Var<'g>, Error> {
        self.fused(x, w, None, false)
    }

    fn fused<'g>(
        &self,
        x: Var<'g>,
        w: Var<'g>,
        bias: Option<Var<'g>>,
        relu: bool,
    ) -> Result<Var<'g>, Error> {
        let (graph, after) = (x.graph(), After { bias: bias.is_some(), relu });
        let winograd = self.winograd("conv2d", x.dtype(), &x.shape(), &w.shape())?;
        let mut operands = vec![x, w];
        operands.extend(bias);
        graph.apply(Convolution { conv: *self, after, winograd }, &operands)
    }

    fn input<'g>(&self, g: Var<'g>, w: Var<'g>, like: Var<'g>) -> Result<Var<'g>, Error> {
        self.transposed(g, w, planes(&like.shape()))
    }

    fn transposed<'g>(&self, g: Var<'g>, w: Var<'g>, extent: [usize; 2]) -> Result<Var<'g>, Error> {
        let mut op = ConvolutionInput { conv: *self, extent, winograd: false };
        let images = op.infer(&[g.signature(), w.signature()])?.shape;
        op.winograd = self.winograd(op.name(), g.dtype(), &images, &w.shape())?;
        g.graph().apply(op, &[g, w])
    }

    fn weight<'g>(&self, x: Var<'g>, g: Var<'g>, like: Var<'g>) -> Result<Var<'g>, Error> {
        let like = like.shape();
        let winograd = self.winograd("conv2d_weight", x.dtype(), &x.shape(), &like)?;
        g.graph().apply(ConvolutionWeight { conv: *self, kernel: planes(&like), winograd }, &[x, g])
    }
}

impl<'g> Var<'g> {
    /// Cross-correlation of images `[n, c, h, w]` with filters `[f, c / groups, kh, kw]`, as neural
    /// networks call convolution: `[n, f, h', w']` with
    /// `h' = (h + 2 padding - dilation (kh - 1) - 1) / stride + 1`.
    ///
    /// # Errors
    /// [`Error::Shapes`] if channels do not agree or the kernel does not fit into the padded image,
    /// [`Error::Shape`] for a stride, dilation or number of groups of zero.
    pub fn conv2d(self, filters: Var<'g>, conv: Conv2d) -> Result<Var<'g>, Error> {
        conv.forward(self, filters)
    }

    /// [`Var::conv2d`], a bias `[f]` added, and negative results made zero, in one pass.
    ///
    /// # Errors
    /// As [`Var::conv2d`]; [`Error::Shapes`] if the bias has another shape.
    pub fn conv2d_relu(
        self,
        filters: Var<'g>,
        bias: Option<Var<'g>>,
        conv: Conv2d,
    ) -> Result<Var<'g>, Error> {
        conv.fused(self, filters, bias, true)
    }

    /// The adjoint of [`Var::conv2d`] for its images (a transposed convolution): `[n, f, h', w']`
    /// and filters `[f, c / groups, kh, kw]` to `[n, c, h, w]` with `[h, w] = extent`.
    ///
    /// # Errors
    /// [`Error::Shapes`] if a convolution of images of that extent does not give this one's shape.
    pub fn conv2d_transposed(
        self,
        filters: Var<'g>,
        conv: Conv2d,
        extent: [usize; 2],
    ) -> Result<Var<'g>, Error> {
        conv.transposed(self, filters, extent)
    }
}
