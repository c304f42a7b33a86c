//! The same elements in another shape: a view wherever the strides allow one.

use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity};
use crate::{Error, Layout, Var};

/// The same elements in another shape.
#[derive(Debug)]
pub struct Reshape {
    /// Shape of the result.
    pub shape: Vec<usize>,
}

impl<'g> Var<'g> {
    /// The same elements, row-major, in another shape.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the number of elements differs.
    pub fn reshape(self, shape: &[usize]) -> Result<Var<'g>, Error> {
        if self.shape() == shape {
            return Ok(self);
        }
        self.graph().apply(Reshape { shape: shape.to_vec() }, &[self])
    }
}

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        let from = &inputs[0].shape;
        if from.iter().product::<usize>() != self.shape.iter().product::<usize>() {
            return Err(Error::Shapes {
                op: self.name(),
                left: from.clone(),
                right: self.shape.clone(),
                wanted: "as many elements",
            });
        }
        Ok(Signature { shape: self.shape.clone(), dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        Ok(vec![Some(at.gradient.reshape(&at.inputs[0].shape())?)])
    }

    fn view(&self, input: &Layout) -> Option<Layout> {
        if input.is_contiguous() {
            return Some(Layout { offset: input.offset, ..Layout::contiguous(&self.shape) });
        }
        let strides = without_ones(&input.shape, &input.strides, &self.shape)?;
        Some(Layout { shape: self.shape.clone(), strides, offset: input.offset })
    }
}

/// Strides for a shape that differs from the old one only by axes of extent 1.
fn without_ones(from: &[usize], strides: &[usize], to: &[usize]) -> Option<Vec<usize>> {
    let mut old = from.iter().zip(strides).filter(|(extent, _)| **extent != 1);
    let mut new = Vec::with_capacity(to.len());
    for &extent in to {
        if extent == 1 {
            new.push(0);
            continue;
        }
        let (&was, &stride) = old.next()?;
        if was != extent {
            return None;
        }
        new.push(stride);
    }
    old.next().is_none().then_some(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{check, eval};

    #[test]
    fn keeps_row_major_order_of_a_transpose() {
        let values =
            eval(&[(&[2, 2], &[1.0, 2.0, 3.0, 4.0])], |_, x| x[0].transpose(0, 1)?.reshape(&[4]));
        assert_eq!(values, [1.0, 3.0, 2.0, 4.0]);
    }

    #[test]
    fn a_strided_operand_takes_axes_of_one_without_a_copy() {
        let column = Layout { shape: vec![3], strides: vec![4], offset: 1 };
        let view = Reshape { shape: vec![1, 3, 1] }.view(&column).unwrap();
        assert_eq!((view.strides, view.offset), (vec![0, 4, 0], 1));
    }

    #[test]
    fn gradient() {
        check(&[&[2, 6], &[3, 4]], |_, x| x[0].reshape(&[3, 4])?.exp().mul(x[1]));
    }
}
