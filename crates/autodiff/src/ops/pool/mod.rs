//! Two-dimensional pooling: the average and the maximum of windows of an image.

mod average;
mod max;
mod windows;

use crate::{Error, Var};

pub use average::{AveragePool, AveragePoolAdjoint};
pub use max::{MaxPool, MaxPoolScatter, MaxPoolSelect};
pub use windows::Pool2d;

impl<'g> Var<'g> {
    /// The average of each window of images `[n, c, h, w]`, where padding counts as zeros.
    ///
    /// # Errors
    /// [`Error::Shape`] if no window fits, or for a stride of zero or a padding not below the
    /// kernel.
    pub fn avg_pool2d(self, pool: Pool2d) -> Result<Var<'g>, Error> {
        self.graph().apply(AveragePool(pool), &[self])
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
