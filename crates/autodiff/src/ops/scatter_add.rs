//! Rows added into a zero table: the adjoint of gathering and of embedding bags.

use super::{by_float, last};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float, index};
use crate::{Error, Float, Layout, Var};
use kernels::embedding::Bags;
use kernels::embedding::bags::scatter_sum;
use kernels::embedding::padded::{self, Added, PRODUCTS, Products};

/// Rows, and indices or bags of them, to a table of their sums.
#[derive(Debug, Clone)]
pub struct ScatterAdd {
    /// Rows of the table.
    pub table_rows: usize,
    /// Whether the indices' last axis is a bag, every entry of which gets the same row.
    pub bag: bool,
    /// An index that is left out.
    pub padding: Option<u32>,
}

impl<'g> Var<'g> {
    /// Adds each row of `[indices.., ..]` to row `indices[..]` of a zero table `[table_rows, ..]`.
    ///
    /// The adjoint of [`Var::gather`].
    ///
    /// # Errors
    /// [`Error::Shapes`] if the indices' shape does not lead this one's.
    pub fn scatter_add(self, indices: Var<'g>, table_rows: usize) -> Result<Var<'g>, Error> {
        let op = ScatterAdd { table_rows, bag: false, padding: None };
        self.graph().apply(op, &[self, indices])
    }

    /// Adds each row of `[.., ..]` to the rows of its bag `indices` `[.., L]` of a zero table
    /// `[table_rows, ..]`.
    ///
    /// The adjoint of [`Var::embedding_bag`].
    ///
    /// # Errors
    /// [`Error::Shapes`] if the indices' shape without L does not lead this one's.
    pub fn scatter_add_bag(
        self,
        indices: Var<'g>,
        padding: Option<u32>,
        table_rows: usize,
    ) -> Result<Var<'g>, Error> {
        self.graph().apply(ScatterAdd { table_rows, bag: true, padding }, &[self, indices])
    }
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

    fn takes_products(&self, count: usize, width: usize, inputs: &[&Layout]) -> bool {
        let [_, indices] = inputs else { return false };
        let (length, all) = (self.length(&indices.shape), indices.len());
        count <= PRODUCTS && padded::suits(length, all, self.table_rows, width)
    }
}

impl ScatterAdd {
    /// Indices a bag.
    fn length(&self, indices: &[usize]) -> usize {
        if self.bag { last(indices) } else { 1 }
    }
}

fn run<T: Float>(call: &mut Call<'_>, op: &ScatterAdd) -> Result<(), Error> {
    let indices = call.len() - 1;
    let bags = Bags {
        indices: call.input(indices),
        length: op.length(call.shape(indices)),
        padding: op.padding,
        rows: op.table_rows,
        width: call.output_shape()[1..].iter().product(),
    };
    let workspace = call.workspace();
    if indices == 1 {
        return scatter_sum(bags, call.input::<T>(0), call.output(), workspace)
            .map_err(Error::index("scatter_add"));
    }
    let mut factors = [None; PRODUCTS];
    for (product, factors) in factors.iter_mut().take(indices / 2).enumerate() {
        let [column, row] = [2 * product, 2 * product + 1];
        *factors = Some([column, row].map(|at| call.matrices::<T>(at)));
    }
    let shape = call.shape(0);
    let products = Products { factors, rows: shape[shape.len() - 2] };
    padded::scatter_sum(bags, Added::Products(&products), call.output(), workspace)
        .map_err(Error::index("scatter_add"))
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
