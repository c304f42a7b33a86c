//! Which windows of images are pooled, and checks of them.

use crate::Error;
use crate::signature::{Signature, arity, float};
use kernels::convolution::pooling::Windows;

/// Which windows of an image are pooled; values are for height and width.
///
/// ```
/// use autodiff::{DType, Graph, Pool2d};
///
/// let graph = Graph::new(DType::F32);
/// let images = graph.input("x", &[8, 16, 55, 55]);
/// let pool = Pool2d { kernel: [3, 3], stride: [2, 2], padding: [0, 0] };
/// assert_eq!(images.max_pool2d(pool)?.shape(), [8, 16, 27, 27]);
/// # Ok::<(), autodiff::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool2d {
    /// Extent of a window.
    pub kernel: [usize; 2],
    /// Distance between windows.
    pub stride: [usize; 2],
    /// How far the first window begins before the image; less than the kernel.
    pub padding: [usize; 2],
}

impl Pool2d {
    /// Windows of one extent that touch but do not overlap.
    #[must_use]
    pub fn of(extent: usize) -> Pool2d {
        Pool2d { kernel: [extent; 2], stride: [extent; 2], padding: [0; 2] }
    }

    /// The windows of images `[n, c, h, w]`.
    pub(super) fn windows(&self, op: &'static str, shape: &[usize]) -> Result<Windows, Error> {
        let misfit = |wanted: String| Error::Shape { op, shape: shape.to_vec(), wanted };
        let &[_, _, height, width] = shape else {
            return Err(misfit("[n, c, h, w]".into()));
        };
        let Pool2d { kernel, stride, padding } = *self;
        if stride.contains(&0) || kernel[0] <= padding[0] || kernel[1] <= padding[1] {
            let wanted = "strides of at least 1 and kernels larger than the padding";
            return Err(misfit(format!("{wanted}, not {self:?}")));
        }
        let input = [height, width];
        let count = |axis: usize| {
            let room = (input[axis] + 2 * padding[axis]).checked_sub(kernel[axis]);
            let fits = input[axis] > 0;
            room.filter(|_| fits)
                .map(|room| room / stride[axis] + 1)
                .ok_or_else(|| misfit(format!("room for a window of {kernel:?}")))
        };
        Ok(Windows { input, output: [count(0)?, count(1)?], kernel, stride, padding })
    }

    /// The shape of images of this shape, pooled.
    pub(super) fn pooled(&self, op: &'static str, shape: &[usize]) -> Result<Vec<usize>, Error> {
        let windows = self.windows(op, shape)?;
        Ok([&shape[..2], &windows.output].concat())
    }
}

/// Checks for `count` operands, all images of floats.
pub(super) fn images(op: &'static str, inputs: &[Signature], count: usize) -> Result<(), Error> {
    arity(op, inputs, count)?;
    inputs.iter().try_for_each(|input| float(op, input, inputs[0].dtype))
}

/// Checks that pooling `like` gives the shape of `pooled`.
pub(super) fn matches(
    op: &'static str,
    pool: Pool2d,
    like: &[usize],
    pooled: &[usize],
) -> Result<(), Error> {
    if pool.pooled(op, like)? == pooled {
        return Ok(());
    }
    let wanted = "images, and the shape that pooling them gives";
    Err(Error::Shapes { op, left: like.to_vec(), right: pooled.to_vec(), wanted })
}
