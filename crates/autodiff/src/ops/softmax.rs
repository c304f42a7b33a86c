//! Softmax of the last axis.

use super::{by_float, last};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float};
use crate::{Error, Float, Var};
use kernels::rows::softmax as rows;

/// `e^x / sum(e^x)` of each row of the last axis.
#[derive(Debug)]
pub struct Softmax;

impl<'g> Var<'g> {
    /// `exp(x) / sum(exp(x))` along `axis`.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is no such axis.
    pub fn softmax(self, axis: usize) -> Result<Var<'g>, Error> {
        self.along("softmax", axis, |x| self.graph().apply(Softmax, &[x]))
    }
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        float(self.name(), &inputs[0], inputs[0].dtype)?;
        Ok(inputs[0].clone())
    }

    /// dx = y (g - sum(g y)).
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let axis = at.output.rank() - 1;
        let weighted = at.gradient.mul(at.output)?;
        let inner = weighted.sum(&[axis], true)?;
        Ok(vec![Some(weighted.sub(at.output.mul(inner)?)?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run)
    }
}

fn run<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    rows::softmax(call.input::<T>(0), last(call.shape(0)), call.output::<T>());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, close, eval};

    #[test]
    fn by_hand_and_shifted() {
        let log2 = std::f64::consts::LN_2;
        for shift in [0.0, 1000.0, -1000.0] {
            let (x, e) = ([shift, shift + 1.0, shift], std::f64::consts::E);
            let y = eval(&[(&[1, 3], &x)], |_, x| x[0].softmax(1));
            close(&y, &[1.0 / (2.0 + e), e / (2.0 + e), 1.0 / (2.0 + e)]);
        }
        close(
            &eval(&[(&[2, 2], &[0.0, log2, log2, log2])], |_, x| x[0].softmax(0)),
            &[1.0 / 3.0, 0.5, 2.0 / 3.0, 0.5],
        );
    }

    #[test]
    fn gradient() {
        check(&[&[2, 5]], |_, x| x[0].softmax(1));
        check(&[&[3, 2]], |_, x| x[0].softmax(0));
    }
}
