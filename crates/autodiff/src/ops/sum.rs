//! Sum over a run of neighbouring axes.

use super::by_float;
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float};
use crate::{Error, Float, Var};
use kernels::rows::reduce;

/// Sum over the axes `start..end`.
#[derive(Debug)]
pub struct Sum {
    /// First axis or element.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

impl<'g> Var<'g> {
    /// Sum over `axes`, which stay with extent 1 if `keep`.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is no such axis.
    pub fn sum(self, axes: &[usize], keep: bool) -> Result<Var<'g>, Error> {
        let mut sum = self;
        for run in self.runs("sum", axes)?.into_iter().rev() {
            sum = self.graph().apply(Sum { start: run.start, end: run.end }, &[sum])?;
        }
        sum.kept(axes, &self.shape(), keep)
    }

    /// Mean over `axes`, which stay with extent 1 if `keep`.
    ///
    /// # Errors
    /// As [`Var::sum`].
    pub fn mean(self, axes: &[usize], keep: bool) -> Result<Var<'g>, Error> {
        let sum = self.sum(axes, keep)?;
        let ratio = |var: Var<'_>| var.shape().iter().product::<usize>() as f64;
        Ok(sum.mul_scalar(ratio(sum) / ratio(self)))
    }

    /// Sum of every element, a scalar.
    #[must_use]
    pub fn sum_all(self) -> Var<'g> {
        let axes: Vec<usize> = (0..self.rank()).collect();
        match self.sum(&axes, false) {
            Ok(sum) => sum,
            Err(error) => panic!("{error}"),
        }
    }

    /// Mean of every element, a scalar.
    #[must_use]
    pub fn mean_all(self) -> Var<'g> {
        let count: usize = self.shape().iter().product();
        self.sum_all().mul_scalar(1.0 / count as f64)
    }
}

impl Op for Sum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        float(self.name(), &inputs[0], inputs[0].dtype)?;
        let mut shape = inputs[0].shape.clone();
        shape.drain(self.start..self.end);
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let shape = at.inputs[0].shape();
        let mut kept = shape.clone();
        kept[self.start..self.end].fill(1);
        Ok(vec![Some(at.gradient.reshape(&kept)?.broadcast_to(&shape)?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self)
    }
}

fn run<T: Float>(call: &mut Call<'_>, sum: &Sum) -> Result<(), Error> {
    let shape = call.shape(0);
    let reduced: usize = shape[sum.start..sum.end].iter().product();
    let inner: usize = shape[sum.end..].iter().product();
    reduce::sum(call.input::<T>(0), reduced, inner, call.output::<T>());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, eval};

    const CUBE: (&[usize], &[f64]) = (&[2, 2, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);

    #[test]
    fn over_each_axis() {
        assert_eq!(eval(&[CUBE], |_, x| x[0].sum(&[0], false)), [6.0, 8.0, 10.0, 12.0]);
        assert_eq!(eval(&[CUBE], |_, x| x[0].sum(&[1], true)), [4.0, 6.0, 12.0, 14.0]);
        assert_eq!(eval(&[CUBE], |_, x| x[0].sum(&[2, 0], false)), [14.0, 22.0]);
        assert_eq!(eval(&[CUBE], |_, x| x[0].mean(&[1, 2], false)), [2.5, 6.5]);
    }

    #[test]
    fn nothing_sums_to_zero() {
        assert_eq!(eval(&[(&[0, 2], &[])], |_, x| x[0].sum(&[0], false)), [0.0, 0.0]);
    }

    #[test]
    fn gradient() {
        check(&[&[2, 3, 2]], |_, x| Ok(x[0].exp().sum(&[0, 2], false)?.square()));
        check(&[&[2, 3, 2]], |_, x| Ok(x[0].square().mean(&[1], true)?.tanh()));
    }
}
