//! Cholesky factors of symmetric positive definite matrices.

use super::by_float;
use super::triangular::lower;
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float};
use crate::{Error, Float, Var};
use kernels::linalg::cholesky::factorise;

/// The lower factor L of `A = L L^T` for matrices `[.., n, n]`.
#[derive(Debug)]
pub struct Cholesky;

impl Op for Cholesky {
    fn name(&self) -> &'static str {
        "cholesky"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        float(self.name(), &inputs[0], inputs[0].dtype)?;
        match inputs[0].shape[..] {
            [.., n, n2] if n == n2 => Ok(inputs[0].clone()),
            _ => {
                let (op, shape) = (self.name(), inputs[0].shape.clone());
                Err(Error::Shape { op, shape, wanted: "[.., n, n]".into() })
            }
        }
    }

    /// With P the lower triangle of L^T G, its diagonal halved: S = L^-T P L^-1, dA = (S + S^T) / 2
    /// (Murray 2016, equation 10).
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (graph, l, r) = (at.gradient.graph(), at.output, at.output.rank());
        let transposed = |x: Var<'g>| x.transpose(r - 2, r - 1);
        // What is above the diagonal of the result is zero, whatever its gradient.
        let towards = lower(graph, at.gradient, 1.0)?;
        let p = lower(graph, transposed(l)?.matmul(towards)?, 0.5)?;
        let left = l.triangular_solve(p, true)?;
        let half = l.triangular_solve(transposed(left)?, true)?.mul_scalar(0.5);
        Ok(vec![Some(half.add(transposed(half)?)?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run)
    }
}

/// The lower triangle of (a + a^T) / 2, zeros above.
pub(super) fn symmetric<T: Float>(a: &[T], n: usize, y: &mut [T]) {
    let half = T::from_f64(0.5);
    for i in 0..n {
        for j in 0..n {
            y[i * n + j] = if j <= i { half * (a[i * n + j] + a[j * n + i]) } else { T::zero() };
        }
    }
}

fn run<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    let [.., n, _] = *call.output_shape() else { return Ok(()) };
    let (a, y) = (call.input::<T>(0), call.output::<T>());
    for (a, y) in a.chunks_exact((n * n).max(1)).zip(y.chunks_exact_mut((n * n).max(1))) {
        symmetric(a, n, y);
        if !factorise(y, n) {
            return Err(Error::NotPositiveDefinite { op: "cholesky" });
        }
    }
    Ok(())
}

impl<'g> Var<'g> {
    /// The lower factor `L` of `self = L L^T`, for symmetric positive definite matrices `[.., n, n]`.
    ///
    /// Only a matrix's symmetric part counts; its gradient is symmetric. The program stops at a matrix
    /// that is not positive definite.
    ///
    /// # Errors
    /// [`Error::Shape`] if the matrices are not square.
    pub fn cholesky(self) -> Result<Var<'g>, Error> {
        self.graph().apply(Cholesky, &[self])
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, close, eval};
    use crate::{DType, Error, Graph};

    #[test]
    fn by_hand() {
        let a = [4.0, 2.0, 2.0, 10.0, 9.0, 0.0, 0.0, 1.0];
        let l = eval(&[(&[2, 2, 2], &a)], |_, x| x[0].cholesky());
        assert_eq!(l, [2.0, 0.0, 1.0, 3.0, 3.0, 0.0, 0.0, 1.0]);
    }

    /// More rows than a block has columns, so that products take part.
    #[test]
    fn the_factor_of_a_large_matrix_gives_it_back() {
        let n = 150;
        let f: Vec<f64> = (0..n * n).map(|i| ((i * 7919) % 1009) as f64 / 504.5 - 1.0).collect();
        let graph = Graph::new(DType::F64);
        let f = graph.constant(&f, &[n, n]).unwrap();
        let identity: Vec<f64> =
            (0..n * n).map(|i| f64::from(u8::from(i % (n + 1) == 0))).collect();
        let gram = f.matmul(f.transpose(0, 1).unwrap()).unwrap().mul_scalar(1.0 / n as f64);
        let a = gram.add(graph.constant(&identity, &[n, n]).unwrap()).unwrap();
        let l = a.cholesky().unwrap();
        let again = l.matmul(l.transpose(0, 1).unwrap()).unwrap();
        let b = f.slice(1, 0..3).unwrap();
        let residual = a.matmul(a.solve(b).unwrap()).unwrap().sub(b).unwrap();
        let mut program = graph.compile(&[a, again, residual, l]).unwrap();
        program.run(&mut []).unwrap();
        let [a, again, residual, l] =
            [0, 1, 2, 3].map(|i| program.output(i).to_vec::<f64>().unwrap());
        for (a, b) in a.iter().zip(&again) {
            assert!((a - b).abs() < 1e-13, "{a} {b}");
        }
        assert!(residual.iter().all(|r| r.abs() < 1e-12));
        assert!((0..n).all(|i| l[i * n + i + 1..(i + 1) * n].iter().all(|&l| l == 0.0)));
        close(&[l[0] * l[0]], &[a[0]]);
    }

    #[test]
    fn an_indefinite_matrix_is_an_error() {
        for value in [0.0, f64::NAN] {
            let graph = Graph::new(DType::F64);
            let a = graph.constant(&[1.0, 2.0, 2.0, value], &[2, 2]).unwrap();
            let error = graph.compile(&[a.cholesky().unwrap()]).unwrap().run(&mut []).unwrap_err();
            assert_eq!(error, Error::NotPositiveDefinite { op: "cholesky" });
        }
        let graph = Graph::new(DType::F64);
        assert!(graph.input("a", &[2, 3]).cholesky().is_err());
    }

    #[test]
    fn gradient() {
        check(&[&[2, 3, 3]], |g, x| {
            let identity: Vec<f64> =
                (0..9).map(|i| f64::from(u8::from(i % 4 == 0)) * 2.0).collect();
            let gram = x[0].matmul(x[0].transpose(1, 2)?)?;
            gram.add(g.constant(&identity, &[3, 3])?)?.cholesky()
        });
    }
}
