//! Metrics of translations, as sacreBLEU 2 computes them: corpus and sentence BLEU, TER, chrF; and the
//! error rate of tokens.
//!
//! `scripts/sacrebleu-check` compares them with the package.

pub mod bleu;
pub mod chrf;
pub mod edits;
mod grams;
pub mod ter;
mod tokenize;

pub use tokenize::Tokenizer;

use std::collections::HashMap;

/// Numbers for words, so that sequences are compared as numbers.
#[derive(Debug, Default)]
pub struct Words(HashMap<String, u32>);

impl Words {
    /// The number of a word, a new one for one that was not seen before.
    pub fn number(&mut self, word: &str) -> u32 {
        if let Some(&number) = self.0.get(word) {
            return number;
        }
        let number = u32::try_from(self.0.len()).expect("fewer than 2^32 distinct words");
        self.0.insert(word.into(), number);
        number
    }
}

/// Whether Python's `str.split` parts words here.
fn parts(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The words of a text, as Python's `str.split` finds them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(parts).filter(|word| !word.is_empty())
}

/// A percentage.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
pub(crate) fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole as f64
}
