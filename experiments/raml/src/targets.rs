//! What is learned to be said: the reference, or a draw around it.

use rand::Rng;

use crate::params::{Params, Reward};
use crate::payoff::{
    Alphabet, Edits, Exact, Hamming, Importance, Reward as Weighed, Sampler, Temperature,
    TooManyStates,
};

/// Draws a target for each sentence of a batch.
#[derive(Debug)]
pub(crate) struct Targets {
    /// None for maximum likelihood.
    sampler: Option<Sampler>,
    /// Most pieces of a reference.
    reference: usize,
    /// Most pieces of a target.
    longest: usize,
}

/// Draws that may be too long before the reference is taken in their place.
const DRAWS: usize = 100;

impl Targets {
    /// For references of up to `reference` pieces and targets of up to `longest`.
    pub(crate) fn new(
        params: &Params,
        alphabet: Alphabet,
        reference: usize,
        longest: usize,
    ) -> Self {
        let Params { tau, rescaled, max_edits, .. } = *params;
        let temperature = Temperature { tau, rescaled };
        let weighed = |reward| {
            let temperature = Temperature { tau: params.proposal_tau, rescaled };
            let proposal = Hamming::new(alphabet, temperature, reference);
            let candidates = params.candidates;
            Sampler::Importance(Importance { proposal, reward, tau, candidates })
        };
        let most = |m: usize| max_edits.map_or(2 * m, usize::from);
        let sampler = || match params.reward {
            Reward::Hamming => Sampler::Hamming(Hamming::new(alphabet, temperature, reference)),
            Reward::Edit => Sampler::Edits(Edits::new(alphabet, temperature, reference, most)),
            Reward::ExactEdit => {
                Sampler::Exact(Exact::new(alphabet, temperature, max_edits.unwrap_or(2)))
            }
            Reward::Bleu => weighed(Weighed::Bleu),
            Reward::Ter => weighed(Weighed::Ter),
        };
        Self { sampler: (tau > 0.0).then(sampler), reference, longest }
    }

    /// Replaces `out` by a target; its number of edits.
    ///
    /// # Errors
    /// A reference that is too long for an exact count.
    pub(crate) fn draw(
        &self,
        reference: &[u32],
        rng: &mut impl Rng,
        out: &mut Vec<u32>,
    ) -> Result<usize, TooManyStates> {
        for _ in 0..DRAWS {
            let edits = self.draw_any(reference, rng, out)?;
            if out.len() <= self.longest {
                return Ok(edits);
            }
        }
        out.clear();
        out.extend_from_slice(reference);
        Ok(0)
    }

    /// Whether targets can be drawn around a reference, which is not longer than the longest.
    pub(crate) fn knows(&self, reference: &[u32]) -> bool {
        reference.len() <= self.reference
    }

    /// As [`draw`](Self::draw), however long the target is.
    ///
    /// # Errors
    /// A reference that is too long for an exact count.
    pub(crate) fn draw_any(
        &self,
        reference: &[u32],
        rng: &mut impl Rng,
        out: &mut Vec<u32>,
    ) -> Result<usize, TooManyStates> {
        if let Some(sampler) = &self.sampler {
            return sampler.sample(reference, rng, out);
        }
        out.clear();
        out.extend_from_slice(reference);
        Ok(0)
    }

    /// `ln q(y | y*)` of a target with its number of edits; 0 for maximum likelihood.
    ///
    /// # Errors
    /// A reference that is too long for an exact count.
    pub(crate) fn log_probability(
        &self,
        reference: &[u32],
        drawn: (&[u32], usize),
        rng: &mut impl Rng,
    ) -> Result<f64, TooManyStates> {
        let sampler = self.sampler.as_ref();
        sampler.map_or(Ok(0.0), |sampler| sampler.log_probability(reference, drawn, rng))
    }
}
