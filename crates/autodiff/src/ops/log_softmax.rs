//! Logarithm of the softmax of the last axis.

use super::{by_float, last};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float};
use crate::{Error, Float, Var};
use kernels::rows::softmax as rows;

/// `x - ln(sum(e^x))` of each row of the last axis.
#[derive(Debug)]
pub struct LogSoftmax;

impl<'g> Var<'g> {
    /// `x - log(sum(exp(x)))` along `axis`.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is no such axis.
    pub fn log_softmax(self, axis: usize) -> Result<Var<'g>, Error> {
        self.along("log_softmax", axis, |x| self.graph().apply(LogSoftmax, &[x]))
    }
}

impl Op for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        float(self.name(), &inputs[0], inputs[0].dtype)?;
        Ok(inputs[0].clone())
    }

    /// dx = g - exp(y) sum(g).
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let axis = at.output.rank() - 1;
        let total = at.gradient.sum(&[axis], true)?;
        Ok(vec![Some(at.gradient.sub(at.output.exp().mul(total)?)?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run)
    }
}

fn run<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    rows::log_softmax(call.input::<T>(0), last(call.shape(0)), call.output::<T>());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, close, eval};

    #[test]
    fn by_hand() {
        let log2 = std::f64::consts::LN_2;
        let y = eval(&[(&[1, 3], &[500.0, 500.0 + log2, 500.0])], |_, x| x[0].log_softmax(1));
        close(&y, &[-2.0 * log2, -log2, -2.0 * log2]);
    }

    #[test]
    fn gradient() {
        check(&[&[2, 5]], |_, x| x[0].log_softmax(1));
    }
}
