//! Repetition of axes, as a view with strides of zero.

use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity};
use crate::{Error, Layout, Var};

/// Axes repeated.
#[derive(Debug)]
pub struct BroadcastTo {
    /// Shape of the result.
    pub shape: Vec<usize>,
}

impl<'g> Var<'g> {
    /// Repeated to `shape`, by NumPy's rule.
    ///
    /// # Errors
    /// [`Error::Shapes`] if it does not broadcast to `shape`.
    pub fn broadcast_to(self, shape: &[usize]) -> Result<Var<'g>, Error> {
        if self.shape() == shape {
            return Ok(self);
        }
        self.graph().apply(BroadcastTo { shape: shape.to_vec() }, &[self])
    }

    /// `broadcast_to` where the shape is known to fit.
    pub(crate) fn stretched(self, shape: &[usize]) -> Var<'g> {
        match self.broadcast_to(shape) {
            Ok(var) => var,
            Err(error) => panic!("{error}"),
        }
    }
}

impl Op for BroadcastTo {
    fn name(&self) -> &'static str {
        "broadcast_to"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        let from = &inputs[0].shape;
        if broadcast_shape(self.name(), from, &self.shape)? != self.shape {
            return Err(unfit(self.name(), from, &self.shape));
        }
        Ok(Signature { shape: self.shape.clone(), dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let from = at.inputs[0].shape();
        let leading = self.shape.len() - from.len();
        let repeated: Vec<usize> = (0..self.shape.len())
            .filter(|&axis| axis < leading || from[axis - leading] != self.shape[axis])
            .collect();
        Ok(vec![Some(at.gradient.sum(&repeated, false)?.reshape(&from)?)])
    }

    fn view(&self, input: &Layout) -> Option<Layout> {
        let leading = self.shape.len() - input.shape.len();
        let mut strides = vec![0; self.shape.len()];
        for (axis, (&extent, &stride)) in input.shape.iter().zip(&input.strides).enumerate() {
            if extent == self.shape[leading + axis] {
                strides[leading + axis] = stride;
            }
        }
        Some(Layout { shape: self.shape.clone(), strides, offset: input.offset })
    }
}

fn unfit(op: &'static str, left: &[usize], right: &[usize]) -> Error {
    let wanted = "equal extents or 1, from the last axis";
    Error::Shapes { op, left: left.to_vec(), right: right.to_vec(), wanted }
}

/// The shape two shapes broadcast to, by NumPy's rule.
pub(crate) fn broadcast_shape(
    op: &'static str,
    left: &[usize],
    right: &[usize],
) -> Result<Vec<usize>, Error> {
    let rank = left.len().max(right.len());
    let extent = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis])
    };
    (0..rank)
        .map(|axis| match (extent(left, axis), extent(right, axis)) {
            (a, b) if a == b || b == 1 => Ok(a),
            (1, b) => Ok(b),
            _ => Err(unfit(op, left, right)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{check, eval};

    #[test]
    fn repeats_rows_and_columns() {
        let values = eval(&[(&[2, 1], &[1.0, 2.0])], |_, x| x[0].broadcast_to(&[2, 2, 3]));
        assert_eq!(values, [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    }

    #[test]
    fn shapes_follow_numpy() {
        assert_eq!(broadcast_shape("add", &[3, 1], &[2, 1, 4]).unwrap(), [2, 3, 4]);
        let error = broadcast_shape("add", &[2, 3], &[2]).unwrap_err();
        assert!(error.to_string().starts_with("add: shapes [2, 3] and [2] do not fit"));
    }

    #[test]
    fn gradient() {
        check(&[&[3, 1], &[2, 3, 4]], |_, x| x[0].broadcast_to(&[2, 3, 4])?.mul(x[1].square()));
    }
}
