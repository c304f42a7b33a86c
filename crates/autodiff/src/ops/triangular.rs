//! Triangular systems.

use super::by_float;
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float};
use crate::{Error, Float, Graph, Var};
use kernels::linalg::cholesky::substitute;

/// `L^-1 B`, or `L^-T B` if transposed, for the lower triangles of matrices `[.., n, n]` and `[.., n,
/// m]`.
#[derive(Debug)]
pub struct TriangularSolve {
    /// Whether by the transpose.
    pub transposed: bool,
}

/// Checks `[.., n, n]` and `[.., n, m]` of equal leading axes.
pub(crate) fn systems(op: &'static str, inputs: &[Signature]) -> Result<Signature, Error> {
    arity(op, inputs, 2)?;
    float(op, &inputs[0], inputs[0].dtype)?;
    float(op, &inputs[1], inputs[0].dtype)?;
    let (left, right) = (&inputs[0].shape, &inputs[1].shape);
    match (&left[..], &right[..]) {
        ([lead @ .., n, n2], [lead2 @ .., n3, _]) if lead == lead2 && n == n2 && n == n3 => {
            Ok(inputs[1].clone())
        }
        _ => Err(Error::Shapes {
            op,
            left: left.clone(),
            right: right.clone(),
            wanted: "[.., n, n] and [.., n, m]",
        }),
    }
}

/// The lower triangle of square matrices, zeros above; the diagonal times `diagonal`.
pub(crate) fn lower<'g>(graph: &'g Graph, x: Var<'g>, diagonal: f64) -> Result<Var<'g>, Error> {
    let n = super::last(&x.shape());
    let mask: Vec<f64> = (0..n * n)
        .map(|i| match (i / n).cmp(&(i % n)) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => diagonal,
            std::cmp::Ordering::Greater => 1.0,
        })
        .collect();
    x.mul(graph.constant(&mask, &[n, n])?)
}

impl Op for TriangularSolve {
    fn name(&self) -> &'static str {
        "triangular_solve"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        systems(self.name(), inputs)
    }

    /// With X = L^-1 B: dB = L^-T G, dL = -lower(dB X^T); with X = L^-T B: dB = L^-1 G, dL =
    /// -lower(X dB^T).
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (graph, x, r) = (at.gradient.graph(), at.output, at.output.rank());
        let adjoint = TriangularSolve { transposed: !self.transposed };
        let towards = graph.apply(adjoint, &[at.inputs[0], at.gradient])?;
        let matrix = at.when(0, || {
            let (left, right) = if self.transposed { (x, towards) } else { (towards, x) };
            Ok(lower(graph, left.matmul(right.transpose(r - 2, r - 1)?)?, 1.0)?.neg())
        })?;
        Ok(vec![matrix, Some(towards)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self.transposed)
    }
}

fn run<T: Float>(call: &mut Call<'_>, transposed: bool) -> Result<(), Error> {
    let [.., n, m] = *call.output_shape() else { return Ok(()) };
    let (l, b, y) = (call.input::<T>(0), call.input::<T>(1), call.output::<T>());
    y.copy_from_slice(b);
    for (l, y) in l.chunks_exact((n * n).max(1)).zip(y.chunks_exact_mut((n * m).max(1))) {
        if let Some(pivot) = (0..n).find(|i| l[i * n + i] == T::zero()) {
            let message = format!("row {pivot} has a diagonal of zero");
            return Err(Error::Custom { op: "triangular_solve", message });
        }
        substitute((l, n), (y, m), transposed);
    }
    Ok(())
}

impl<'g> Var<'g> {
    /// `X` with `L X = right`, or `L^T X = right` if `transposed`, for the lower triangles of matrices
    /// `[.., n, n]` and right-hand sides `[.., n, m]`.
    ///
    /// What lies above the diagonal is not read. The program stops at a diagonal of zero.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes are others.
    pub fn triangular_solve(self, right: Var<'g>, transposed: bool) -> Result<Var<'g>, Error> {
        self.graph().apply(TriangularSolve { transposed }, &[self, right])
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, eval};
    use crate::{DType, Graph, Var};

    #[test]
    fn by_hand() {
        let l = (&[2, 2][..], &[2.0, 99.0, 1.0, 4.0][..]);
        let b = (&[2, 1][..], &[6.0, 11.0][..]);
        assert_eq!(eval(&[l, b], |_, x| x[0].triangular_solve(x[1], false)), [3.0, 2.0]);
        let b = (&[2, 1][..], &[8.0, 8.0][..]);
        assert_eq!(eval(&[l, b], |_, x| x[0].triangular_solve(x[1], true)), [3.0, 2.0]);
    }

    #[test]
    fn a_zero_on_the_diagonal_is_an_error() {
        let graph = Graph::new(DType::F64);
        let l = graph.constant(&[1.0, 0.0, 1.0, 0.0], &[2, 2]).unwrap();
        let y = l.triangular_solve(graph.full(1.0, &[2, 1]), false).unwrap();
        let error = graph.compile(&[y]).unwrap().run(&mut []).unwrap_err().to_string();
        assert_eq!(error, "triangular_solve: row 1 has a diagonal of zero");
    }

    #[test]
    fn gradient() {
        let away = |g: &Graph, x: &[Var<'_>]| {
            let identity: Vec<f64> =
                (0..9).map(|i| f64::from(u8::from(i % 4 == 0)) * 3.0).collect();
            x[0].add(Var::new(g, g.constant(&identity, &[3, 3]).unwrap().id())).map(|v| v.id())
        };
        for transposed in [false, true] {
            check(&[&[2, 3, 3], &[2, 3, 2]], |g, x| {
                Var::new(g, away(g, x)?).triangular_solve(x[1], transposed)
            });
        }
    }
}
