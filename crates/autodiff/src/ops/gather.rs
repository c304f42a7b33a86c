//! Rows of a table.

use kernels::row;

use super::by_float;
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float, index};
use crate::{Error, Float, Var};

/// A table `[V, ..]` and indices `[..]` to the rows they name.
#[derive(Debug)]
pub struct Gather;

impl<'g> Var<'g> {
    /// Rows `indices` (u32 `[..]`) of a table `[V, ..]`; zeros where the index is `u32::MAX`.
    ///
    /// # Errors
    /// [`Error::Shapes`] if this is a scalar.
    pub fn gather(self, indices: Var<'g>) -> Result<Var<'g>, Error> {
        self.graph().apply(Gather, &[self, indices])
    }
}

impl Op for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        arity(op, inputs, 2)?;
        float(op, &inputs[0], inputs[0].dtype)?;
        index(op, &inputs[1])?;
        let (table, indices) = (&inputs[0].shape, &inputs[1].shape);
        if table.is_empty() {
            let (left, right) = (table.clone(), indices.clone());
            return Err(Error::Shapes { op, left, right, wanted: "[rows, ..] and indices" });
        }
        Ok(Signature { shape: [indices, &table[1..]].concat(), dtype: inputs[0].dtype })
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let table_rows = at.inputs[0].shape()[0];
        Ok(vec![Some(at.gradient.scatter_add(at.inputs[1], table_rows)?), None])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run)
    }
}

fn run<T: Float>(call: &mut Call<'_>) -> Result<(), Error> {
    let rows = call.shape(0)[0];
    let width: usize = call.shape(0)[1..].iter().product();
    let (table, indices, y) = (call.input::<T>(0), call.input::<u32>(1), call.output::<T>());
    if width == 0 {
        return Ok(());
    }
    for (y, &index) in y.chunks_exact_mut(width).zip(indices) {
        match row(index, rows).map_err(Error::index("gather"))? {
            Some(row) => y.copy_from_slice(&table[row * width..(row + 1) * width]),
            None => y.fill(T::zero()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, eval};
    use crate::{DType, Error, Graph};

    #[test]
    fn rows_by_index() {
        let table = (&[3, 2][..], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..]);
        let y = eval(&[table], |g, x| x[0].gather(g.index_constant(&[2, u32::MAX, 0], &[3, 1])?));
        assert_eq!(y, [5.0, 6.0, 0.0, 0.0, 1.0, 2.0]);
    }

    #[test]
    fn an_index_outside_is_an_error() {
        let graph = Graph::new(DType::F64);
        let index = graph.index_constant(&[3], &[1]).unwrap();
        let y = graph.full(1.0, &[3, 2]).gather(index).unwrap();
        let error = graph.compile(&[y]).unwrap().run(&mut []).unwrap_err();
        assert_eq!(error, Error::Index { op: "gather", index: 3, rows: 3 });
    }

    #[test]
    fn gradient() {
        check(&[&[4, 3]], |g, x| {
            let indices = g.index_constant(&[1, 3, 1, u32::MAX], &[2, 2])?;
            Ok(x[0].gather(indices)?.tanh())
        });
    }
}
