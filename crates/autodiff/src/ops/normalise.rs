//! Layer and batch normalisation: values freed of the mean and the deviation of their channel.

use super::by_float;
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float};
use crate::{Error, Float, Var};
use kernels::rows::normalise::{Channels, deviations, normalise};

/// `(x - mean) / sqrt(variance + epsilon)` over all axes but those of the channels.
#[derive(Debug, Clone, Copy)]
pub struct Normalise {
    /// The axes of the channels.
    pub start: usize,
    /// One past the last.
    pub end: usize,
    /// What is added to the variance.
    pub epsilon: f64,
}

/// `1 / sqrt(variance + epsilon)` of each channel, other axes of extent 1.
#[derive(Debug, Clone, Copy)]
pub struct InverseDeviation(pub Normalise);

impl Normalise {
    fn channels(&self, shape: &[usize]) -> Channels {
        let product = |range: std::ops::Range<usize>| shape[range].iter().product();
        Channels {
            outer: product(0..self.start),
            channels: product(self.start..self.end),
            inner: product(self.end..shape.len()),
        }
    }

    /// The axes that a channel is normalised over.
    fn over(&self, rank: usize) -> Vec<usize> {
        (0..self.start).chain(self.end..rank).collect()
    }

    fn check(&self, op: &'static str, inputs: &[Signature]) -> Result<(), Error> {
        arity(op, inputs, 1)?;
        float(op, &inputs[0], inputs[0].dtype)?;
        if !self.epsilon.is_finite() || self.epsilon < 0.0 {
            let wanted = format!("an epsilon from 0, found {}", self.epsilon);
            return Err(Error::Shape { op, shape: inputs[0].shape.clone(), wanted });
        }
        Ok(())
    }
}

impl Op for Normalise {
    fn name(&self) -> &'static str {
        "normalise"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        self.check(self.name(), inputs)?;
        Ok(inputs[0].clone())
    }

    /// dx = (g - mean(g) - y mean(g y)) / sqrt(variance + epsilon) (Ioffe & Szegedy 2015, section 3).
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (g, y) = (at.gradient, at.output);
        let over = self.over(y.rank());
        let inverse = g.graph().apply(InverseDeviation(*self), &[at.inputs[0]])?;
        let along = y.mul(g.mul(y)?.mean(&over, true)?)?;
        let centred = g.sub(g.mean(&over, true)?)?;
        Ok(vec![Some(centred.sub(along)?.mul(inverse)?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self)
    }
}

fn run<T: Float>(call: &mut Call<'_>, op: &Normalise) -> Result<(), Error> {
    let (x, of, workspace) = (call.input::<T>(0), op.channels(call.shape(0)), call.workspace());
    normalise(x, of, op.epsilon, call.output(), workspace);
    Ok(())
}

impl Op for InverseDeviation {
    fn name(&self) -> &'static str {
        "inverse_deviation"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        self.0.check(self.name(), inputs)?;
        let mut shape = inputs[0].shape.clone();
        for axis in self.0.over(shape.len()) {
            shape[axis] = 1;
        }
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    /// With s the result, n elements a channel and y the normalised values: dx = -g s^2 y / n.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let x = at.inputs[0];
        let each = self.0.channels(&x.shape()).each() as f64;
        let normal = x.graph().apply(self.0, &[x])?;
        let factor = at.gradient.mul(at.output.square())?.mul_scalar(-1.0 / each);
        Ok(vec![Some(normal.mul(factor)?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run_inverse, self)
    }
}

fn run_inverse<T: Float>(call: &mut Call<'_>, op: &InverseDeviation) -> Result<(), Error> {
    let (x, of) = (call.input::<T>(0), op.0.channels(call.shape(0)));
    let (workspace, inverse) = (call.workspace(), call.output());
    workspace.reserve::<T>(1, of.channels);
    workspace.with(of.channels, |mean| deviations(x, of, op.0.epsilon, inverse, mean));
    Ok(())
}

/// Normalisation.
impl<'g> Var<'g> {
    /// Each row of the last axis freed of its mean and deviation, `(x - mean) / sqrt(variance +
    /// epsilon)` (Ba, Kiros & Hinton 2016, equation 4, before gain and bias).
    ///
    /// # Errors
    /// [`Error::Shape`] for a scalar or a negative `epsilon`.
    pub fn layer_norm(self, epsilon: f64) -> Result<Var<'g>, Error> {
        let Some(end) = self.rank().checked_sub(1) else {
            let (op, wanted) = ("layer_norm", "one axis at least".into());
            return Err(Error::Shape { op, shape: self.shape(), wanted });
        };
        self.graph().apply(Normalise { start: 0, end, epsilon }, &[self])
    }

    /// Each channel of `[batch, channels, ..]` freed of its mean and deviation over the batch and all
    /// further axes (Ioffe & Szegedy 2015, algorithm 1, before gain and bias).
    ///
    /// # Errors
    /// [`Error::Shape`] for fewer than two axes or a negative `epsilon`.
    pub fn batch_norm(self, epsilon: f64) -> Result<Var<'g>, Error> {
        if self.rank() < 2 {
            let (op, wanted) = ("batch_norm", "[batch, channels, ..]".into());
            return Err(Error::Shape { op, shape: self.shape(), wanted });
        }
        self.graph().apply(Normalise { start: 1, end: 2, epsilon }, &[self])
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, close, eval};
    use crate::{DType, Graph};

    #[test]
    fn rows_by_hand() {
        // Mean 2 and variance 8/3, mean 5 and variance 0.
        let x = [0.0, 2.0, 4.0, 5.0, 5.0, 5.0];
        let y = eval(&[(&[2, 3], &x)], |_, x| x[0].layer_norm(1.0 / 3.0));
        let inverse = 1.0 / 3f64.sqrt();
        close(&y, &[-2.0 * inverse, 0.0, 2.0 * inverse, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn channels_by_hand() {
        // Channel 0 holds 0, 2, 4, 6 with variance 5; channel 1 holds 1 everywhere.
        let x = [0.0, 2.0, 1.0, 1.0, 4.0, 6.0, 1.0, 1.0];
        let y = eval(&[(&[2, 2, 2], &x)], |_, x| x[0].batch_norm(4.0));
        close(&y, &[-1.0, -1.0 / 3.0, 0.0, 0.0, 1.0 / 3.0, 1.0, 0.0, 0.0]);
        let x = [0.0, 1.0, 2.0, 1.0, 4.0, 1.0, 6.0, 1.0];
        let y = eval(&[(&[4, 2], &x)], |_, x| x[0].batch_norm(4.0));
        close(&y, &[-1.0, 0.0, -1.0 / 3.0, 0.0, 1.0 / 3.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn shapes_without_channels_are_errors() {
        let graph = Graph::new(DType::F64);
        let found = graph.input("x", &[3]).batch_norm(1e-5).unwrap_err().to_string();
        assert_eq!(found, "batch_norm: shape [3] does not fit, wanted [batch, channels, ..]");
        assert!(graph.scalar(1.0).layer_norm(1e-5).is_err());
        assert!(graph.input("x", &[3]).layer_norm(-1.0).is_err());
    }

    #[test]
    fn gradient() {
        check(&[&[3, 5]], |_, x| Ok(x[0].layer_norm(0.1)?.tanh()));
        check(&[&[4, 3]], |_, x| Ok(x[0].batch_norm(0.1)?.tanh()));
        check(&[&[2, 3, 2, 2]], |_, x| Ok(x[0].batch_norm(0.1)?.tanh()));
    }
}
