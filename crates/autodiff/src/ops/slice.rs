//! A range of one axis, as a view.

use std::ops::Range;

use super::Pad;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity};
use crate::{Error, Layout, Var};

/// Elements `start..end` of an axis.
#[derive(Debug)]
pub struct Slice {
    /// The axis.
    pub axis: usize,
    /// First axis or element.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

impl<'g> Var<'g> {
    /// A range of one axis.
    ///
    /// # Errors
    /// [`Error::Shape`] if the axis or the range is outside the shape.
    pub fn slice(self, axis: usize, range: Range<usize>) -> Result<Var<'g>, Error> {
        self.graph().apply(Slice { axis, start: range.start, end: range.end }, &[self])
    }
}

impl Op for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        let mut shape = inputs[0].shape.clone();
        if self.axis >= shape.len() || self.start > self.end || self.end > shape[self.axis] {
            let wanted = format!("{}..{} of axis {}", self.start, self.end, self.axis);
            return Err(Error::Shape { op: self.name(), shape, wanted });
        }
        shape[self.axis] = self.end - self.start;
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let extent = at.inputs[0].shape()[self.axis];
        let pad = Pad { axis: self.axis, start: self.start, extent };
        Ok(vec![Some(at.gradient.graph().apply(pad, &[at.gradient])?)])
    }

    fn view(&self, input: &Layout) -> Option<Layout> {
        let mut layout = input.clone();
        layout.offset += self.start * layout.strides[self.axis];
        layout.shape[self.axis] = self.end - self.start;
        Some(layout)
    }
}

#[cfg(test)]
mod tests {
    use crate::Error;
    use crate::check::testing::{check, eval};
    use crate::{DType, Graph};

    #[test]
    fn takes_a_column_range() {
        let values =
            eval(&[(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])], |_, x| x[0].slice(1, 1..3));
        assert_eq!(values, [2.0, 3.0, 5.0, 6.0]);
    }

    #[test]
    fn a_range_outside_is_named() {
        let graph = Graph::new(DType::F32);
        let error = graph.input("x", &[2, 3]).slice(1, 2..4).unwrap_err();
        assert!(matches!(error, Error::Shape { op: "slice", .. }));
        assert_eq!(error.to_string(), "slice: shape [2, 3] does not fit, wanted 2..4 of axis 1");
    }

    #[test]
    fn gradient() {
        check(&[&[4, 3]], |_, x| x[0].slice(0, 1..3)?.tanh().mul(x[0].slice(0, 2..4)?));
    }
}
