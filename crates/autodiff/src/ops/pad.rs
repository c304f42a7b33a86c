//! Zeros around a range of one axis: the adjoint of a slice.

use super::by_float;
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float};
use crate::{Error, Float, Var};

/// Zeros around the operand along an axis.
#[derive(Debug)]
pub struct Pad {
    /// The axis.
    pub axis: usize,
    /// Where the operand begins in the result.
    pub start: usize,
    /// Extent of the axis in the result.
    pub extent: usize,
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        float(self.name(), &inputs[0], inputs[0].dtype)?;
        let mut shape = inputs[0].shape.clone();
        if self.axis >= shape.len() || self.start + shape[self.axis] > self.extent {
            let wanted = format!("room from {} in {}", self.start, self.extent);
            return Err(Error::Shape { op: self.name(), shape, wanted });
        }
        shape[self.axis] = self.extent;
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let length = at.inputs[0].shape()[self.axis];
        Ok(vec![Some(at.gradient.slice(self.axis, self.start..self.start + length)?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self)
    }
}

fn run<T: Float>(call: &mut Call<'_>, pad: &Pad) -> Result<(), Error> {
    let inner: usize = call.shape(0)[pad.axis + 1..].iter().product();
    let (length, x, y) = (call.shape(0)[pad.axis], call.input::<T>(0), call.output::<T>());
    if y.is_empty() {
        return Ok(());
    }
    let (from, to) = (pad.start * inner, (pad.start + length) * inner);
    for (i, slab) in y.chunks_exact_mut(pad.extent * inner).enumerate() {
        slab[..from].fill(T::zero());
        slab[from..to].copy_from_slice(&x[i * length * inner..(i + 1) * length * inner]);
        slab[to..].fill(T::zero());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{check, eval};

    #[test]
    fn surrounds_with_zeros() {
        let values = eval(&[(&[2, 1], &[1.0, 2.0])], |g, x| {
            g.apply(Pad { axis: 1, start: 1, extent: 3 }, x)
        });
        assert_eq!(values, [0.0, 1.0, 0.0, 0.0, 2.0, 0.0]);
    }

    #[test]
    fn gradient() {
        check(&[&[2, 2, 3]], |g, x| {
            Ok(g.apply(Pad { axis: 1, start: 1, extent: 4 }, x)?.add_scalar(1.5).square())
        });
    }
}
