//! Sums of table rows.

use super::{by_float, last};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::signature::{Signature, arity, float, index};
use crate::{Error, Float, Var};
use kernels::embedding::Bags;
use kernels::embedding::bags::gather_sum;

/// A table `[V, ..]` and bags of indices `[.., L]` to the sums of their rows.
#[derive(Debug)]
pub struct EmbeddingBag {
    /// An index that contributes nothing, besides `u32::MAX`.
    pub padding: Option<u32>,
}

impl<'g> Var<'g> {
    /// Sums of rows of a table `[V, ..]`: indices u32 `[.., L]` to `[.., ..]`, summed over L.
    ///
    /// Entries equal to `padding` or `u32::MAX` contribute nothing.
    ///
    /// # Errors
    /// [`Error::Shapes`] if this or the indices are a scalar.
    pub fn embedding_bag(self, indices: Var<'g>, padding: Option<u32>) -> Result<Var<'g>, Error> {
        self.graph().apply(EmbeddingBag { padding }, &[self, indices])
    }
}

impl Op for EmbeddingBag {
    fn name(&self) -> &'static str {
        "embedding_bag"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let op = self.name();
        arity(op, inputs, 2)?;
        float(op, &inputs[0], inputs[0].dtype)?;
        index(op, &inputs[1])?;
        let (table, indices) = (&inputs[0].shape, &inputs[1].shape);
        match (table.split_first(), indices.split_last()) {
            (Some((_, row)), Some((_, bags))) => {
                Ok(Signature { shape: [bags, row].concat(), dtype: inputs[0].dtype })
            }
            _ => Err(Error::Shapes {
                op,
                left: table.clone(),
                right: indices.clone(),
                wanted: "[rows, ..] and indices [.., length]",
            }),
        }
    }

    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let rows = at.inputs[0].shape()[0];
        Ok(vec![Some(at.gradient.scatter_add_bag(at.inputs[1], self.padding, rows)?), None])
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self.padding)
    }
}

fn run<T: Float>(call: &mut Call<'_>, padding: Option<u32>) -> Result<(), Error> {
    let bags = Bags {
        indices: call.input(1),
        length: last(call.shape(1)),
        padding,
        rows: call.shape(0)[0],
        width: call.shape(0)[1..].iter().product(),
    };
    let (table, workspace) = (call.input::<T>(0), call.workspace());
    gather_sum(bags, table, call.output(), workspace).map_err(Error::index("embedding_bag"))
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, eval};

    #[test]
    fn sums_rows_and_skips_padding() {
        let table = (&[3, 2][..], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..]);
        let bags = [1, 2, 0, 0, 0, u32::MAX];
        let y =
            eval(&[table], |g, x| x[0].embedding_bag(g.index_constant(&bags, &[2, 3])?, Some(0)));
        assert_eq!(y, [8.0, 10.0, 0.0, 0.0]);
        let y = eval(&[table], |g, x| x[0].embedding_bag(g.index_constant(&bags, &[2, 3])?, None));
        assert_eq!(y, [9.0, 12.0, 2.0, 4.0]);
    }

    #[test]
    fn gradient() {
        check(&[&[4, 3]], |g, x| {
            let bags = g.index_constant(&[1, 3, 1, 0, 2, u32::MAX], &[2, 3])?;
            Ok(x[0].embedding_bag(bags, Some(0))?.tanh())
        });
    }
}
