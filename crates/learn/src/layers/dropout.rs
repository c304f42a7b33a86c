//! Dropout whose masks are functions of a batch's index.

use autodiff::{Error, Var};
use rand::RngExt;

use super::{Layer, Map, Params};
use crate::Layout;

/// Zero with probability `rate`, else `x / (1 - rate)`, while training; `x` itself in evaluation
/// (Srivastava et al. 2014, section 4, scaled while training).
///
/// A network with `n` such layers reads an index field `[n, 4]` of its batch, which
/// [`Dropout::draw`] fills from the batch's own generator: row `i` is the key of the layer at place
/// `i`, and [`Params::for_training`] takes the whole field. So a mask is a function of the batch's
/// index, and a run that goes on after a stop sees the same ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Dropout {
    name: String,
    place: usize,
    rate: f64,
}

impl Dropout {
    /// Words of a key, the last extent of the batch's field.
    pub const WORDS: usize = 4;

    /// The layer whose key is row `place` of the batch's field.
    pub fn new(name: &str, place: usize, rate: f64) -> Self {
        Self { name: name.into(), place, rate }
    }

    /// Fills the batch's field with the keys of one batch.
    pub fn draw(rng: &mut impl rand::Rng, keys: &mut [u32]) {
        keys.iter_mut().for_each(|word| *word = rng.random());
    }
}

impl Layer for Dropout {
    fn declare(&self, _layout: &mut Layout) {}
}

impl Map for Dropout {
    fn name(&self) -> &str {
        &self.name
    }

    fn forward<'g>(&self, params: &Params<'_, 'g>, x: Var<'g>) -> Result<Var<'g>, Error> {
        if !params.training || self.rate == 0.0 {
            return Ok(x);
        }
        let Some(keys) = params.keys else {
            let message = format!("{:?}: wanted the batch's keys to train with", self.name);
            return Err(Error::Custom { op: "dropout", message });
        };
        let key = keys.slice(0, self.place..self.place + 1)?.reshape(&[Self::WORDS])?;
        x.dropout(self.rate, key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::eval;
    use experiment::Stream;

    /// What two layers make of ones at a batch's index.
    fn masked(index: u64) -> [Vec<f64>; 2] {
        let mut keys = [0; 8];
        Dropout::draw(&mut Stream::new(3, "batches").rng(index), &mut keys);
        [0, 1].map(|place| {
            let layer = Dropout::new("drop", place, 0.5);
            eval(&Layout::new(), &[], &[(&[100], &[1.0; 100])], |p, x| {
                let keys = x[0].graph().index_constant(&keys, &[2, 4])?;
                layer.forward(&p.for_training(Some(keys)), x[0])
            })
        })
    }

    #[test]
    fn masks_are_functions_of_index_and_place() {
        let [first, second] = masked(7);
        assert!(first.iter().all(|&y| y == 0.0 || y == 2.0));
        let kept = first.iter().filter(|&&y| y != 0.0).count();
        assert!((30..70).contains(&kept), "{kept} of 100 kept");
        assert_ne!(first, second);
        assert_eq!(masked(7), [first.clone(), second]);
        assert_ne!(masked(8)[0], first);
    }

    #[test]
    fn evaluation_keeps_everything_and_training_wants_keys() {
        let layer = Dropout::new("drop", 0, 0.5);
        let y = eval(&Layout::new(), &[], &[(&[2], &[1.0, 2.0])], |p, x| layer.forward(p, x[0]));
        assert_eq!(y, [1.0, 2.0]);
        let graph = autodiff::Graph::new(autodiff::DType::F32);
        let layout = Layout::new();
        let params = Params::new(&layout, &[]).for_training(None);
        let error = layer.forward(&params, graph.input("x", &[2])).unwrap_err().to_string();
        assert_eq!(error, r#"dropout: "drop": wanted the batch's keys to train with"#);
    }
}
