//! Pooling of images.

use autodiff::{Error, Pool2d, Var};

use super::{Layer, Map, Params};
use crate::Layout;

/// Windows of images `[n, c, h, w]` by their maximum or average.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pooling {
    name: String,
    pool: Pool2d,
    average: bool,
}

impl Pooling {
    /// The largest element of each window.
    pub fn max(name: &str, pool: Pool2d) -> Self {
        Self { name: name.into(), pool, average: false }
    }

    /// The average of each window, where padding counts as zeros.
    pub fn average(name: &str, pool: Pool2d) -> Self {
        Self { name: name.into(), pool, average: true }
    }
}

impl Layer for Pooling {
    fn declare(&self, _layout: &mut Layout) {}
}

impl Map for Pooling {
    fn name(&self) -> &str {
        &self.name
    }

    fn forward<'g>(&self, _params: &Params<'_, 'g>, x: Var<'g>) -> Result<Var<'g>, Error> {
        if self.average { x.avg_pool2d(self.pool) } else { x.max_pool2d(self.pool) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{close, eval};

    #[test]
    fn windows_by_hand() {
        let x = [1.0, 3.0, 2.0, 5.0, 7.0, -1.0, 0.0, 4.0];
        let pool = Pool2d { kernel: [2, 2], stride: [1, 2], padding: [0, 0] };
        let layout = Layout::new();
        let found = |layer: Pooling| {
            eval(&layout, &[], &[(&[1, 1, 2, 4], &x)], |p, x| layer.forward(p, x[0]))
        };
        close(&found(Pooling::max("pool", pool)), &[7.0, 5.0]);
        close(&found(Pooling::average("pool", pool)), &[2.5, 2.75]);
    }
}
