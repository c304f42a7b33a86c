//! One element of each row.

use crate::{Error, Var};

impl<'g> Var<'g> {
    /// Element `indices[..]` of each row of `[.., classes]`; 0 where the index is `u32::MAX`.
    ///
    /// # Errors
    /// [`Error::Shapes`] if there is not one index a row.
    pub fn pick(self, indices: Var<'g>) -> Result<Var<'g>, Error> {
        let shape = indices.shape();
        let column = indices.reshape(&[&shape[..], &[1]].concat())?;
        self.take(column)?.reshape(&shape)
    }
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
        assert_eq!(error, Error::Index { op: "take", index: 4, rows: 4 });
    }

    #[test]
    fn gradient() {
        check(&[&[3, 4]], |g, x| Ok(x[0].pick(g.index_constant(&[1, 3, u32::MAX], &[3])?)?.exp()));
    }
}
