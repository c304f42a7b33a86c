//! Filters of three by three or five by five taps, transformed for convolution by tiles: what the
//! processor packs, and no graph holds.

use std::sync::Arc;

use super::form::Conv2d;
use crate::exec::Call;
use crate::graph::Op;
use crate::ops::by_float;
use crate::signature::{Signature, arity, float};
use crate::{Error, Float};
use kernels::convolution::winograd::{self, Packed};

/// Filters `[f, c / groups, k, k]` to their values at pairs of points.
#[derive(Debug)]
struct Filters {
    groups: usize,
}

/// What is made of a convolution's filters, operand 1, where it goes by tiles.
pub(super) fn packed(conv: Conv2d, winograd: bool) -> Option<(usize, Arc<dyn Op>)> {
    winograd.then(|| (1, Arc::new(Filters { groups: conv.groups }) as Arc<dyn Op>))
}

impl Filters {
    fn packed(&self, shape: &[usize]) -> Result<Packed, Error> {
        let groups = self.groups;
        match *shape {
            [count, channels, taps, across]
                if [3, 5].contains(&taps)
                    && taps == across
                    && groups > 0
                    && count.is_multiple_of(groups) =>
            {
                Ok(Packed { groups, filters: count / groups, channels, taps })
            }
            _ => {
                let wanted = format!(
                    "[f, c, 3, 3] or [f, c, 5, 5] with filters that {groups} groups divide"
                );
                Err(Error::Shape { op: self.name(), shape: shape.to_vec(), wanted })
            }
        }
    }
}

impl Op for Filters {
    fn name(&self) -> &'static str {
        "conv2d_filters"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        float(self.name(), &inputs[0], inputs[0].dtype)?;
        let shape = self.packed(&inputs[0].shape)?.shape().to_vec();
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self)
    }
}

fn run<T: Float>(call: &mut Call<'_>, op: &Filters) -> Result<(), Error> {
    winograd::transform(op.packed(call.shape(0))?, call.input::<T>(0), call.output::<T>());
    Ok(())
}
