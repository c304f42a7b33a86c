//! Linear systems with symmetric positive definite matrices, by Cholesky factorisation.

use super::by_float;
use super::cholesky::symmetric;
use super::triangular::systems;
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::Signature;
use crate::{Error, Float, Var};
use kernels::linalg::cholesky::{factorise, substitute};

/// `X` with `A X = B`, A symmetric positive definite.
#[derive(Debug)]
pub struct Solve;

impl<'g> Var<'g> {
    /// `X` with `self X = right` for symmetric positive definite `[.., n, n]` and `[.., n, m]`.
    ///
    /// Only the matrix's symmetric part counts; its gradient is symmetric.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes are others.
    pub fn solve(self, right: Var<'g>) -> Result<Var<'g>, Error> {
        self.graph().apply(Solve, &[self, right])
    }
}

impl Op for Solve {
    fn name(&self) -> &'static str {
        "solve"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        systems(self.name(), inputs)
    }

    /// With A X = B: dB = A^-1 G, dA = -(dB X^T + X dB^T) / 2.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let towards = at.inputs[0].solve(at.gradient)?;
        let r = towards.rank();
        let matrix = at.when(0, || {
            let half = towards.matmul(at.output.transpose(r - 2, r - 1)?)?.mul_scalar(-0.5);
            half.add(half.transpose(r - 2, r - 1)?)
        })?;
        Ok(vec![matrix, Some(towards)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run)
    }
}

fn run<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    let [.., n, m] = *call.output_shape() else { return Ok(()) };
    let (a, b, y) = (call.input::<T>(0), call.input::<T>(1), call.output::<T>());
    y.copy_from_slice(b);
    let workspace = call.workspace();
    workspace.reserve::<T>(1, n * n);
    workspace.with(n * n, |factor| {
        for (a, y) in a.chunks_exact((n * n).max(1)).zip(y.chunks_exact_mut((n * m).max(1))) {
            symmetric(a, n, factor);
            if !factorise(factor, n) {
                return Err(Error::NotPositiveDefinite { op: "solve" });
            }
            substitute((factor, n), (y, m), false);
            substitute((factor, n), (y, m), true);
        }
        Ok(())
    })
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
        check(&[&[2, 2, 2], &[2, 2, 1]], |g: &Graph, x: &[Var<'_>]| {
            let gram = x[0].matmul(x[0].transpose(1, 2)?)?;
            let identity = g.constant(&[2.0, 0.0, 0.0, 2.0], &[2, 2])?;
            gram.add(identity)?.solve(x[1])
        });
    }
}
