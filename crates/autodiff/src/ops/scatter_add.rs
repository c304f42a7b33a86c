//! Rows added into a zero table: the adjoint of gathering and of embedding bags.

use super::{by_float, last};
use crate::exec::Call;
use crate::exec::bags::{Bags, scatter_sum};
use crate::op::{Derivative, Op, Signature, arity, float, index};
use crate::{Error, Float, Var};

#[derive(Debug, Clone)]
pub(crate) struct ScatterAdd {
    pub table_rows: usize,
    /// Whether the indices' last axis is a bag, every entry of which gets the same row.
    pub bag: bool,
    pub padding: Option<u32>,
}

impl Op for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        arity(op, inputs, 2)?;
        float(op, &inputs[0], inputs[0].dtype)?;
        index(op, &inputs[1])?;
        let (rows, indices) = (&inputs[0].shape, &inputs[1].shape);
        let leading = indices.len().checked_sub(usize::from(self.bag));
        match leading {
            Some(n) if rows.len() >= n && rows[..n] == indices[..n] => Ok(Signature {
                shape: [&[self.table_rows], &rows[n..]].concat(),
                dtype: inputs[0].dtype,
            }),
            _ => Err(Error::Shapes {
                op,
                left: rows.clone(),
                right: indices.clone(),
                wanted: "a row for each index or bag",
            }),
        }
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let rows = if self.bag {
            at.gradient.embedding_bag(at.inputs[1], self.padding)?
        } else {
            at.gradient.gather(at.inputs[1])?
        };
        Ok(vec![Some(rows), None])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self)
    }

    fn key(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }
}

fn run<T: Float>(call: &mut Call<'_>, op: &ScatterAdd) -> Result<(), Error> {
    let bags = Bags {
        op: "scatter_add",
        indices: call.input(1),
        length: if op.bag { last(call.shape(1)) } else { 1 },
        padding: op.padding,
        rows: op.table_rows,
        width: call.output_shape()[1..].iter().product(),
    };
    let (rows, workspace) = (call.input::<T>(0), call.workspace());
    scatter_sum(bags, rows, call.output(), workspace)
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, eval};

    #[test]
    fn repeated_rows_add_up() {
        let rows = (&[3, 2][..], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..]);
        let y =
            eval(&[rows], |g, x| x[0].scatter_add(g.index_constant(&[2, u32::MAX, 2], &[3])?, 3));
        assert_eq!(y, [0.0, 0.0, 0.0, 0.0, 6.0, 8.0]);
        let bags = [0, 2, 1, 1, 1, 0];
        let y = eval(&[rows], |g, x| {
            x[0].scatter_add_bag(g.index_constant(&bags, &[3, 2])?, Some(0), 3)
        });
        assert_eq!(y, [0.0, 0.0, 11.0, 14.0, 1.0, 2.0]);
    }

    #[test]
    fn gradient() {
        check(&[&[3, 2]], |g, x| {
            let indices = g.index_constant(&[2, u32::MAX, 2], &[3])?;
            Ok(x[0].scatter_add(indices, 3)?.tanh())
        });
        check(&[&[2, 2]], |g, x| {
            let bags = g.index_constant(&[0, 2, 1, 1], &[2, 2])?;
            Ok(x[0].scatter_add_bag(bags, Some(0), 3)?.tanh())
        });
    }
}
