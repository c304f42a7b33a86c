//! Exponentiated payoff distributions `q(y | y*) ~ exp(r(y, y*) / tau)` (Norouzi et al. 2016, equation
//! 4), and how sequences are drawn from them.
//!
//! Where the reward is a negative number of edits, a draw is stratified (section 3.2): first the number
//! of edits e with probability `~ N(e) exp(-e cost)`, `N(e)` being how many sequences have e of them,
//! then a sequence among these.

mod apart;
mod automaton;
mod edits;
mod exact;
mod hamming;
mod importance;
mod scripts;
mod strata;
#[cfg(test)]
mod tests;

use rand::Rng;

pub use apart::Apart;
pub use edits::{Deletions, Edits};
pub use exact::{Exact, TooManyStates};
pub use hamming::Hamming;
pub use importance::{Importance, Reward};

/// The tokens that sequences are made of: `count` of them from `first` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alphabet {
    /// The first token.
    pub first: u32,
    /// How many there are, 2 or more.
    pub count: u32,
}

impl Alphabet {
    /// A token, each equally likely.
    fn draw(&self, rng: &mut impl Rng) -> u32 {
        self.first + below(self.count, rng)
    }

    /// A token that is not `other`.
    fn draw_other(&self, other: u32, rng: &mut impl Rng) -> u32 {
        if other < self.first || other - self.first >= self.count {
            return self.draw(rng);
        }
        let drawn = self.first + below(self.count - 1, rng);
        if drawn < other { drawn } else { drawn + 1 }
    }
}

/// A number below `bound`.
fn below(bound: u32, rng: &mut impl Rng) -> u32 {
    use rand::RngExt;
    rng.random_range(0..bound)
}

/// A temperature, and what an edit costs at it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Temperature {
    /// tau.
    pub tau: f64,
    /// Whether the reward of an edit is -(1 + ln V) and not -1, V being the size of the alphabet.
    ///
    /// Without it, all probability of a large alphabet is at the most edits there can be; with it
    /// the same temperatures suit alphabets of all sizes.
    pub rescaled: bool,
}

impl Temperature {
    /// What an edit takes from the logarithm of a sequence's probability.
    #[must_use]
    pub fn cost(&self, alphabet: Alphabet) -> f64 {
        let reward = if self.rescaled { 1.0 + f64::from(alphabet.count).ln() } else { 1.0 };
        reward / self.tau
    }
}

/// Draws sequences around a reference.
#[derive(Debug, Clone)]
pub enum Sampler {
    /// By Hamming distance.
    Hamming(Hamming),
    /// By edit distance, with the paper's count of sequences.
    Edits(Edits),
    /// By edit distance, with the exact count.
    Exact(Exact),
    /// By any reward, with weighted draws by Hamming distance.
    Importance(Importance),
}

impl Sampler {
    /// Replaces `out` by a draw around `reference`; the number of edits that was drawn, or for other
    /// rewards that of the proposal.
    ///
    /// # Errors
    /// [`TooManyStates`] where an exact count would need more memory than it may have.
    pub fn sample(
        &self,
        reference: &[u32],
        rng: &mut impl Rng,
        out: &mut Vec<u32>,
    ) -> Result<usize, TooManyStates> {
        match self {
            Self::Hamming(sampler) => Ok(sampler.sample(reference, rng, out)),
            Self::Edits(sampler) => Ok(sampler.sample(reference, rng, out)),
            Self::Exact(sampler) => sampler.sample(reference, rng, out),
            Self::Importance(sampler) => Ok(sampler.sample(reference, rng, out)),
        }
    }

    /// `ln q(y | y*)` of a draw with `edits` edits, as [`sample`](Self::sample) counts them: of a draw by
    /// the paper's count under the law of such draws, and of a weighted one estimated.
    ///
    /// # Errors
    /// As [`sample`](Self::sample).
    pub fn log_probability(
        &self,
        reference: &[u32],
        (sequence, edits): (&[u32], usize),
        rng: &mut impl Rng,
    ) -> Result<f64, TooManyStates> {
        match self {
            Self::Hamming(sampler) => Ok(sampler.log_probability(reference.len(), edits)),
            Self::Edits(sampler) => Ok(sampler.log_probability(reference, sequence)),
            Self::Exact(sampler) => Ok(sampler.around(reference)?.log_probability(edits)),
            Self::Importance(sampler) => Ok(sampler.log_probability(reference, sequence, rng)),
        }
    }
}
