//! The losses of the methods. All are means over the pieces that are to be said.

use autodiff::{Error, Var};
use learn::BatchVars;
use learn::layers::{CellKind, Params as Weights, State};

use super::arrays::Arrays;
use crate::model::Network;

/// How the share of label smoothing is spread.
pub(super) struct Smoothing {
    pub(super) share: f64,
    /// By how much each piece gets; `None` for evenly.
    pub(super) unigram: Option<Vec<f64>>,
}

/// A batch as a loss sees it.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a, 'g> {
    pub(super) arrays: &'a Arrays,
    pub(super) batch: &'a BatchVars<'g>,
}

impl<'g> Seen<'_, 'g> {
    /// Logits `[steps, batch, pieces]` of a network over embedded sentences and the pieces before.
    fn logits<C: CellKind>(
        &self,
        network: &Network<C>,
        weights: &Weights<'_, 'g>,
        x: Var<'g>,
        y: Var<'g>,
    ) -> Result<Var<'g>, Error> {
        let (read, state) = network.read(weights, x, self.arrays.source.mask(self.batch))?;
        Ok(network.steps(weights, y, State { state, memory: None }, &read)?.logits)
    }

    /// The sentences and the pieces before, embedded.
    fn embedded<C: CellKind>(
        &self,
        network: &Network<C>,
        weights: &Weights<'_, 'g>,
    ) -> Result<(Var<'g>, Var<'g>), Error> {
        let x = network.embed_source(weights, self.arrays.source.values(self.batch))?;
        Ok((x, network.embed_target(weights, self.batch[self.arrays.target.before])?))
    }

    /// The mean of `each` `[steps, batch]`.
    fn mean(&self, each: Var<'g>) -> Result<Var<'g>, Error> {
        each.sum_all().mul(self.batch[self.arrays.share].reshape(&[])?)
    }

    /// Cross-entropy to what is to be said, of which label smoothing spreads a share.
    pub(super) fn likelihood<C: CellKind>(
        &self,
        network: &Network<C>,
        weights: &Weights<'_, 'g>,
        smoothing: &Smoothing,
    ) -> Result<Var<'g>, Error> {
        let (x, y) = self.embedded(network, weights)?;
        let logits = self.logits(network, weights, x, y)?;
        let hard = logits.cross_entropy(self.batch[self.arrays.target.said])?;
        if smoothing.share == 0.0 {
            return self.mean(hard);
        }
        let pieces = logits.shape()[2];
        let average = match &smoothing.unigram {
            None => logits.mean(&[2], false)?,
            Some(shares) => {
                let shares = logits.graph().constant(shares, &[pieces, 1])?;
                logits.matmul(shares)?.reshape(&hard.shape())?
            }
        };
        let open = self.batch[self.arrays.target.open];
        let soft = logits.log_sum_exp(2, false)?.sub(average)?.mul(open)?;
        self.mean(hard.mul_scalar(1.0 - smoothing.share).add(soft.mul_scalar(smoothing.share))?)
    }

    /// Cross-entropy to what is to be said, by what each sentence counts.
    pub(super) fn weighted<C: CellKind>(
        &self,
        network: &Network<C>,
        weights: &Weights<'_, 'g>,
    ) -> Result<Var<'g>, Error> {
        let (x, y) = self.embedded(network, weights)?;
        let logits = self.logits(network, weights, x, y)?;
        let each = logits.cross_entropy(self.batch[self.arrays.target.said])?;
        self.mean(each.mul(self.batch[self.arrays.worth])?)
    }

    /// Cross-entropy to what another network expects.
    pub(super) fn distillation<C: CellKind>(
        &self,
        network: &Network<C>,
        weights: &Weights<'_, 'g>,
        (teacher, taught): (&Network<C>, &Weights<'_, 'g>),
    ) -> Result<Var<'g>, Error> {
        let (x, y) = self.embedded(teacher, taught)?;
        let expected = self.logits(teacher, taught, x, y)?.softmax(2)?.stop_gradient();
        let (x, y) = self.embedded(network, weights)?;
        let logits = self.logits(network, weights, x, y)?;
        let agreed = logits.mul(expected)?.sum(&[2], false)?;
        let open = self.batch[self.arrays.target.open];
        self.mean(logits.log_sum_exp(2, false)?.sub(agreed)?.mul(open)?)
    }

    /// Half the likelihood, and half of it where every number of an embedding is moved by `epsilon` to
    /// where the loss grows.
    pub(super) fn adversarial<C: CellKind>(
        &self,
        network: &Network<C>,
        weights: &Weights<'_, 'g>,
        epsilon: f64,
    ) -> Result<Var<'g>, Error> {
        let (x, y) = self.embedded(network, weights)?;
        let loss = |x, y| {
            let logits = self.logits(network, weights, x, y)?;
            self.mean(logits.cross_entropy(self.batch[self.arrays.target.said])?)
        };
        let clean = loss(x, y)?;
        let moved = |at: Var<'g>, slope: Var<'g>| {
            let sign = slope.step().sub(slope.neg().step())?;
            at.add(sign.mul_scalar(epsilon).stop_gradient())
        };
        let slopes = x.graph().grad(clean, &[x, y])?;
        let moved = loss(moved(x, slopes[0])?, moved(y, slopes[1])?)?;
        Ok(clean.add(moved)?.mul_scalar(0.5))
    }
}
