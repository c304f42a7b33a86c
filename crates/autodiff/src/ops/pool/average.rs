//! Average pooling and its adjoint, each the other's derivative.

use super::windows::{Pool2d, images, matches};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::ops::by_float;
use crate::signature::Signature;
use crate::{Error, Float, Var};
use kernels::convolution::pooling as pool;

/// Images to the averages of their windows.
#[derive(Debug)]
pub struct AveragePool(pub Pool2d);

impl Op for AveragePool {
    fn name(&self) -> &'static str {
        "avg_pool2d"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        images(self.name(), inputs, 1)?;
        let shape = self.0.pooled(self.name(), &inputs[0].shape)?;
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let shape = at.inputs[0].shape();
        let op = AveragePoolAdjoint { pool: self.0, extent: [shape[2], shape[3]] };
        Ok(vec![Some(at.gradient.graph().apply(op, &[at.gradient])?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, average, self.0)
    }
}

fn average<T: Float>(call: &mut Call<'_>, pool: Pool2d) -> Result<(), Error> {
    let windows = pool.windows("avg_pool2d", call.shape(0))?;
    pool::average(&windows, call.input::<T>(0), call.output::<T>());
    Ok(())
}

/// Each element shared evenly by the places of its window, in images of height and width `extent`.
#[derive(Debug)]
pub struct AveragePoolAdjoint {
    /// The windows.
    pub pool: Pool2d,
    /// Extent of the result along the axis, or its height and width.
    pub extent: [usize; 2],
}

impl Op for AveragePoolAdjoint {
    fn name(&self) -> &'static str {
        "avg_pool2d_adjoint"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        images(self.name(), inputs, 1)?;
        let pooled = &inputs[0].shape;
        let leading = pooled.iter().take(2).copied();
        let shape: Vec<usize> = leading.chain(self.extent).collect();
        matches(self.name(), self.pool, &shape, pooled)?;
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        Ok(vec![Some(at.gradient.avg_pool2d(self.pool)?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, spread, self.pool)
    }
}

fn spread<T: Float>(call: &mut Call<'_>, pool: Pool2d) -> Result<(), Error> {
    let windows = pool.windows("avg_pool2d_adjoint", call.output_shape())?;
    pool::spread(&windows, call.input::<T>(0), call.output::<T>());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{check, eval, gradients};

    #[test]
    fn by_hand() {
        let x = (&[1, 1, 2, 5][..], &[1.0, 3.0, 5.0, 7.0, 9.0, 3.0, 5.0, 7.0, 9.0, 11.0][..]);
        assert_eq!(eval(&[x], |_, x| x[0].avg_pool2d(Pool2d::of(2))), [3.0, 7.0]);
        let padded = Pool2d { kernel: [2, 2], stride: [2, 3], padding: [1, 0] };
        assert_eq!(eval(&[x], |_, x| x[0].avg_pool2d(padded)), [1.0, 4.0, 2.0, 5.0]);
    }

    #[test]
    fn a_gradient_is_shared_evenly() {
        let found = gradients(&[(&[1, 1, 2, 2], &[1.0; 4])], |_, x| {
            Ok(x[0].avg_pool2d(Pool2d::of(2))?.mul_scalar(8.0).sum_all())
        });
        assert_eq!(found, [[2.0; 4]]);
    }

    #[test]
    fn gradient() {
        for pool in [
            Pool2d::of(2),
            Pool2d { kernel: [3, 2], stride: [2, 1], padding: [1, 1] },
            Pool2d { kernel: [2, 3], stride: [3, 4], padding: [0, 2] },
        ] {
            check(&[&[2, 3, 7, 6]], |_, x| Ok(x[0].avg_pool2d(pool)?.tanh()));
        }
    }
}
