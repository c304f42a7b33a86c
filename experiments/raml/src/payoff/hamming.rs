//! Payoff by Hamming distance: other tokens at some of the places.

use rand::Rng;

use super::strata::{Choice, Factorials, Strata, count};
use super::{Alphabet, Temperature};

/// Draws sequences of the reference's length: `N(e) = C(m, e) (V - 1)^e` of them differ at e of m places.
#[derive(Debug, Clone)]
pub struct Hamming {
    alphabet: Alphabet,
    cost: f64,
    /// Distributions of the number of edits by the length of the reference.
    lengths: Vec<Strata<usize>>,
}

impl Hamming {
    /// For references of up to `longest` tokens.
    #[must_use]
    pub fn new(alphabet: Alphabet, temperature: Temperature, longest: usize) -> Self {
        let (cost, factorials) = (temperature.cost(alphabet), Factorials::up_to(longest));
        let others = (f64::from(alphabet.count) - 1.0).ln();
        let of_length = |m: usize| {
            let weight = |e: usize| factorials.choose(m, e) + count(e) * (others - cost);
            Strata::new((0..=m).map(|e| (e, weight(e))))
        };
        Self { alphabet, cost, lengths: (0..=longest).map(of_length).collect() }
    }

    /// The probability of each number of edits of a reference of `length` tokens.
    ///
    /// # Panics
    /// Where the reference is longer than the longest.
    #[must_use]
    pub fn probabilities(&self, length: usize) -> Vec<f64> {
        self.lengths[length].probabilities().map(|(_, probability)| probability).collect()
    }

    /// The logarithm of the probability of one sequence with `edits` edits of a reference of `length`
    /// tokens.
    ///
    /// # Panics
    /// Where the reference is longer than the longest.
    #[must_use]
    pub fn log_probability(&self, length: usize, edits: usize) -> f64 {
        -count(edits) * self.cost - self.lengths[length].log_total()
    }

    /// Replaces `out` by a draw; its number of edits.
    ///
    /// # Panics
    /// Where the reference is longer than the longest.
    pub fn sample(&self, reference: &[u32], rng: &mut impl Rng, out: &mut Vec<u32>) -> usize {
        let edits = self.lengths[reference.len()].draw(rng);
        let mut choice = Choice::new(edits, reference.len());
        out.clear();
        for (at, &token) in reference.iter().enumerate() {
            if choice.left() == 0 {
                out.extend_from_slice(&reference[at..]);
                break;
            }
            let changed = choice.next(rng);
            out.push(if changed { self.alphabet.draw_other(token, rng) } else { token });
        }
        edits
    }
}
