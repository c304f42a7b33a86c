//! Embeddings of indices.

use autodiff::{Error, Var};

use super::{Layer, Map, Params, named};
use crate::init::count;
use crate::{Init, Layout};

/// Rows of a table `weight` `[rows, width]` by index: u32 `[..]` to `[.., width]`. An index of
/// `u32::MAX` gives zeros.
///
/// The table starts with normal values of variance `1 / width`.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    name: String,
    rows: usize,
    width: usize,
    init: Init,
}

impl Embedding {
    /// A table of `rows` rows.
    pub fn new(name: &str, rows: usize, width: usize) -> Self {
        let init = Init::Normal { std: 1.0 / count(width).sqrt() };
        Self { name: name.into(), rows, width, init }
    }

    /// With another start.
    #[must_use]
    pub fn with_init(self, init: Init) -> Self {
        Self { init, ..self }
    }

    /// Sums of the rows that the last axis names, without those of `padding`: `[.., n]` to
    /// `[.., width]`.
    ///
    /// # Errors
    /// [`Error::Custom`] for a layout without the table, and a shape error of the trace.
    pub fn bag<'g>(
        &self,
        params: &Params<'_, 'g>,
        indices: Var<'g>,
        padding: Option<u32>,
    ) -> Result<Var<'g>, Error> {
        params.of(&self.name, "weight")?.embedding_bag(indices, padding)
    }
}

impl Layer for Embedding {
    fn declare(&self, layout: &mut Layout) {
        layout.push(&named(&self.name, "weight"), &[self.rows, self.width], self.init);
    }
}

impl Map for Embedding {
    fn name(&self) -> &str {
        &self.name
    }

    fn forward<'g>(&self, params: &Params<'_, 'g>, x: Var<'g>) -> Result<Var<'g>, Error> {
        params.of(&self.name, "weight")?.gather(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{check, close, eval};

    #[test]
    fn rows_and_their_sums() {
        let layer = Embedding::new("words", 3, 2);
        let layout = layer.layout();
        let table = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let rows = eval(&layout, &table, &[], |p, _| {
            let graph = p.get("words.weight")?.graph();
            layer.forward(p, graph.index_constant(&[2, 0, u32::MAX, 1], &[2, 2])?)
        });
        close(&rows, &[5.0, 6.0, 1.0, 2.0, 0.0, 0.0, 3.0, 4.0]);
        let bags = eval(&layout, &table, &[], |p, _| {
            let graph = p.get("words.weight")?.graph();
            layer.bag(p, graph.index_constant(&[2, 0, 1, 1], &[2, 2])?, Some(0))
        });
        close(&bags, &[5.0, 6.0, 6.0, 8.0]);
        check(&layout, &[], |p, _| {
            let graph = p.get("words.weight")?.graph();
            Ok(layer.forward(p, graph.index_constant(&[1, 2, 1], &[3])?)?.tanh())
        });
    }
}
