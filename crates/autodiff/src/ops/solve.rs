//! Linear systems with a symmetric positive definite matrix, by Cholesky factorisation in LAPACK.

use ndarray::{Array2, ArrayView2};
use ndarray_linalg::{CholeskyInplace, Diag, SolveTriangularInplace, UPLO};

use super::by_float;
use crate::exec::Call;
use crate::op::{Derivative, Op, Signature, arity, float};
use crate::{Error, Float, Var};

#[derive(Debug)]
pub(crate) struct Solve;

impl Op for Solve {
    fn name(&self) -> &'static str {
        "solve"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        arity(op, inputs, 2)?;
        float(op, &inputs[0], inputs[0].dtype)?;
        float(op, &inputs[1], inputs[0].dtype)?;
        match (&inputs[0].shape[..], &inputs[1].shape[..]) {
            ([n, n2], [n3, _]) if n == n2 && n == n3 => Ok(inputs[1].clone()),
            (left, right) => Err(Error::Shapes {
                op,
                left: left.to_vec(),
                right: right.to_vec(),
                wanted: "[n, n] and [n, m]",
            }),
        }
    }

    /// With A X = B: dB = A^-1 G, dA = -(dB X^T + X dB^T) / 2.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let towards = at.inputs[0].solve(at.gradient)?;
        let matrix = at.when(0, || {
            let half = towards.matmul(at.output.transpose(0, 1)?)?.mul_scalar(-0.5);
            half.add(half.transpose(0, 1)?)
        })?;
        Ok(vec![matrix, Some(towards)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run)
    }

    fn key(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }
}

fn run<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    let (n, m) = (call.output_shape()[0], call.output_shape()[1]);
    let (a, b, y) = (call.input::<T>(0), call.input::<T>(1), call.output::<T>());
    let indefinite = |_| Error::NotPositiveDefinite { op: "solve" };
    let half = T::of(0.5);
    // LAPACK reads one triangle; averaging makes every element of a computed matrix count.
    let mut factor = Array2::from_shape_fn((n, n), |(i, j)| half * (a[i * n + j] + a[j * n + i]));
    factor.cholesky_inplace(UPLO::Lower).map_err(indefinite)?;
    let _ = (m, b, Diag::NonUnit);
    let mut x: Array2<T> = Array2::from_shape_fn((n, m), |(i, j)| b[i * m + j]);
    solve_with(&factor.view(), &mut x)?;
    for (to, from) in y.iter_mut().zip(x.iter()) {
        *to = *from;
    }
    Ok(())
}

fn solve_with<T: Float>(factor: &ArrayView2<'_, T>, x: &mut Array2<T>) -> Result<(), Error> {
    let singular = |_| Error::NotPositiveDefinite { op: "solve" };
    factor.solve_triangular_inplace(UPLO::Lower, Diag::NonUnit, x).map_err(singular)?;
    let transposed = factor.t().as_standard_layout().into_owned();
    transposed.solve_triangular_inplace(UPLO::Upper, Diag::NonUnit, x).map_err(singular)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, close, eval};
    use crate::{DType, Error, Graph, Var};

    #[test]
    fn two_by_two() {
        let a = (&[2, 2][..], &[4.0, 1.0, 1.0, 3.0][..]);
        let b = (&[2, 2][..], &[1.0, 11.0, 2.0, 0.0][..]);
        let y = eval(&[a, b], |_, x| x[0].solve(x[1]));
        close(&y, &[1.0 / 11.0, 3.0, 7.0 / 11.0, -1.0]);
    }

    #[test]
    fn an_indefinite_matrix_is_an_error() {
        let graph = Graph::new(DType::F32);
        let a = graph.constant(&[1.0, 2.0, 2.0, 1.0], &[2, 2]).unwrap();
        let y = a.solve(graph.full(1.0, &[2, 1])).unwrap();
        let error = graph.compile(&[y]).unwrap().run(&mut []).unwrap_err();
        assert_eq!(error, Error::NotPositiveDefinite { op: "solve" });
    }

    #[test]
    fn gradient() {
        check(&[&[3, 3], &[3, 2]], |g: &Graph, x: &[Var<'_>]| {
            let gram = x[0].matmul(x[0].transpose(0, 1)?)?;
            let identity = g.constant(&[2.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0], &[3, 3])?;
            gram.add(identity)?.solve(x[1])
        });
    }
}
