//! Parts one after the other along an axis.

use super::by_float;
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::Signature;
use crate::{DType, Element, Error, Graph, Var};

/// Parts one after the other along an axis.
#[derive(Debug)]
pub struct Concat {
    /// The axis.
    pub axis: usize,
}

impl Graph {
    /// The parts one after the other along `axis`.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the parts differ in another axis, [`Error::Arity`] without parts.
    pub fn concat<'g>(&'g self, parts: &[Var<'g>], axis: usize) -> Result<Var<'g>, Error> {
        match parts {
            [one] if axis < one.rank() => Ok(*one),
            _ => self.apply(Concat { axis }, parts),
        }
    }
}

impl Op for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        let [first, rest @ ..] = inputs else {
            return Err(Error::Arity { op, wanted: 1, found: 0 });
        };
        let mut shape = first.shape.clone();
        if self.axis >= shape.len() {
            return Err(Error::Shape { op, shape, wanted: format!("an axis {}", self.axis) });
        }
        for part in rest {
            let fits = part.shape.len() == shape.len()
                && (0..shape.len()).all(|i| i == self.axis || part.shape[i] == shape[i]);
            if !fits {
                return Err(Error::Shapes {
                    op,
                    left: first.shape.clone(),
                    right: part.shape.clone(),
                    wanted: "equal extents on every other axis",
                });
            }
            if part.dtype != first.dtype {
                return Err(Error::Type { op, wanted: first.dtype, found: part.dtype });
            }
            shape[self.axis] += part.shape[self.axis];
        }
        Ok(Signature { shape, dtype: first.dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let mut start = 0;
        (0..at.inputs.len())
            .map(|i| {
                let range = start..start + at.inputs[i].shape()[self.axis];
                start = range.end;
                at.when(i, || at.gradient.slice(self.axis, range))
            })
            .collect()
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        if call.dtype() == DType::U32 {
            return run::<u32>(call, self.axis);
        }
        by_float!(call, run, self.axis)
    }
}

fn run<T: Element>(call: &mut Call<'_>, axis: usize) -> Result<(), Error> {
    let y = call.output::<T>();
    let width: usize = call.output_shape()[axis..].iter().product();
    let mut start = 0;
    for part in 0..call.len() {
        let (x, own) = (call.input::<T>(part), call.shape(part)[axis..].iter().product::<usize>());
        if own == 0 {
            continue;
        }
        for (to, from) in y.chunks_exact_mut(width).zip(x.chunks_exact(own)) {
            to[start..start + own].copy_from_slice(from);
        }
        start += own;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, eval};
    use crate::{DType, Graph};

    #[test]
    fn joins_columns() {
        let values = eval(&[(&[2, 1], &[1.0, 2.0]), (&[2, 2], &[3.0, 4.0, 5.0, 6.0])], |g, x| {
            g.concat(x, 1)
        });
        assert_eq!(values, [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
    }

    #[test]
    fn unequal_parts_are_named() {
        let graph = Graph::new(DType::F64);
        let parts = [graph.input("a", &[2, 3]), graph.input("b", &[3, 3])];
        let error = graph.concat(&parts, 1).unwrap_err().to_string();
        assert!(error.starts_with("concat: shapes [2, 3] and [3, 3] do not fit"), "{error}");
    }

    #[test]
    fn gradient() {
        check(&[&[2, 3], &[4, 3], &[1, 3]], |g, x| Ok(g.concat(x, 0)?.tanh().square()));
    }
}
