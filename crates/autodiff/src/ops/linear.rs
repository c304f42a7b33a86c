//! Affine maps of rows, by packed panels.

use super::by_float;
use crate::exec::Call;
use crate::exec::panels::{Matrix, Onto, product};
use crate::op::{Derivative, Op, Signature, float};
use crate::{Error, Float, Layout, Var};
use ndarray::ArrayViewMut2;

/// `[m, k] x [k, n]`, plus `[n]` where there are three operands.
#[derive(Debug)]
pub(crate) struct Linear;

impl Op for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        if inputs.len() != 2 && inputs.len() != 3 {
            return Err(Error::Arity { op, wanted: 3, found: inputs.len() });
        }
        for input in inputs {
            float(op, input, inputs[0].dtype)?;
        }
        let (left, right) = (&inputs[0].shape, &inputs[1].shape);
        let wanted = match (&left[..], &right[..], inputs.get(2)) {
            ([_, k], [k2, _], _) if k != k2 => "[.., k] and [k, n]",
            ([_, _], [_, n], Some(bias)) if bias.shape != [*n] => {
                let (left, right) = (right.clone(), bias.shape.clone());
                return Err(Error::Shapes { op, left, right, wanted: "a bias [n] for [k, n]" });
            }
            ([m, _], [_, n], _) => {
                return Ok(Signature { shape: vec![*m, *n], dtype: inputs[0].dtype });
            }
            _ => "[.., k] and [k, n]",
        };
        Err(Error::Shapes { op, left: left.clone(), right: right.clone(), wanted })
    }

    /// dX = G W^T, dW = X^T G, db = the sum of the rows of G.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (x, w, g) = (at.inputs[0], at.inputs[1], at.gradient);
        let apply = |x: Var<'g>, y: Var<'g>| g.graph().apply(Linear, &[x, y]);
        let mut gradients = vec![
            at.when(0, || apply(g, w.transpose(0, 1)?))?,
            at.when(1, || apply(x.transpose(0, 1)?, g))?,
        ];
        if at.inputs.len() == 3 {
            gradients.push(at.when(2, || g.sum(&[0], false))?);
        }
        Ok(gradients)
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run)
    }

    /// Packing reads a matrix in any layout.
    fn accepts(&self, input: usize, _: &Layout) -> bool {
        input < 2
    }

    fn key(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }
}

fn run<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    let (shape, inner) = (call.output_shape(), call.shape(0)[1]);
    let a = Matrix::of(call.input::<T>(0), call.layout(0));
    let b = Matrix::of(call.input::<T>(1), call.layout(1));
    let onto = if call.len() == 3 { Onto::Row(call.input::<T>(2)) } else { Onto::Zero };
    let (workspace, y) = (call.workspace(), call.output::<T>());
    match ArrayViewMut2::from_shape((shape[0], shape[1]), y) {
        Ok(y) => product(a, b, inner, onto, y, workspace),
        Err(error) => panic!("a result of {shape:?}: {error}"),
    }
    Ok(())
}
