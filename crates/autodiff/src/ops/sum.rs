//! Sum over a run of neighbouring axes.

use super::by_float;
use crate::exec::Call;
use crate::op::{Derivative, Op, Signature, arity, float};
use crate::{Error, Float, Var};
use kernels::rows::reduce;

#[derive(Debug)]
pub(crate) struct Sum {
    pub start: usize,
    pub end: usize,
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

    fn key(&self) -> Option<String> {
        Some(format!("{self:?}"))
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
