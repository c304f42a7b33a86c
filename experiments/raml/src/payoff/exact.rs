//! Payoff by edit distance with the exact number of sequences.

use rand::{Rng, RngExt};
use thiserror::Error;

use super::automaton::Automaton;
use super::strata::{Strata, count};
use super::{Alphabet, Temperature};

/// An exact count that would need too much memory.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "counting the sequences within {most} edits of {length} tokens: wanted at most {limit} states, \
     found more; the number grows about fourfold with each edit and in proportion to the length: lower \
     `max_edits`, or leave long references out by `longest`; `reward: edit` has no such limit"
)]
pub struct TooManyStates {
    /// Length of the reference.
    pub length: usize,
    /// Edits that were asked for.
    pub most: u8,
    /// How many states there may be.
    pub limit: usize,
}

/// Draws sequences at an edit distance, uniformly among all there are.
///
/// The count goes by the automaton of the distance, which has 80, 298, 1096 and 4263 states for 1 to 4
/// edits of 20 tokens that all differ: this is for few edits or short references.
#[derive(Debug, Clone)]
pub struct Exact {
    alphabet: Alphabet,
    cost: f64,
    most: u8,
}

impl Exact {
    /// States of one reference's automaton.
    const LIMIT: usize = 20_000;

    /// With up to `most` edits.
    #[must_use]
    pub fn new(alphabet: Alphabet, temperature: Temperature, most: u8) -> Self {
        Self { alphabet, cost: temperature.cost(alphabet), most }
    }

    /// The sequences around a reference.
    ///
    /// # Errors
    /// [`TooManyStates`] where they would need too much memory.
    pub fn around(&self, reference: &[u32]) -> Result<Around, TooManyStates> {
        let automaton = Automaton::new(reference, self.alphabet, self.most, Self::LIMIT)?;
        let weight = |(e, &n): (usize, &f64)| (e, n.ln() - count(e) * self.cost);
        let distances = Strata::new(automaton.sequences().iter().enumerate().map(weight));
        Ok(Around { automaton, distances, alphabet: self.alphabet, cost: self.cost })
    }

    /// Replaces `out` by a draw; its distance.
    ///
    /// # Errors
    /// As [`around`](Self::around).
    pub fn sample(
        &self,
        reference: &[u32],
        rng: &mut impl Rng,
        out: &mut Vec<u32>,
    ) -> Result<usize, TooManyStates> {
        Ok(self.around(reference)?.sample(rng, out))
    }
}

/// The sequences around one reference.
#[derive(Debug, Clone)]
pub struct Around {
    automaton: Automaton,
    distances: Strata<usize>,
    alphabet: Alphabet,
    cost: f64,
}

impl Around {
    /// How many sequences there are at each distance.
    #[must_use]
    pub fn sequences(&self) -> &[f64] {
        self.automaton.sequences()
    }

    /// The probability of each distance.
    #[must_use]
    pub fn probabilities(&self) -> Vec<f64> {
        self.distances.probabilities().map(|(_, probability)| probability).collect()
    }

    /// The logarithm of the probability of one sequence at a distance.
    #[must_use]
    pub fn log_probability(&self, distance: usize) -> f64 {
        if distance >= self.sequences().len() {
            return f64::NEG_INFINITY;
        }
        -count(distance) * self.cost - self.distances.log_total()
    }

    /// Replaces `out` by a draw; its distance.
    pub fn sample(&self, rng: &mut impl Rng, out: &mut Vec<u32>) -> usize {
        let distance = self.distances.draw(rng);
        let other = |letters: &[u32], rng: &mut _| loop {
            let drawn = self.alphabet.draw(rng);
            if letters.binary_search(&drawn).is_err() {
                return drawn;
            }
        };
        self.automaton.draw(distance, rng, |rng| rng.random(), other, out);
        distance
    }
}
