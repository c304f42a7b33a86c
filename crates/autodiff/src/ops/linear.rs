//! Affine maps of rows, by packed panels.

use super::by_float;
use crate::exec::Call;
use crate::op::{Derivative, Op, Signature, float};
use crate::{Error, Float, Layout, Var};
use kernels::product::panels::{Matrix, Onto, product};
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

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, close, eval};
    use crate::{DType, Graph};

    #[test]
    fn by_hand() {
        let given: [(&[usize], &[f64]); 3] = [
            (&[2, 1, 2], &[1.0, 2.0, 3.0, 4.0]),
            (&[2, 3], &[1.0, 0.0, -1.0, 0.0, 1.0, 2.0]),
            (&[3], &[10.0, 20.0, 30.0]),
        ];
        let y = eval(&given, |_, x| x[0].linear(x[1], Some(x[2])));
        assert_eq!(y, [11.0, 22.0, 33.0, 13.0, 24.0, 35.0]);
    }

    /// Extents that leave parts of tiles, several passes and more than one block of rows.
    #[test]
    fn equals_the_plain_product() {
        for (m, k, n) in [(1, 1, 1), (9, 37, 33), (1037, 5, 40), (20, 700, 70), (3, 0, 4)] {
            let draw = |i: usize| ((i * 7919) % 1009) as f64 / 504.5 - 1.0;
            let a: Vec<f64> = (0..m * k).map(draw).collect();
            let b: Vec<f64> = (0..k * n).map(|i| draw(i + 3)).collect();
            let mut wanted = vec![0.0; m * n];
            for i in 0..m {
                for j in 0..n {
                    wanted[i * n + j] =
                        (0..k).fold(0.0f64, |sum, p| a[i * k + p].mul_add(b[p * n + j], sum));
                }
            }
            let shapes = [[m, k], [k, n]];
            let graph = Graph::new(DType::F64);
            let [x, w] = [(&a, shapes[0]), (&b, shapes[1])]
                .map(|(values, shape)| graph.constant(values, &shape).unwrap());
            let plain = x.linear(w, None).unwrap();
            // The same from transposed storage.
            let turned = |var: crate::Var<'_>, values: &[f64], [r, c]: [usize; 2]| {
                let graph = var.graph();
                let other: Vec<f64> = (0..r * c).map(|i| values[i % r * c + i / r]).collect();
                graph.constant(&other, &[c, r]).unwrap().transpose(0, 1).unwrap().id()
            };
            let (left, right) = (turned(x, &a, shapes[0]), turned(w, &b, shapes[1]));
            let var = |id| crate::Var::new(&graph, id);
            let other = var(left).linear(var(right), None).unwrap();
            let mut program = graph.compile(&[plain, other]).unwrap();
            program.run(&mut []).unwrap();
            close(&program.output(0).to_vec::<f64>().unwrap(), &wanted);
            let [plain, other] = [0, 1].map(|i| program.output(i).to_vec::<f64>().unwrap());
            assert_eq!(plain, other);
        }
    }

    #[test]
    fn wrong_extents_are_named() {
        let graph = Graph::new(DType::F32);
        let (x, w) = (graph.input("x", &[4, 3]), graph.input("w", &[3, 5]));
        let error = x.linear(w, Some(graph.input("b", &[4]))).unwrap_err().to_string();
        let wanted = "linear: shapes [3, 5] and [4] do not fit, wanted a bias [n] for [k, n]";
        assert_eq!(error, wanted);
        assert!(w.linear(x, None).is_err());
    }

    #[test]
    fn gradient() {
        check(&[&[2, 2, 3], &[3, 4], &[4]], |_, x| Ok(x[0].linear(x[1], Some(x[2]))?.tanh()));
    }
}
