//! BLEU (Papineni et al. 2002) of a corpus or a sentence, with one reference each.

use super::grams::Grams;
use super::{Tokenizer, Words, words};

/// Longest n-grams.
pub const ORDER: usize = 4;

/// The release of sacreBLEU that signatures name, which this was compared with.
pub const SACREBLEU: &str = "2.6.0";

/// What is done about precisions that are zero (Chen & Cherry 2014, methods 1 to 3).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Smoothing {
    /// Nothing: the score is zero.
    None,
    /// They are this over the number of n-grams; sacreBLEU has 0.1.
    Floor(f64),
    /// This is added to matches and totals of two tokens and more; sacreBLEU has 1.
    AddK(f64),
    /// The k-th of them is `1 / (2^k total)`.
    Exp,
}

/// Counts of a sentence, or their sums over a corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// N-grams of one to four tokens that the reference has too, clipped.
    pub matches: [u64; ORDER],
    /// N-grams of the candidate.
    pub totals: [u64; ORDER],
    /// Tokens of the candidate.
    pub candidate: u64,
    /// Tokens of the reference.
    pub reference: u64,
}

impl Counts {
    /// Of one candidate and its reference, as numbers of tokens.
    #[must_use]
    pub fn of(candidate: &[u32], reference: &[u32]) -> Self {
        Self::with(candidate, reference, &mut Grams::default())
    }

    fn with(candidate: &[u32], reference: &[u32], grams: &mut Grams) -> Self {
        let lengths = (candidate.len() as u64, reference.len() as u64);
        let mut counts = Self { candidate: lengths.0, reference: lengths.1, ..Self::default() };
        grams.set(candidate, reference);
        for order in 0..ORDER {
            let shared = grams.shared(order + 1);
            counts.matches[order] = shared.matches;
            counts.totals[order] = shared.candidate;
        }
        counts
    }

    /// Adds those of another sentence.
    pub fn add(&mut self, other: &Self) {
        for order in 0..ORDER {
            self.matches[order] += other.matches[order];
            self.totals[order] += other.totals[order];
        }
        self.candidate += other.candidate;
        self.reference += other.reference;
    }

    /// The score in per cent. With `effective`, orders of which the candidate has no n-gram are left out,
    /// as is usual for single sentences.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn score(&self, smoothing: Smoothing, effective: bool) -> f64 {
        if self.matches == [0; ORDER] {
            return 0.0;
        }
        let (mut logs, mut orders, mut zeros) = (0.0, ORDER, 1.0);
        for n in 0..ORDER {
            let (mut matches, mut total) = (self.matches[n] as f64, self.totals[n] as f64);
            if let Smoothing::AddK(k) = smoothing
                && n > 0
            {
                (matches, total) = (matches + k, total + k);
            }
            if total == 0.0 {
                if !effective {
                    return 0.0;
                }
                break;
            }
            orders = if effective { n + 1 } else { ORDER };
            let precision = match smoothing {
                _ if matches > 0.0 => 100.0 * matches / total,
                Smoothing::Exp => {
                    zeros *= 2.0;
                    100.0 / (zeros * total)
                }
                Smoothing::Floor(least) => 100.0 * least / total,
                Smoothing::None | Smoothing::AddK(_) => return 0.0,
            };
            logs += precision.ln();
        }
        let (candidate, reference) = (self.candidate as f64, self.reference as f64);
        let brevity = if candidate < reference { (1.0 - reference / candidate).exp() } else { 1.0 };
        brevity * (logs / orders as f64).exp()
    }
}

/// BLEU of texts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bleu {
    /// How texts become tokens.
    pub tokenizer: Tokenizer,
    /// What is done about precisions that are zero.
    pub smoothing: Smoothing,
}

impl Default for Bleu {
    /// sacreBLEU's own settings.
    fn default() -> Self {
        Self { tokenizer: Tokenizer::V13a, smoothing: Smoothing::Exp }
    }
}

impl Bleu {
    /// The counts of each candidate with its reference.
    pub fn counts<'a>(&self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Counts> {
        let (mut numbers, mut grams) = (Words::default(), Grams::default());
        let (mut text, mut tokens) = (String::new(), [Vec::new(), Vec::new()]);
        let count = |(candidate, reference)| {
            for (side, tokens) in [candidate, reference].into_iter().zip(&mut tokens) {
                self.tokenizer.tokenize(side, &mut text);
                tokens.clear();
                tokens.extend(words(&text).map(|word| numbers.number(word)));
            }
            Counts::with(&tokens[0], &tokens[1], &mut grams)
        };
        pairs.into_iter().map(count).collect()
    }

    /// The score of a corpus in per cent.
    pub fn corpus<'a>(&self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> f64 {
        let mut sums = Counts::default();
        self.counts(pairs).iter().for_each(|counts| sums.add(counts));
        sums.score(self.smoothing, false)
    }

    /// sacreBLEU's signature of these settings.
    #[must_use]
    pub fn signature(&self) -> String {
        let smoothing = match self.smoothing {
            Smoothing::None => "none".into(),
            Smoothing::Floor(least) => format!("floor[{least:.2}]"),
            Smoothing::AddK(k) => format!("add-k[{k:.2}]"),
            Smoothing::Exp => "exp".into(),
        };
        let tokenizer = self.tokenizer.name();
        format!("nrefs:1|case:mixed|eff:no|tok:{tokenizer}|smooth:{smoothing}|version:{SACREBLEU}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let pair = ("the cat sat on a mat", "the cat sat on the mat");
        let counts = Bleu::default().counts([pair])[0];
        assert_eq!(counts.matches, [5, 3, 2, 1]);
        assert_eq!(counts.totals, [6, 5, 4, 3]);
        let wanted = 100.0 * (5.0 / 6.0 * 3.0 / 5.0 * 2.0 / 4.0 / 3.0_f64).powf(0.25);
        assert!((Bleu::default().corpus([pair]) - wanted).abs() < 1e-12);
    }

    #[test]
    fn short_sentences_are_smoothed_or_nothing() {
        let counts = Counts::of(&[1, 2], &[1, 2, 3]);
        assert_eq!(counts.score(Smoothing::Exp, false), 0.0);
        let brevity = (-0.5_f64).exp();
        assert!((counts.score(Smoothing::Exp, true) - 100.0 * brevity).abs() < 1e-12);
        assert!((counts.score(Smoothing::AddK(1.0), false) - 100.0 * brevity).abs() < 1e-12);
        let counts = Counts::of(&[1, 9], &[1, 2]);
        assert_eq!(counts.score(Smoothing::None, true), 0.0);
        // Precisions 1/2 and 1/(2 * 1).
        assert!((counts.score(Smoothing::Exp, true) - 50.0).abs() < 1e-12);
        assert_eq!(Counts::of(&[], &[1]).score(Smoothing::Exp, true), 0.0);
    }

    #[test]
    fn signatures_name_the_settings() {
        let bleu = Bleu { tokenizer: Tokenizer::International, smoothing: Smoothing::Floor(0.1) };
        let wanted = "nrefs:1|case:mixed|eff:no|tok:intl|smooth:floor[0.10]|version:";
        assert!(bleu.signature().starts_with(wanted));
    }
}
