//! A value at one place of each row of zeros: the adjoint of picking.

use super::by_float;
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float, index};
use crate::{Error, Float, Var};

/// Values `[..]` and indices `[..]` to rows of `classes` zeros with the values in them.
#[derive(Debug)]
pub struct Unpick {
    /// Elements of a row.
    pub classes: usize,
}

impl Op for Unpick {
    fn name(&self) -> &'static str {
        "unpick"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        arity(op, inputs, 2)?;
        float(op, &inputs[0], inputs[0].dtype)?;
        index(op, &inputs[1])?;
        let (left, right) = (inputs[0].shape.clone(), inputs[1].shape.clone());
        if left != right {
            return Err(Error::Shapes { op, left, right, wanted: "one index a value" });
        }
        let mut shape = left;
        shape.push(self.classes);
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        Ok(vec![Some(at.gradient.pick(at.inputs[1])?), None])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self.classes)
    }
}

fn run<T: Float>(call: &mut Call<'_>, classes: usize) -> Result<(), Error> {
    let (x, indices, y) = (call.input::<T>(0), call.input::<u32>(1), call.output::<T>());
    y.fill(T::zero());
    for (row, (&x, &index)) in x.iter().zip(indices).enumerate() {
        match index {
            u32::MAX => {}
            index if (index as usize) < classes => y[row * classes + index as usize] = x,
            index => return Err(Error::Index { op: "unpick", index, rows: classes }),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{check, eval};

    #[test]
    fn one_place_a_row() {
        let y = eval(&[(&[2], &[5.0, 6.0])], |g, x| {
            g.apply(Unpick { classes: 2 }, &[x[0], g.index_constant(&[1, u32::MAX], &[2])?])
        });
        assert_eq!(y, [0.0, 5.0, 0.0, 0.0]);
    }

    #[test]
    fn gradient() {
        check(&[&[3]], |g, x| {
            let indices = g.index_constant(&[1, 3, u32::MAX], &[3])?;
            Ok(g.apply(Unpick { classes: 4 }, &[x[0], indices])?.add_scalar(2.0).square())
        });
    }
}
