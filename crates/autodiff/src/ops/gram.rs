//! Products of all pairs of rows: X X^T, half of it computed and mirrored.

use super::by_float;
use crate::exec::{Call, gemm};
use crate::op::{Derivative, Op, Signature, arity, float};
use crate::{Error, Float, Var};

/// `[n, m]` to `[n, n]`.
#[derive(Debug)]
struct Gram;

impl<'g> Var<'g> {
    /// The Gram matrix `self self^T` of the rows of `[n, m]`, exactly symmetric.
    ///
    /// It costs half of [`Var::matmul`], and its gradient one product instead of two.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are not two axes.
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
        match *inputs[0].shape {
            [rows, _] => Ok(Signature { shape: vec![rows, rows], dtype: inputs[0].dtype }),
            _ => {
                let (op, shape) = (self.name(), inputs[0].shape.clone());
                Err(Error::Shape { op, shape, wanted: "[n, m]".into() })
            }
        }
    }

    /// dX = (g + g^T) X.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let both = at.gradient.add(at.gradient.transpose(0, 1)?)?;
        Ok(vec![Some(both.matmul(at.inputs[0])?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run)
    }

    fn key(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }
}

fn run<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    let (rows, columns) = (call.shape(0)[0], call.shape(0)[1]);
    gemm::gram(call.input::<T>(0), rows, columns, call.output::<T>());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{check, eval};
    use crate::{DType, Graph};

    #[test]
    fn by_hand() {
        let x = (&[2, 3][..], &[1.0, 2.0, 3.0, -1.0, 0.0, 5.0][..]);
        assert_eq!(eval(&[x], |_, x| x[0].gram()), [14.0, 14.0, 14.0, 26.0]);
        assert_eq!(eval(&[(&[2, 0], &[])], |_, x| x[0].gram()), [0.0; 4]);
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
    fn gradient() {
        check(&[&[3, 5]], |_, x| Ok(x[0].gram()?.tanh()));
    }

    #[test]
    fn misfits_are_named() {
        let graph = Graph::new(DType::F32);
        let error = graph.input("x", &[2, 3, 4]).gram().unwrap_err();
        assert!(matches!(error, Error::Shape { op: "gram", .. }));
    }
}
