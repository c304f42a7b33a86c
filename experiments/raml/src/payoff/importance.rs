//! Any reward, by weighted draws from a payoff by Hamming distance.

use rand::{Rng, RngExt};

use super::hamming::Hamming;
use crate::metric::{bleu, ter};

/// What a sequence is rewarded by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reward {
    /// Sentence BLEU with smoothed precisions, in `[0, 1]`.
    Bleu,
    /// Minus the translation edit rate: edits and shifts a token of the reference.
    Ter,
}

impl Reward {
    /// The reward of a sequence.
    #[must_use]
    pub fn of(self, sequence: &[u32], reference: &[u32]) -> f64 {
        match self {
            Self::Bleu => {
                let counts = bleu::Counts::of(sequence, reference);
                counts.score(bleu::Smoothing::Exp, true) / 100.0
            }
            Self::Ter => {
                let ter::Counts { edits, reference } = ter::Counts::of(sequence, reference);
                #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
                let rate = edits as f64 / reference.max(1) as f64;
                -rate
            }
        }
    }
}

/// Draws one of `candidates` sequences of a proposal with weights `exp(r / tau) / proposal`, normalised
/// over the candidates (section 3.2): the more there are, the nearer this is to the payoff distribution.
///
/// The proposal's probability is the true one, with the size of the alphabet in it.
#[derive(Debug, Clone)]
pub struct Importance {
    /// Where candidates come from.
    pub proposal: Hamming,
    /// What they are rewarded by.
    pub reward: Reward,
    /// Temperature of the reward.
    pub tau: f64,
    /// How many are drawn.
    pub candidates: usize,
}

impl Importance {
    /// Replaces `out` by a draw; its number of edits.
    ///
    /// # Panics
    /// Where the reference is longer than the proposal's longest, and without candidates.
    pub fn sample(&self, reference: &[u32], rng: &mut impl Rng, out: &mut Vec<u32>) -> usize {
        let candidates: Vec<(usize, Vec<u32>)> = (0..self.candidates)
            .map(|_| {
                let mut candidate = Vec::new();
                (self.proposal.sample(reference, rng, &mut candidate), candidate)
            })
            .collect();
        let logs: Vec<f64> = candidates
            .iter()
            .map(|(edits, candidate)| self.log_weight(candidate, *edits, reference))
            .collect();
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = logs.iter().map(|log| (log - largest).exp()).collect();
        let mut at = rng.random::<f64>() * weights.iter().sum::<f64>();
        let taken = weights.iter().position(|weight| {
            at -= weight;
            at < 0.0
        });
        let (edits, taken) = &candidates[taken.unwrap_or(candidates.len() - 1)];
        out.clear();
        out.extend_from_slice(taken);
        *edits
    }

    /// The logarithm of the probability of a sequence by the payoff, whose sum over all sequences is
    /// estimated from draws of the proposal: too high by what that misses.
    ///
    /// # Panics
    /// Where the reference is longer than the proposal's longest.
    pub fn log_probability(&self, reference: &[u32], sequence: &[u32], rng: &mut impl Rng) -> f64 {
        const DRAWS: u32 = 200;
        let mut candidate = Vec::new();
        let logs: Vec<f64> = (0..DRAWS)
            .map(|_| {
                let edits = self.proposal.sample(reference, rng, &mut candidate);
                self.log_weight(&candidate, edits, reference)
            })
            .collect();
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mean = logs.iter().map(|log| (log - largest).exp()).sum::<f64>() / f64::from(DRAWS);
        self.reward.of(sequence, reference) / self.tau - (largest + mean.ln())
    }

    /// The logarithm of `exp(r / tau) / proposal`.
    fn log_weight(&self, sequence: &[u32], edits: usize, reference: &[u32]) -> f64 {
        let proposed = self.proposal.log_probability(reference.len(), edits);
        self.reward.of(sequence, reference) / self.tau - proposed
    }
}
