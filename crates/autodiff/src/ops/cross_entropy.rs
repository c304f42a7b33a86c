//! Cross-entropy of logits against target classes.

use super::{by_float, last};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float, index};
use crate::{Error, Float, Var};
use kernels::rows::softmax as rows;

/// Logits `[.., classes]` and targets `[..]` to the cost of each row.
#[derive(Debug)]
pub struct CrossEntropy;

/// Checks `[.., classes]` against indices `[..]`.
fn per_row(op: &'static str, inputs: &[Signature]) -> Result<Signature, Error> {
    arity(op, inputs, 2)?;
    float(op, &inputs[0], inputs[0].dtype)?;
    index(op, &inputs[1])?;
    match inputs[0].shape.split_last() {
        Some((_, leading)) if leading == inputs[1].shape => {
            Ok(Signature { shape: leading.to_vec(), dtype: inputs[0].dtype })
        }
        _ => Err(Error::Shapes {
            op,
            left: inputs[0].shape.clone(),
            right: inputs[1].shape.clone(),
            wanted: "[.., classes] and one index a row",
        }),
    }
}

impl<'g> Var<'g> {
    /// `-log softmax(self)[target]` of each row of logits `[.., classes]`; targets u32 `[..]`.
    ///
    /// A target of `u32::MAX` costs nothing and has no gradient.
    ///
    /// # Errors
    /// [`Error::Shapes`] if there is not one target a row.
    pub fn cross_entropy(self, targets: Var<'g>) -> Result<Var<'g>, Error> {
        self.graph().apply(CrossEntropy, &[self, targets])
    }
}

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        per_row(self.name(), inputs)
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let inputs = [at.inputs[0], at.inputs[1], at.gradient];
        Ok(vec![Some(at.gradient.graph().apply(CrossEntropyGradient, &inputs)?), None])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run)
    }
}

fn run<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    let classes = last(call.shape(0));
    let (x, targets) = (call.input::<T>(0), call.input::<u32>(1));
    rows::cross_entropy(x, classes, targets, call.output::<T>())
        .map_err(Error::index("cross_entropy"))
}

/// Logits, targets and the gradient of the costs, to g (softmax(x) - onehot(target)); zeros for rows
/// without a target.
#[derive(Debug)]
pub struct CrossEntropyGradient;

impl Op for CrossEntropyGradient {
    fn name(&self) -> &'static str {
        "cross_entropy_gradient"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 3)?;
        per_row(self.name(), &inputs[..2])?;
        Ok(inputs[0].clone())
    }

    /// With p = softmax(x), k = 1 for rows with a target and H the gradient of this gradient:
    /// dx = p (g k H - sum(p g k H)), `dg = k sum(p H) - H[target]`.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (x, targets, weight, graph) =
            (at.inputs[0], at.inputs[1], at.inputs[2], at.gradient.graph());
        let axis = x.rank() - 1;
        // A row of ones, picked at the target, is 1 with a target and 0 without.
        let kept = graph.full(1.0, &x.shape()).pick(targets)?;
        let p = x.softmax(axis)?;
        let column = [weight.shape(), vec![1]].concat();
        let logits = at.when(0, || {
            let towards = at.gradient.mul(weight.mul(kept)?.reshape(&column)?)?;
            let weighted = towards.mul(p)?;
            weighted.sub(p.mul(weighted.sum(&[axis], true)?)?)
        })?;
        let weights = at.when(2, || {
            let inner = at.gradient.mul(p)?.sum(&[axis], false)?;
            inner.mul(kept)?.sub(at.gradient.pick(targets)?)
        })?;
        Ok(vec![logits, None, weights])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, towards)
    }
}

fn towards<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    let classes = last(call.shape(0));
    let (x, targets, weights) = (call.input::<T>(0), call.input::<u32>(1), call.input::<T>(2));
    rows::cross_entropy_gradient(x, classes, targets, weights, call.output::<T>())
        .map_err(Error::index("cross_entropy"))
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, close, eval};

    #[test]
    fn by_hand_with_a_row_left_out() {
        let logits = [0.0, 3f64.ln(), 900.0, 900.0, 1.0, 2.0];
        let y = eval(&[(&[3, 2], &logits)], |g, x| {
            x[0].cross_entropy(g.index_constant(&[1, 0, u32::MAX], &[3])?)
        });
        close(&y, &[(4.0f64 / 3.0).ln(), 2f64.ln(), 0.0]);
    }

    #[test]
    fn gradient() {
        check(&[&[3, 4]], |g, x| {
            Ok(x[0].cross_entropy(g.index_constant(&[1, 3, u32::MAX], &[3])?)?.square())
        });
    }
}
