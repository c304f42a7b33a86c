//! chrF (Popović 2015): F-score of character n-grams, recall counting twice.

use super::grams::{Grams, Shared};
use super::parts;

/// Longest n-grams of characters.
const ORDER: usize = 6;
/// Square of the weight of recall.
const BETA2: f64 = 4.0;

/// Counts of a sentence, or their sums over a corpus.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts([Shared; ORDER]);

impl Counts {
    /// Of one candidate and its reference; white space does not count.
    #[must_use]
    pub fn of(candidate: &str, reference: &str) -> Self {
        let characters = |text: &str| -> Vec<u32> {
            text.chars().filter(|&c| !parts(c)).map(u32::from).collect()
        };
        let (candidate, reference) = (characters(candidate), characters(reference));
        let (mut counts, mut grams) = (Self::default(), Grams::default());
        grams.set(&candidate, &reference);
        for (order, counts) in counts.0.iter_mut().enumerate() {
            *counts = grams.shared(order + 1);
            if counts.reference == 0 {
                counts.candidate = 0;
            }
        }
        counts
    }

    /// Adds those of another sentence.
    pub fn add(&mut self, other: &Self) {
        for (sum, counts) in self.0.iter_mut().zip(&other.0) {
            sum.matches += counts.matches;
            sum.candidate += counts.candidate;
            sum.reference += counts.reference;
        }
    }

    /// The score in per cent, of the mean precision and the mean recall over the orders that both sides
    /// have.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn score(&self) -> f64 {
        let (mut precision, mut recall, mut orders) = (0.0, 0.0, 0.0);
        for counts in self.0.iter().filter(|of| of.candidate > 0 && of.reference > 0) {
            precision += counts.matches as f64 / counts.candidate as f64;
            recall += counts.matches as f64 / counts.reference as f64;
            orders += 1.0;
        }
        if precision + recall == 0.0 {
            return 0.0;
        }
        let (precision, recall) = (precision / orders, recall / orders);
        100.0 * (1.0 + BETA2) * precision * recall / (BETA2 * precision + recall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Of "ab" and "abc": one character has 2/2 and 2/3, two have 1/1 and 1/2.
        let (precision, recall) = (1.0, (2.0 / 3.0 + 0.5) / 2.0);
        let wanted = 500.0 * precision * recall / (4.0 * precision + recall);
        assert!((Counts::of("a b", " abc").score() - wanted).abs() < 1e-12);
        assert_eq!(Counts::of("", "abc").score(), 0.0);
        assert_eq!(Counts::of("abc", "xyz").score(), 0.0);
    }
}
