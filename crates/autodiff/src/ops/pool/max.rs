//! Max pooling; its gradient scatters to the largest elements, and that map's adjoint picks them.

use super::windows::{Pool2d, images, matches};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::ops::by_float;
use crate::signature::Signature;
use crate::{Error, Float, Var};
use kernels::convolution::pooling as pool;

/// Images to the largest elements of their windows.
#[derive(Debug)]
pub struct MaxPool(pub Pool2d);

impl Op for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        images(self.name(), inputs, 1)?;
        let shape = self.0.pooled(self.name(), &inputs[0].shape)?;
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (graph, operands) = (at.gradient.graph(), [at.gradient, at.inputs[0]]);
        Ok(vec![Some(graph.apply(MaxPoolScatter(self.0), &operands)?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, maxima, self.0)
    }
}

fn maxima<T: Float>(call: &mut Call<'_>, pool: Pool2d) -> Result<(), Error> {
    let windows = pool.windows("max_pool2d", call.shape(0))?;
    pool::max(&windows, call.input::<T>(0), call.output::<T>());
    Ok(())
}

/// Gradient of the maxima, and the images, to the images' gradient.
#[derive(Debug)]
pub struct MaxPoolScatter(pub Pool2d);

impl Op for MaxPoolScatter {
    fn name(&self) -> &'static str {
        "max_pool2d_scatter"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        images(self.name(), inputs, 2)?;
        matches(self.name(), self.0, &inputs[1].shape, &inputs[0].shape)?;
        Ok(inputs[1].clone())
    }

    /// Where the largest elements are does not change, almost everywhere.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let pick =
            || at.gradient.graph().apply(MaxPoolSelect(self.0), &[at.gradient, at.inputs[1]]);
        Ok(vec![at.when(0, pick)?, None])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, scatter, self.0)
    }
}

fn scatter<T: Float>(call: &mut Call<'_>, pool: Pool2d) -> Result<(), Error> {
    let windows = pool.windows("max_pool2d_scatter", call.shape(1))?;
    pool::max_scatter(&windows, call.input::<T>(0), call.input::<T>(1), call.output::<T>());
    Ok(())
}

/// Values, and images of their shape, to the values where the images' windows are largest.
#[derive(Debug)]
pub struct MaxPoolSelect(pub Pool2d);

impl Op for MaxPoolSelect {
    fn name(&self) -> &'static str {
        "max_pool2d_select"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        images(op, inputs, 2)?;
        let (left, right) = (&inputs[0].shape, &inputs[1].shape);
        if left != right {
            let (left, right) = (left.clone(), right.clone());
            return Err(Error::Shapes { op, left, right, wanted: "one shape" });
        }
        Ok(Signature { shape: self.0.pooled(op, right)?, dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let scatter =
            || at.gradient.graph().apply(MaxPoolScatter(self.0), &[at.gradient, at.inputs[1]]);
        Ok(vec![at.when(0, scatter)?, None])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, select, self.0)
    }
}

fn select<T: Float>(call: &mut Call<'_>, pool: Pool2d) -> Result<(), Error> {
    let windows = pool.windows("max_pool2d_select", call.shape(1))?;
    pool::max_select(&windows, call.input::<T>(0), call.input::<T>(1), call.output::<T>());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{check, eval, gradients};

    #[test]
    fn by_hand() {
        let x = (&[1, 1, 2, 5][..], &[1.0, 3.0, 5.0, 7.0, 9.0, -3.0, 2.0, 8.0, 9.0, 11.0][..]);
        assert_eq!(eval(&[x], |_, x| x[0].max_pool2d(Pool2d::of(2))), [3.0, 9.0]);
        let low = (&[1, 1, 1, 3][..], &[-5.0, -4.0, -6.0][..]);
        let padded = Pool2d { kernel: [2, 2], stride: [1, 1], padding: [1, 1] };
        let wanted = [-5.0, -4.0, -4.0, -6.0, -5.0, -4.0, -4.0, -6.0];
        assert_eq!(eval(&[low], |_, x| x[0].max_pool2d(padded)), wanted);
    }

    #[test]
    fn the_first_of_equal_maxima_takes_the_gradient() {
        let x = (&[1, 1, 2, 3][..], &[1.0, 2.0, 2.0, 2.0, 2.0, 0.0][..]);
        let pool = Pool2d { kernel: [2, 2], stride: [1, 1], padding: [0, 0] };
        let found = gradients(&[x], |_, x| Ok(x[0].max_pool2d(pool)?.sum_all()));
        assert_eq!(found, [[0.0, 2.0, 0.0, 0.0, 0.0, 0.0]]);
        let lowest = (&[1, 1, 2, 2][..], &[f64::NEG_INFINITY; 4][..]);
        let padded = Pool2d { padding: [1, 1], ..Pool2d::of(2) };
        let found = gradients(&[lowest], |_, x| Ok(x[0].max_pool2d(padded)?.sum_all()));
        assert_eq!(found, [[1.0; 4]]);
    }

    #[test]
    fn gradient() {
        for pool in [
            Pool2d { kernel: [3, 3], stride: [2, 2], padding: [0, 0] },
            Pool2d { kernel: [3, 2], stride: [1, 3], padding: [1, 1] },
            Pool2d { kernel: [2, 3], stride: [3, 1], padding: [0, 2] },
        ] {
            check(&[&[2, 3, 7, 8]], |_, x| Ok(x[0].max_pool2d(pool)?.tanh()));
        }
    }
}
