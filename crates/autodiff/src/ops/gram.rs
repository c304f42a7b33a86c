//! Gram matrices of feature maps.

use ndarray::{ArrayViewMut2, Axis};

use super::by_float;
use crate::exec::panels::{Matrix, Onto, product};
use crate::exec::{Call, Workspace};
use crate::op::{Derivative, Op, Signature, arity, float};
use crate::{Error, Float, Var};

/// Channels up to which a product with itself is taken whole.
const WHOLE: usize = 64;

/// `F F^T` of each matrix `[channels, positions]`.
#[derive(Debug)]
struct Gram;

impl Op for Gram {
    fn name(&self) -> &'static str {
        "gram"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        float(self.name(), &inputs[0], inputs[0].dtype)?;
        let mut shape = inputs[0].shape.clone();
        let Some(last) = shape.len().checked_sub(1).filter(|&last| last > 0) else {
            let wanted = "[.., channels, positions]".into();
            return Err(Error::Shape { op: self.name(), shape, wanted });
        };
        shape[last] = shape[last - 1];
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    /// dF = (G + G^T) F.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let last = at.output.rank() - 1;
        let both = at.gradient.add(at.gradient.transpose(last - 1, last)?)?;
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
    let [.., channels, positions] = *call.shape(0) else { return Ok(()) };
    let (x, workspace) = (call.input::<T>(0), call.workspace());
    for (matrix, y) in call.output::<T>().chunks_exact_mut((channels * channels).max(1)).enumerate()
    {
        let x = &x[matrix * channels * positions..][..channels * positions];
        match ArrayViewMut2::from_shape((channels, channels), y) {
            Ok(y) => lower(x, positions, y, workspace),
            Err(error) => panic!("a result of {channels} channels: {error}"),
        }
        for row in 0..channels {
            for column in row + 1..channels {
                y[row * channels + column] = y[column * channels + row];
            }
        }
    }
    Ok(())
}

/// The part on and below the diagonal: each half by itself, and the one times the other.
fn lower<T: Float>(x: &[T], positions: usize, y: ArrayViewMut2<'_, T>, workspace: &Workspace) {
    let channels = y.dim().0;
    let rows = Matrix::rows(x, positions);
    if channels <= WHOLE {
        return product(rows, rows.transposed(), positions, Onto::Zero, y, workspace);
    }
    let middle = (channels / 2).next_multiple_of(32);
    let (first, second) = x.split_at(middle * positions);
    let (top, bottom) = y.split_at(Axis(0), middle);
    let (top, _) = top.split_at(Axis(1), middle);
    let (across, own) = bottom.split_at(Axis(1), middle);
    let (left, right) = (Matrix::rows(second, positions), Matrix::rows(first, positions));
    product(left, right.transposed(), positions, Onto::Zero, across, workspace);
    lower(first, positions, top, workspace);
    lower(second, positions, own, workspace);
}

impl<'g> Var<'g> {
    /// Gram matrices `[.., channels, channels]` of feature maps `[.., channels, positions]`, `F F^T`
    /// (Gatys, Ecker & Bethge 2015, equation 3).
    ///
    /// # Errors
    /// [`Error::Shape`] for fewer than two axes.
    pub fn gram(self) -> Result<Var<'g>, Error> {
        self.graph().apply(Gram, &[self])
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, close, eval};

    #[test]
    fn by_hand() {
        let x = [1.0, 2.0, 3.0, 0.0, 1.0, -1.0];
        let y = eval(&[(&[2, 3], &x)], |_, x| x[0].gram());
        assert_eq!(y, [14.0, -1.0, -1.0, 2.0]);
    }

    #[test]
    fn many_channels_equal_the_product() {
        let (channels, positions) = (150, 37);
        let x: Vec<f64> =
            (0..2 * channels * positions).map(|i| (i * 7919 % 101) as f64 / 50.0 - 1.0).collect();
        let given: [(&[usize], &[f64]); 1] = [(&[2, channels, positions], &x)];
        let found = eval(&given, |_, x| x[0].gram()?.mul_scalar(0.1).tanh().reshape(&[45_000]));
        let wanted = eval(&given, |_, x| {
            let product = x[0].matmul(x[0].transpose(1, 2)?)?;
            product.mul_scalar(0.1).tanh().reshape(&[45_000])
        });
        close(&found, &wanted);
    }

    #[test]
    fn gradient() {
        check(&[&[2, 3, 4]], |_, x| Ok(x[0].gram()?.tanh()));
    }
}
