//! Logarithm of the sum of exponentials along the last axis, which stays with extent 1.

use super::{by_float, last};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float};
use crate::{Error, Float, Var};
use kernels::rows::softmax as rows;

/// `ln(sum(e^x))` of each row of the last axis, which stays with extent 1.
#[derive(Debug)]
pub struct LogSumExp;

impl<'g> Var<'g> {
    /// `log(sum(exp(x)))` along `axis`, which stays with extent 1 if `keep`.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is no such axis.
    pub fn log_sum_exp(self, axis: usize, keep: bool) -> Result<Var<'g>, Error> {
        let kept = self.along("log_sum_exp", axis, |x| self.graph().apply(LogSumExp, &[x]))?;
        if keep {
            return Ok(kept);
        }
        let mut shape = kept.shape();
        shape.remove(axis);
        kept.reshape(&shape)
    }
}

impl Op for LogSumExp {
    fn name(&self) -> &'static str {
        "log_sum_exp"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        float(self.name(), &inputs[0], inputs[0].dtype)?;
        let mut shape = inputs[0].shape.clone();
        if let Some(extent) = shape.last_mut() {
            *extent = 1;
        }
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    /// dx = g softmax(x).
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let axis = at.output.rank() - 1;
        Ok(vec![Some(at.inputs[0].softmax(axis)?.mul(at.gradient)?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run)
    }
}

fn run<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    rows::log_sum_exp(call.input::<T>(0), last(call.shape(0)), call.output::<T>());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, close, eval};

    #[test]
    fn by_hand() {
        let y = eval(&[(&[2, 2], &[1000.0, 1000.0, 0.0, 3f64.ln()])], |_, x| {
            x[0].log_sum_exp(1, false)
        });
        close(&y, &[1000.0 + 2f64.ln(), 4f64.ln()]);
    }

    #[test]
    fn gradient() {
        check(&[&[3, 4]], |_, x| x[0].log_sum_exp(1, true));
        check(&[&[3, 4]], |_, x| x[0].log_sum_exp(0, false));
    }
}
