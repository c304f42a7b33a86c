//! Sum over the channels around each channel; its own adjoint.

use super::by_float;
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float};
use crate::{Error, Float, Var};
use kernels::rows::channels;

/// `[n, c, ..]` to the sums over the `size` channels around each, those that exist.
#[derive(Debug)]
pub struct ChannelSum {
    /// Channels of a neighbourhood.
    pub size: usize,
}

/// Checks that there is an axis of channels and that a neighbourhood has a middle.
pub(crate) fn check(op: &'static str, shape: &[usize], size: usize) -> Result<(), Error> {
    let refuse = |wanted| Err(Error::Shape { op, shape: shape.to_vec(), wanted });
    if shape.len() < 2 {
        return refuse("[n, c, ..]".into());
    }
    if size.is_multiple_of(2) {
        return refuse(format!("an odd number of neighbours, not {size}"));
    }
    Ok(())
}

impl Op for ChannelSum {
    fn name(&self) -> &'static str {
        "channel_sum"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        float(self.name(), &inputs[0], inputs[0].dtype)?;
        check(self.name(), &inputs[0].shape, self.size)?;
        Ok(inputs[0].clone())
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        Ok(vec![Some(at.gradient.graph().apply(ChannelSum { size: self.size }, &[at.gradient])?)])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self.size)
    }
}

fn run<T: Float>(call: &mut Call<'_>, size: usize) -> Result<(), Error> {
    let shape = call.shape(0);
    let (count, plane) = (shape[1], shape[2..].iter().product());
    channels::sum(size, call.input::<T>(0), count, plane, call.output::<T>());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{check, eval};

    #[test]
    fn by_hand() {
        let x = (&[1, 4][..], &[1.0, 10.0, 100.0, 1000.0][..]);
        let y = eval(&[x], |graph, x| graph.apply(ChannelSum { size: 3 }, x));
        assert_eq!(y, [11.0, 111.0, 1110.0, 1100.0]);
    }

    #[test]
    fn gradient() {
        check(&[&[2, 4, 3]], |graph, x| Ok(graph.apply(ChannelSum { size: 5 }, x)?.tanh()));
    }
}
