//! Maximum over a run of neighbouring axes; equal maxima share the gradient.

use super::by_float;
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float};
use crate::{Error, Float, Var};
use kernels::rows::reduce;

/// Maximum over the axes `start..end`.
#[derive(Debug)]
pub struct Max {
    /// First axis or element.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

impl<'g> Var<'g> {
    /// Maximum over `axes`, which stay with extent 1 if `keep`; equal maxima share the gradient.
    ///
    /// # Errors
    /// As [`Var::sum`].
    pub fn max(self, axes: &[usize], keep: bool) -> Result<Var<'g>, Error> {
        let mut max = self;
        for run in self.runs("max", axes)?.into_iter().rev() {
            max = self.graph().apply(Max { start: run.start, end: run.end }, &[max])?;
        }
        max.kept(axes, &self.shape(), keep)
    }
}

impl Op for Max {
    fn name(&self) -> &'static str {
        "max"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        float(self.name(), &inputs[0], inputs[0].dtype)?;
        let mut shape = inputs[0].shape.clone();
        if shape[self.start..self.end].contains(&0) {
            return Err(Error::Shape { op: self.name(), shape, wanted: "an element".into() });
        }
        shape.drain(self.start..self.end);
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let shape = at.inputs[0].shape();
        let mut kept = shape.clone();
        kept[self.start..self.end].fill(1);
        let axes: Vec<usize> = (self.start..self.end).collect();
        let winners = at.inputs[0].equal(at.output.reshape(&kept)?)?;
        let share = at.gradient.reshape(&kept)?.div(winners.sum(&axes, true)?)?;
        Ok(vec![Some(winners.mul(share)?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self)
    }
}

fn run<T: Float>(call: &mut Call<'_>, max: &Max) -> Result<(), Error> {
    let shape = call.shape(0);
    let reduced: usize = shape[max.start..max.end].iter().product();
    let inner: usize = shape[max.end..].iter().product();
    reduce::max(call.input::<T>(0), reduced, inner, call.output::<T>());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, eval, gradients};

    #[test]
    fn over_rows_and_columns() {
        let x = (&[2, 2][..], &[1.0, 4.0, 3.0, 2.0][..]);
        assert_eq!(eval(&[x], |_, x| x[0].max(&[0], false)), [3.0, 4.0]);
        assert_eq!(eval(&[x], |_, x| x[0].max(&[1], true)), [4.0, 3.0]);
    }

    #[test]
    fn equal_maxima_share() {
        let x = (&[3][..], &[2.0, 1.0, 2.0][..]);
        let found = gradients(&[x], |_, x| x[0].max(&[0], false));
        assert_eq!(found, [[0.5, 0.0, 0.5]]);
    }

    #[test]
    fn gradient() {
        check(&[&[3, 4]], |_, x| Ok(x[0].max(&[1], false)?.square()));
        check(&[&[3, 4]], |_, x| Ok(x[0].max(&[0], false)?.exp()));
    }
}
