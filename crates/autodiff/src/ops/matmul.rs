//! Matrix products, plain and batched, of operands in any orientation.

use super::by_float;
use crate::exec::Call;
use crate::op::{Derivative, Op, Signature, arity, float};
use crate::{Error, Float, Layout, Var};
use kernels::product::gemm;

/// `[.., m, k] x [.., k, n]` with equal leading axes, plus `[.., m, n]` where there are three operands.
#[derive(Debug)]
pub(crate) struct MatMul;

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        if inputs.len() != 3 {
            arity(op, inputs, 2)?;
        }
        for input in inputs {
            float(op, input, inputs[0].dtype)?;
        }
        let (left, right) = (&inputs[0].shape, &inputs[1].shape);
        let rank = left.len();
        let fits = rank >= 2
            && right.len() == rank
            && left[..rank - 2] == right[..rank - 2]
            && left[rank - 1] == right[rank - 2];
        if !fits {
            return Err(Error::Shapes {
                op,
                left: left.clone(),
                right: right.clone(),
                wanted: "[.., m, k] and [.., k, n]",
            });
        }
        let mut shape = left.clone();
        shape[rank - 1] = right[rank - 1];
        if let Some(term) = inputs.get(2).filter(|term| term.shape != shape) {
            let (left, right) = (shape, term.shape.clone());
            return Err(Error::Shapes { op, left, right, wanted: "a term of the product's shape" });
        }
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    /// dA = G B^T, dB = A^T G.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (a, b, g) = (at.inputs[0], at.inputs[1], at.gradient);
        let r = a.rank();
        let product = |x: Var<'g>, y: Var<'g>| g.graph().apply(MatMul, &[x, y]);
        let mut gradients = vec![
            at.when(0, || product(g, b.transpose(r - 2, r - 1)?))?,
            at.when(1, || product(a.transpose(r - 2, r - 1)?, g))?,
        ];
        gradients.resize(at.inputs.len(), Some(g));
        Ok(gradients)
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run)
    }

    /// BLAS reads a matrix along either axis, as long as the other is not repeated.
    fn accepts(&self, input: usize, layout: &Layout) -> bool {
        input < 2 && gemm::readable(&layout.shape, &layout.strides)
    }

    /// A sum costs little while a small product is in registers.
    fn adds(&self, inputs: &[&Layout]) -> bool {
        inputs.len() == 2 && gemm::by_loops(inputs[0], inputs[1])
    }

    fn key(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }
}

fn run<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    let left = (call.input::<T>(0), call.layout(0));
    let right = (call.input::<T>(1), call.layout(1));
    let term = (call.len() == 3).then(|| call.input::<T>(2));
    gemm::batched(left, right, term, call.output());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, eval};
    use crate::{DType, Error, Graph};

    const A: (&[usize], &[f64]) = (&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);

    /// Products of `count` matrices in every orientation, with sums that are exact.
    fn check_products(count: usize, m: usize, k: usize, n: usize) {
        let numbers = |len: usize| -> Vec<f64> {
            // Sums of multiples of 1/64 are exact.
            (0..len).map(|i| ((i * 37 + 11) % 23) as f64 / 8.0 - 1.0).collect()
        };
        let (a, b) = (numbers(count * m * k), numbers(count * k * n));
        let mut wanted = vec![0.0; count * m * n];
        for (place, wanted) in wanted.iter_mut().enumerate() {
            let (at, row, column) = (place / (m * n), place / n % m, place % n);
            let term = |p: usize| a[(at * m + row) * k + p] * b[(at * k + p) * n + column];
            *wanted = (0..k).map(term).sum();
        }
        let turned = |x: &[f64], rows: usize, columns: usize| -> Vec<f64> {
            let turn = |x: &[f64]| -> Vec<f64> {
                (0..x.len()).map(|i| x[i % rows * columns + i / rows]).collect()
            };
            x.chunks(rows * columns).flat_map(turn).collect()
        };
        let (at, bt) = (turned(&a, m, k), turned(&b, k, n));
        for (left, right) in [(false, false), (true, false), (false, true), (true, true)] {
            let (a, sa) = if left { (&at, [count, k, m]) } else { (&a, [count, m, k]) };
            let (b, sb) = if right { (&bt, [count, n, k]) } else { (&b, [count, k, n]) };
            let found = eval(&[(&sa, a), (&sb, b)], |_, x| {
                let a = if left { x[0].transpose(1, 2)? } else { x[0] };
                let b = if right { x[1].transpose(1, 2)? } else { x[1] };
                a.matmul(b)
            });
            assert!(found == wanted, "{count} {m} {k} {n} {left} {right}");
        }
    }

    /// Few rows or few terms beside a large matrix.
    #[test]
    fn skinny_products_are_products() {
        for (m, k, n) in [(3, 517, 601), (8, 400, 700), (700, 9, 401), (601, 4, 517)] {
            check_products(1, m, k, n);
        }
    }

    /// With a vector on a side, and extents around those of a processor's vectors.
    #[test]
    fn small_products_are_products() {
        for extent in [1, 2, 8, 15, 16, 17, 31, 32, 50, 63, 64, 65, 130] {
            for (m, k, n) in [(1, 10, extent), (10, 1, extent), (extent, 10, 1), (1, extent, 10)] {
                check_products(3, m, k, n);
            }
            check_products(3, 3, 5, extent);
            check_products(3, 5, extent, 3);
        }
    }

    #[test]
    fn plain_and_transposed() {
        let b = (&[3, 1][..], &[1.0, 0.0, -1.0][..]);
        assert_eq!(eval(&[A, b], |_, x| x[0].matmul(x[1])), [-2.0, -2.0]);
        let gram = |_: &Graph, x: &[crate::Var<'_>]| -> Result<(), Error> {
            assert_eq!(x[0].shape(), [2, 3]);
            Ok(())
        };
        let y = eval(&[A], |g, x| {
            gram(g, x)?;
            x[0].matmul(x[0].transpose(0, 1)?)
        });
        assert_eq!(y, [14.0, 32.0, 32.0, 77.0]);
    }

    #[test]
    fn batched_with_a_shared_side() {
        let b = (&[2, 2, 1][..], &[1.0, 1.0, 2.0, 0.0][..]);
        let a = (&[1, 2][..], &[3.0, 5.0][..]);
        assert_eq!(eval(&[a, b], |_, x| x[0].matmul(x[1])), [8.0, 6.0]);
        let c = (&[2, 1, 2][..], &[1.0, 2.0, 3.0, 4.0][..]);
        let d = (&[2, 1][..], &[10.0, 1.0][..]);
        assert_eq!(eval(&[c, d], |_, x| x[0].matmul(x[1])), [12.0, 34.0]);
    }

    #[test]
    fn shapes_are_named() {
        let graph = Graph::new(DType::F32);
        let error = graph.input("a", &[2, 3]).matmul(graph.input("b", &[2, 3])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "matmul: shapes [2, 3] and [2, 3] do not fit, wanted [.., m, k] and [.., k, n]"
        );
    }

    #[test]
    fn gradient() {
        check(&[&[2, 3], &[3, 4]], |_, x| x[0].matmul(x[1]));
        check(&[&[3, 2], &[4, 3]], |_, x| x[0].transpose(0, 1)?.matmul(x[1].transpose(0, 1)?));
        check(&[&[3, 2, 4], &[3, 4, 1]], |_, x| x[0].matmul(x[1]));
        check(&[&[3, 2, 4], &[4, 2]], |_, x| x[0].matmul(x[1]));
        check(&[&[2, 4], &[2, 1, 4, 2]], |_, x| x[0].matmul(x[1]));
    }
}
