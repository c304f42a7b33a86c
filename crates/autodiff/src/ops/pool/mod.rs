//! Two-dimensional pooling: the average and the maximum of windows of an image.

mod average;
mod max;

use crate::op::{Signature, arity, float};
use crate::{Error, Var};
use kernels::convolution::pooling::Windows;

use average::Average;
use max::MaxPool;

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
    fn windows(&self, op: &'static str, shape: &[usize]) -> Result<Windows, Error> {
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
    fn pooled(&self, op: &'static str, shape: &[usize]) -> Result<Vec<usize>, Error> {
        let windows = self.windows(op, shape)?;
        Ok([&shape[..2], &windows.output].concat())
    }
}

/// Checks for `count` operands, all images of floats.
fn images(op: &'static str, inputs: &[Signature], count: usize) -> Result<(), Error> {
    arity(op, inputs, count)?;
    inputs.iter().try_for_each(|input| float(op, input, inputs[0].dtype))
}

/// Checks that pooling `like` gives the shape of `pooled`.
fn matches(op: &'static str, pool: Pool2d, like: &[usize], pooled: &[usize]) -> Result<(), Error> {
    if pool.pooled(op, like)? == pooled {
        return Ok(());
    }
    let wanted = "images, and the shape that pooling them gives";
    Err(Error::Shapes { op, left: like.to_vec(), right: pooled.to_vec(), wanted })
}

impl<'g> Var<'g> {
    /// The average of each window of images `[n, c, h, w]`, where padding counts as zeros.
    ///
    /// # Errors
    /// [`Error::Shape`] if no window fits, or for a stride of zero or a padding not below the
    /// kernel.
    pub fn avg_pool2d(self, pool: Pool2d) -> Result<Var<'g>, Error> {
        self.graph().apply(Average(pool), &[self])
    }

    /// The largest element of each window of images `[n, c, h, w]`; NaN if there is one.
    ///
    /// The gradient goes to the first of equal ones, and padding is never chosen.
    ///
    /// # Errors
    /// As [`Var::avg_pool2d`].
    pub fn max_pool2d(self, pool: Pool2d) -> Result<Var<'g>, Error> {
        self.graph().apply(MaxPool(pool), &[self])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Graph};

    #[test]
    fn misfits_are_named() {
        let graph = Graph::new(DType::F32);
        let x = graph.input("x", &[1, 3, 4, 4]);
        let error = x.avg_pool2d(Pool2d::of(5)).unwrap_err().to_string();
        assert!(error.starts_with("avg_pool2d: shape [1, 3, 4, 4]"), "{error}");
        assert!(error.contains("room for a window of [5, 5]"), "{error}");
        let padded = Pool2d { padding: [2, 0], ..Pool2d::of(2) };
        let error = x.max_pool2d(padded).unwrap_err().to_string();
        assert!(error.contains("kernels larger than the padding"), "{error}");
        let flat = graph.input("x", &[4, 4]);
        let error = flat.max_pool2d(Pool2d::of(2)).unwrap_err().to_string();
        assert!(error.contains("[n, c, h, w]"), "{error}");
    }
}
