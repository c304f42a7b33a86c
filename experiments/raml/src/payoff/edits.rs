//! Payoff by edit distance with the paper's count of sequences, which is approximate.

use rand::Rng;

use super::scripts::Ways;
use super::strata::{Choice, Factorials, Strata, count};
use super::{Alphabet, Temperature};

/// What becomes of a token that is edited and not inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletions {
    /// One of V things, each equally likely: one of the V - 1 other tokens, or nothing.
    Counted,
    /// One of the V tokens, itself included: nothing is deleted, and a sequence can have fewer edits
    /// than were drawn.
    Never,
}

/// How many places of the reference are edited, and how many tokens are inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Script {
    substitutions: usize,
    insertions: usize,
}

/// Draws edit scripts: `N(e) = V^e sum_s C(m, s) C(m + e - 2s, e - s)` of e edits of m tokens, s of which
/// are substitutions or deletions and e - s insertions between the tokens that are left alone.
///
/// Several scripts lead to one sequence, and to some there are shorter ones, so that this is not the
/// number of sequences at a distance; [`Exact`](super::Exact) has that.
#[derive(Debug, Clone)]
pub struct Edits {
    alphabet: Alphabet,
    deletions: Deletions,
    factorials: Factorials,
    /// Distributions of scripts by the length of the reference.
    lengths: Vec<Strata<Script>>,
}

impl Edits {
    /// For references of up to `longest` tokens, with up to `most(m)` edits of m tokens; the paper has
    /// `2 m`.
    #[must_use]
    pub fn new(
        alphabet: Alphabet,
        temperature: Temperature,
        longest: usize,
        most: impl Fn(usize) -> usize,
    ) -> Self {
        let greatest = (0..=longest).map(|m| m + most(m)).max().unwrap_or(0);
        let factorials = Factorials::up_to(greatest);
        let gain = f64::from(alphabet.count).ln() - temperature.cost(alphabet);
        let of_length = |m: usize| {
            let scripts = (0..=most(m)).flat_map(|e| {
                let scripts = (0..=m.min(e)).map(move |s| (e, s));
                scripts.map(|(e, s)| {
                    let ways = factorials.choose(m, s) + factorials.choose(m + e - 2 * s, e - s);
                    let script = Script { substitutions: s, insertions: e - s };
                    (script, ways + count(e) * gain)
                })
            });
            Strata::new(scripts)
        };
        let lengths = (0..=longest).map(of_length).collect();
        Self { alphabet, deletions: Deletions::Counted, factorials, lengths }
    }

    /// With another fate of edited tokens.
    #[must_use]
    pub fn with(self, deletions: Deletions) -> Self {
        Self { deletions, ..self }
    }

    /// The probability of each number of edits of a reference of `length` tokens.
    ///
    /// # Panics
    /// Where the reference is longer than the longest.
    #[must_use]
    pub fn probabilities(&self, length: usize) -> Vec<f64> {
        let mut probabilities = Vec::new();
        for (script, probability) in self.lengths[length].probabilities() {
            let edits = script.substitutions + script.insertions;
            if edits == probabilities.len() {
                probabilities.push(0.0);
            }
            probabilities[edits] += probability;
        }
        probabilities
    }

    /// The logarithm of the probability that a sequence is drawn: the sum over all scripts that lead to it.
    ///
    /// # Panics
    /// Where the reference is longer than the longest.
    #[must_use]
    pub fn log_probability(&self, reference: &[u32], sequence: &[u32]) -> f64 {
        let m = reference.len();
        let scripts = || self.lengths[m].probabilities();
        // Scripts of less than this are too many to be counted and too few to be seen.
        let likely = || scripts().filter(|&(_, probability)| probability > 1e-12);
        let room = likely().fold((0, 0), |room: (usize, usize), (script, _)| {
            (room.0.max(script.substitutions), room.1.max(script.insertions))
        });
        let nearest = crate::metric::edits::distance(reference, sequence);
        let room = (room.0.max(nearest.min(m)), room.1.max(nearest));
        let ways = Ways::new(reference, sequence, self.deletions, room);
        let choose = |n, k| self.factorials.choose(n, k);
        let weight = |(script, probability): (Script, f64)| {
            let Script { substitutions: s, insertions: i } = script;
            let each = choose(m, s) + choose(m - s + i, i);
            let tokens = count(s + i) * f64::from(self.alphabet.count).ln();
            probability.ln() + ways.of(s, i).ln() - each - tokens
        };
        let logs: Vec<f64> = scripts().map(weight).filter(|log| log.is_finite()).collect();
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if largest == f64::NEG_INFINITY {
            return largest;
        }
        largest + logs.iter().map(|log| (log - largest).exp()).sum::<f64>().ln()
    }

    /// Replaces `out` by a draw; its number of edits.
    ///
    /// # Panics
    /// Where the reference is longer than the longest.
    pub fn sample(&self, reference: &[u32], rng: &mut impl Rng, out: &mut Vec<u32>) -> usize {
        let length = reference.len();
        let Script { substitutions, insertions } = self.lengths[length].draw(rng);
        let mut substituted = Choice::new(substitutions, length);
        // Places of the tokens that are left alone and of the insertions, in any order.
        let mut inserted = Choice::new(insertions, length - substitutions + insertions);
        out.clear();
        for (at, &token) in reference.iter().enumerate() {
            if substituted.left() == 0 && inserted.left() == 0 {
                out.extend_from_slice(&reference[at..]);
                return substitutions + insertions;
            }
            if substituted.left() > 0 && substituted.next(rng) {
                self.substitute(token, rng, out);
                continue;
            }
            while inserted.left() > 0 && inserted.next(rng) {
                out.push(self.alphabet.draw(rng));
            }
            out.push(token);
        }
        for _ in 0..inserted.left() {
            out.push(self.alphabet.draw(rng));
        }
        substitutions + insertions
    }

    fn substitute(&self, token: u32, rng: &mut impl Rng, out: &mut Vec<u32>) {
        match self.deletions {
            Deletions::Never => out.push(self.alphabet.draw(rng)),
            Deletions::Counted => {
                // The token's own place among the V choices stands for its deletion.
                let drawn = self.alphabet.draw(rng);
                if drawn != token {
                    out.push(drawn);
                }
            }
        }
    }
}
