//! Products of all pairs of rows: X X^T, half of it computed and mirrored.

use super::by_float;
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float};
use crate::{Error, Float, Var};
use kernels::product::{Matrix, gram};

/// Columns in one sum, and more in a sum of sums: a chain of a million positive terms keeps four digits of f32.
const COLUMNS: usize = 1 << 13;

/// `[.., n, m]` to `[.., n, n]`.
#[derive(Debug)]
pub struct Gram;

impl<'g> Var<'g> {
    /// Gram matrices `F F^T` of the rows of `[.., n, m]`, exactly symmetric (Gatys, Ecker & Bethge
    /// 2015, equation 3: channels by positions).
    ///
    /// It costs half of [`Var::matmul`], and its gradient one product instead of two.
    ///
    /// # Errors
    /// [`Error::Shape`] for fewer than two axes.
    pub fn gram(self) -> Result<Var<'g>, Error> {
        self.graph().apply(Gram, &[self])
    }
}

impl Op for Gram {
    fn name(&self) -> &'static str {
        "gram"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        float(self.name(), &inputs[0], inputs[0].dtype)?;
        let mut shape = inputs[0].shape.clone();
        let Some(last) = shape.len().checked_sub(1).filter(|&last| last > 0) else {
            return Err(Error::Shape { op: self.name(), shape, wanted: "[.., n, m]".into() });
        };
        shape[last] = shape[last - 1];
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    /// dX = (g + g^T) X.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let last = at.output.rank() - 1;
        let both = at.gradient.add(at.gradient.transpose(last - 1, last)?)?;
        Ok(vec![Some(both.matmul(at.inputs[0])?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run)
    }
}

fn run<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    let [.., rows, columns] = *call.shape(0) else { return Ok(()) };
    let (x, workspace) = (call.input::<T>(0), call.workspace());
    for (at, y) in call.output::<T>().chunks_exact_mut((rows * rows).max(1)).enumerate() {
        let x = Matrix::rows(&x[at * rows * columns..][..rows * columns], rows, columns);
        let block = |from: usize| x.block((0, from), (rows, COLUMNS.min(columns - from)));
        gram(block(0), y);
        workspace.with(y.len(), |part| {
            for from in (COLUMNS..columns).step_by(COLUMNS) {
                gram(block(from), part);
                y.iter_mut().zip(&*part).for_each(|(y, part)| *y += *part);
            }
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{check, eval};
    use crate::{Buffer, DType, Device, Graph};

    #[test]
    fn by_hand() {
        let x = (&[2, 3][..], &[1.0, 2.0, 3.0, -1.0, 0.0, 5.0][..]);
        assert_eq!(eval(&[x], |_, x| x[0].gram()), [14.0, 14.0, 14.0, 26.0]);
        assert_eq!(eval(&[(&[2, 0], &[])], |_, x| x[0].gram()), [0.0; 4]);
        let pair = (&[2, 1, 2][..], &[1.0, 2.0, -3.0, 1.0][..]);
        assert_eq!(eval(&[pair], |_, x| x[0].gram()), [5.0, 10.0]);
    }

    #[test]
    fn is_the_product_with_the_transposed() {
        for (rows, columns) in [(7, 5), (65, 40), (130, 3), (200, 70)] {
            let values: Vec<f64> =
                (0..rows * columns).map(|i| ((i * 37 + 11) % 23) as f64 / 8.0 - 1.0).collect();
            let x = (&[rows, columns][..], &values[..]);
            let found = eval(&[x], |_, x| x[0].gram());
            // Sums of multiples of 1/64 are exact in both types.
            assert_eq!(found, eval(&[x], |_, x| x[0].matmul(x[0].transpose(0, 1)?)));
        }
    }

    #[test]
    fn a_million_columns_keep_their_digits() {
        let columns = (1 << 20) + 1;
        let value = |i: usize| ((i * 7919 + 1) % 1009) as f32 / 1009.0;
        let x: Vec<f32> = (0..2 * columns).map(value).collect();
        let graph = Graph::new(DType::F32);
        let pairs = graph.input("x", &[2, columns]).gram().unwrap();
        let mut program = graph.compile(&[pairs]).unwrap();
        program.run(&mut [&mut Buffer::from_slice(Device::cpu(), &x).unwrap()]).unwrap();
        let (first, second) = x.split_at(columns);
        let pairs = [(first, first), (first, second), (second, first), (second, second)];
        let product = |(&a, &b): (&f32, &f32)| f64::from(a) * f64::from(b);
        let wanted = pairs.map(|(a, b)| a.iter().zip(b).map(product).sum::<f64>());
        for (found, wanted) in program.output(0).to_vec::<f32>().unwrap().into_iter().zip(wanted) {
            assert!((f64::from(found) / wanted - 1.0).abs() < 4e-6, "{found} {wanted}");
        }
    }

    #[test]
    fn gradient() {
        check(&[&[3, 5]], |_, x| Ok(x[0].gram()?.tanh()));
        check(&[&[2, 3, 4]], |_, x| Ok(x[0].gram()?.tanh()));
    }

    #[test]
    fn misfits_are_named() {
        let graph = Graph::new(DType::F32);
        let error = graph.input("x", &[4]).gram().unwrap_err();
        assert!(matches!(error, Error::Shape { op: "gram", .. }));
    }
}
