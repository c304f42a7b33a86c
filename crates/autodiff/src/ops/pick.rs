//! One element of each row.

use super::cross_entropy::per_row;
use super::{Unpick, by_float, last};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::Signature;
use crate::{Error, Float, Layout, Var};

/// Logits `[.., classes]` and indices `[..]` to the element of each row.
#[derive(Debug)]
pub struct Pick;

impl<'g> Var<'g> {
    /// Element `indices[..]` of each row of `[.., classes]`; 0 where the index is `u32::MAX`.
    ///
    /// # Errors
    /// [`Error::Shapes`] if there is not one index a row.
    pub fn pick(self, indices: Var<'g>) -> Result<Var<'g>, Error> {
        self.graph().apply(Pick, &[self, indices])
    }
}

impl Op for Pick {
    fn name(&self) -> &'static str {
        "pick"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        per_row(self.name(), inputs)
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let unpick = Unpick { classes: last(&at.inputs[0].shape()) };
        let graph = at.gradient.graph();
        Ok(vec![Some(graph.apply(unpick, &[at.gradient, at.inputs[1]])?), None])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run)
    }

    /// A single repeated value is picked from where it is.
    fn accepts(&self, input: usize, layout: &Layout) -> bool {
        input == 0 && layout.strides.iter().all(|&stride| stride == 0)
    }
}

fn run<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    let classes = last(call.shape(0));
    let step = usize::from(call.layout(0).is_contiguous());
    let (x, indices, y) = (call.input::<T>(0), call.input::<u32>(1), call.output::<T>());
    for (row, (y, &index)) in y.iter_mut().zip(indices).enumerate() {
        *y = match index {
            u32::MAX => T::zero(),
            index if (index as usize) < classes => x[(row * classes + index as usize) * step],
            index => return Err(Error::Index { op: "pick", index, rows: classes }),
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, eval};
    use crate::{DType, Error, Graph};

    #[test]
    fn one_a_row() {
        let x = (&[3, 2][..], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..]);
        let y = eval(&[x], |g, x| x[0].pick(g.index_constant(&[1, 0, u32::MAX], &[3])?));
        assert_eq!(y, [2.0, 3.0, 0.0]);
    }

    #[test]
    fn an_index_outside_is_an_error() {
        let graph = Graph::new(DType::F32);
        let y = graph.full(1.0, &[1, 4]).pick(graph.index_constant(&[4], &[1]).unwrap()).unwrap();
        let error = graph.compile(&[y]).unwrap().run(&mut []).unwrap_err();
        assert_eq!(error, Error::Index { op: "pick", index: 4, rows: 4 });
    }

    #[test]
    fn gradient() {
        check(&[&[3, 4]], |g, x| Ok(x[0].pick(g.index_constant(&[1, 3, u32::MAX], &[3])?)?.exp()));
    }
}
