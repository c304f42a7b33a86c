//! Exchange of two axes, as a view.

use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity};
use crate::{Error, Layout, Var};

/// Two axes exchanged.
#[derive(Debug)]
pub struct Transpose {
    /// One axis.
    pub a: usize,
    /// The other.
    pub b: usize,
}

impl<'g> Var<'g> {
    /// Two axes exchanged.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is no such axis.
    pub fn transpose(self, a: usize, b: usize) -> Result<Var<'g>, Error> {
        if a == b && a < self.rank() {
            return Ok(self);
        }
        self.graph().apply(Transpose { a: a.min(b), b: a.max(b) }, &[self])
    }
}

impl Op for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        arity(self.name(), inputs, 1)?;
        let mut shape = inputs[0].shape.clone();
        if self.b >= shape.len() {
            let wanted = format!("axes {} and {}", self.a, self.b);
            return Err(Error::Shape { op: self.name(), shape, wanted });
        }
        shape.swap(self.a, self.b);
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        Ok(vec![Some(at.gradient.transpose(self.a, self.b)?)])
    }

    fn view(&self, input: &Layout) -> Option<Layout> {
        let mut layout = input.clone();
        layout.shape.swap(self.a, self.b);
        layout.strides.swap(self.a, self.b);
        Some(layout)
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, eval};

    #[test]
    fn exchanges_outer_axes() {
        let values = eval(&[(&[2, 1, 2], &[1.0, 2.0, 3.0, 4.0])], |_, x| x[0].transpose(0, 2));
        assert_eq!(values, [1.0, 3.0, 2.0, 4.0]);
    }

    #[test]
    fn gradient() {
        check(&[&[2, 3, 4], &[4, 3, 2]], |_, x| x[0].transpose(2, 0)?.tanh().mul(x[1]));
    }
}
