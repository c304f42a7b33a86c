//! Matrix products, plain and batched, of operands in any orientation.

use super::{broadcast_shape, by_float};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float};
use crate::{Error, Float, Layout, Var};
use kernels::product::{self, Addend};

/// `[.., m, k] x [.., k, n]` with equal leading axes; plus a term where the plan adds one.
#[derive(Debug)]
pub struct MatMul;

impl<'g> Var<'g> {
    /// Matrix product `[.., m, k] x [.., k, n]`; the leading axes are broadcast.
    ///
    /// Transposed operands are not copied.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the inner extents differ or the leading axes do not broadcast.
    pub fn matmul(self, other: Var<'g>) -> Result<Var<'g>, Error> {
        let (left, right) = (self.shape(), other.shape());
        let (p, q) = (left.len(), right.len());
        if p < 2 || q < 2 || left[p - 1] != right[q - 2] {
            let wanted = "[.., m, k] and [.., k, n]";
            return Err(Error::Shapes { op: "matmul", left, right, wanted });
        }
        if p > 2 && q == 2 {
            // One tall product instead of many: the batch joins the rows.
            let rows: usize = left[..p - 1].iter().product();
            let product = self.reshape(&[rows, left[p - 1]])?.matmul(other)?;
            let mut shape = left;
            shape[p - 1] = right[1];
            return product.reshape(&shape);
        }
        let batch = broadcast_shape("matmul", &left[..p - 2], &right[..q - 2]).map_err(|_| {
            Error::Shapes {
                op: "matmul",
                left: left.clone(),
                right: right.clone(),
                wanted: "leading axes that broadcast",
            }
        })?;
        let left = self.broadcast_to(&[&batch, &left[p - 2..]].concat())?;
        let right = other.broadcast_to(&[&batch, &right[q - 2..]].concat())?;
        self.graph().apply(MatMul, &[left, right])
    }

    /// Affine map of the last axis: `[.., k] x [k, n] + [n]`, the same as [`Var::matmul`] and
    /// [`Var::add`], to the bit.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the extents differ.
    pub fn linear(self, weight: Var<'g>, bias: Option<Var<'g>>) -> Result<Var<'g>, Error> {
        let op = "linear";
        let (mut shape, of) = (self.shape(), weight.shape());
        let (Some(&k), &[inner, n]) = (shape.last(), &of[..]) else {
            return Err(Error::Shapes { op, left: shape, right: of, wanted: "[.., k] and [k, n]" });
        };
        if k != inner {
            return Err(Error::Shapes { op, left: shape, right: of, wanted: "[.., k] and [k, n]" });
        }
        shape.pop();
        let mut product = self.reshape(&[shape.iter().product(), k])?.matmul(weight)?;
        if let Some(bias) = bias {
            let right = bias.shape();
            if right != [n] {
                return Err(Error::Shapes { op, left: of, right, wanted: "a bias [n] for [k, n]" });
            }
            product = product.add(bias)?;
        }
        shape.push(n);
        product.reshape(&shape)
    }
}

impl Op for MatMul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        arity(op, inputs, 2)?;
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
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    /// dA = G B^T, dB = A^T G.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (a, b, g) = (at.inputs[0], at.inputs[1], at.gradient);
        let r = a.rank();
        let product = |x: Var<'g>, y: Var<'g>| g.graph().apply(MatMul, &[x, y]);
        Ok(vec![
            at.when(0, || product(g, b.transpose(r - 2, r - 1)?))?,
            at.when(1, || product(a.transpose(r - 2, r - 1)?, g))?,
        ])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run)
    }

    fn accepts(&self, input: usize, layout: &Layout) -> bool {
        input < 2 && product::readable(layout)
    }

    /// A row is added while the product is in registers; a whole term only where the product is small,
    /// for elsewhere an elementwise step that has more to do reads it just as well.
    fn epilogue(&self, inputs: &[&Layout], term: &Layout) -> bool {
        let [left, right] = inputs else { return false };
        let (last, leading) = term.strides.split_last().unwrap_or((&0, &[]));
        let row = *last == 1 && leading.iter().all(|&stride| stride == 0);
        row || (term.is_contiguous() && product::by_loops(left, right))
    }

    fn product(&self) -> bool {
        true
    }
}

fn run<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    let (left, right) = (call.matrices::<T>(0), call.matrices::<T>(1));
    let add = (call.len() == 3).then(|| {
        let width = right.layout.shape.last().copied().unwrap_or_default();
        let stride = if call.layout(2).is_contiguous() { width } else { 0 };
        Addend { data: call.input::<T>(2), stride }
    });
    product::batched(left, right, add, call.output());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, eval};
    use crate::{Buffer, DType, Device, Error, Graph};

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
        let transposed = |x: &[f64], rows: usize, columns: usize| -> Vec<f64> {
            let transpose = |x: &[f64]| -> Vec<f64> {
                (0..x.len()).map(|i| x[i % rows * columns + i / rows]).collect()
            };
            x.chunks(rows * columns).flat_map(transpose).collect()
        };
        let (at, bt) = (transposed(&a, m, k), transposed(&b, k, n));
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
    fn a_bias_is_added_by_the_product() {
        let run = |linear: bool, apart: bool| {
            let graph = Graph::new(DType::F32);
            let x = graph.input("x", &[2, 20, 30]);
            let (mut y, mut shown, mut lens) = (x, Vec::new(), vec![1200]);
            for (layer, (k, n)) in [(30, 50), (50, 50), (50, 7)].into_iter().enumerate() {
                let w = graph.input(&format!("w{layer}"), &[k, n]);
                let b = graph.input(&format!("b{layer}"), &[n]);
                lens.extend([k * n, n]);
                y = if linear {
                    y.linear(w, Some(b)).unwrap()
                } else {
                    let product = y.matmul(w).unwrap();
                    if apart {
                        shown.push(product);
                    }
                    product.add(b).unwrap()
                };
            }
            shown.push(y);
            let mut program = graph.compile(&shown).unwrap();
            let mut buffers: Vec<Buffer> = lens
                .into_iter()
                .map(|len| {
                    let number = |i: usize| ((i * 37 + 11) % 101) as f32 / 500.0 - 0.1;
                    Buffer::from_slice(Device::cpu(), &(0..len).map(number).collect::<Vec<f32>>())
                        .unwrap()
                })
                .collect();
            program.run(&mut buffers.iter_mut().collect::<Vec<_>>()).unwrap();
            let last = shown.len() - 1;
            (program.output(last).to_vec::<f32>().unwrap(), program.steps())
        };
        let (whole, steps) = run(false, false);
        assert_eq!(steps, 3);
        assert_eq!(run(true, false), (whole.clone(), 3));
        // Neither does a step of its own change a bit.
        assert_eq!(run(false, true), (whole, 6));
    }

    #[test]
    fn affine_maps_by_hand() {
        let given: [(&[usize], &[f64]); 3] = [
            (&[2, 1, 2], &[1.0, 2.0, 3.0, 4.0]),
            (&[2, 3], &[1.0, 0.0, -1.0, 0.0, 1.0, 2.0]),
            (&[3], &[10.0, 20.0, 30.0]),
        ];
        let y = eval(&given, |_, x| x[0].linear(x[1], Some(x[2])));
        assert_eq!(y, [11.0, 22.0, 33.0, 13.0, 24.0, 35.0]);
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
        check(&[&[2, 3], &[3, 4]], |_, x| x[0].matmul(x[1]));
        check(&[&[3, 2], &[4, 3]], |_, x| x[0].transpose(0, 1)?.matmul(x[1].transpose(0, 1)?));
        check(&[&[3, 2, 4], &[3, 4, 1]], |_, x| x[0].matmul(x[1]));
        check(&[&[3, 2, 4], &[4, 2]], |_, x| x[0].matmul(x[1]));
        check(&[&[2, 4], &[2, 1, 4, 2]], |_, x| x[0].matmul(x[1]));
    }
}
