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
use std::hash::{BuildHasherDefault, Hasher};

/// Numbers for words, so that sequences are compared as numbers.
#[derive(Debug, Default)]
pub struct Words(HashMap<String, u32, BuildHasherDefault<Quick>>);

/// A hash of short words that is quick to compute. Whoever chooses the words can make it slow, but not
/// wrong.
#[derive(Debug, Default)]
struct Quick(u64);

impl Quick {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.add(u64::from_le_bytes(chunk.try_into().expect("chunks of eight bytes")));
        }
        let mut rest = [0; 8];
        let left = chunks.remainder();
        rest[..left.len()].copy_from_slice(left);
        self.add(u64::from_le_bytes(rest));
    }

    fn write_u8(&mut self, byte: u8) {
        self.add(byte.into());
    }

    fn finish(&self) -> u64 {
        // The table goes by the highest and the lowest bits.
        self.0 ^ self.0 >> 32
    }
}

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
