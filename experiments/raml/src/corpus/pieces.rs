//! The vocabulary: pieces of words, or whole words, by number.
//!
//! Byte-pair encoding runs within runs of letters and digits, and single other characters; a piece that
//! begins with `▁` had a space before it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::merges::{self, Two};
use crate::payoff::Alphabet;

/// Stands for a space before a piece.
const SPACE: char = '▁';

/// The vocabulary of both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pieces {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    /// Rank and number of what becomes of two pieces; none for whole words.
    merges: HashMap<Two, u32>,
    words: bool,
    /// Words that were encoded before.
    seen: RefCell<HashMap<String, Vec<u32>>>,
}

/// What a stored vocabulary is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredPieces {
    /// Names of the pieces before merging.
    names: Vec<String>,
    /// What is merged, in order; none for whole words.
    merges: Option<Vec<Two>>,
}

impl Pieces {
    /// Before the first piece of a translation.
    pub(crate) const BEGIN: u32 = 0;
    /// After the last piece.
    pub(crate) const END: u32 = 1;
    /// What the vocabulary does not have.
    pub(crate) const UNKNOWN: u32 = 2;
    /// The first of the others.
    const FIRST: u32 = 3;

    /// The words of some texts.
    pub(crate) fn of_words<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<String> =
            texts.into_iter().flat_map(str::split_whitespace).map(str::to_owned).collect();
        names.sort_unstable();
        names.dedup();
        Self::restore(StoredPieces { names, merges: None })
    }

    /// Learns a vocabulary of `count` pieces from some texts. It has every character of the texts, even
    /// if these are more.
    pub(crate) fn learn<'a>(texts: impl IntoIterator<Item = &'a str>, count: usize) -> Self {
        let mut words: BTreeMap<String, u64> = BTreeMap::new();
        for text in texts {
            split(text, |word| *words.entry(word.to_owned()).or_default() += 1);
        }
        let mut names: Vec<String> =
            words.keys().flat_map(|word| word.chars()).map(String::from).collect();
        names.sort_unstable();
        names.dedup();
        let characters = Self::restore(StoredPieces { names, merges: Some(Vec::new()) });
        let spelt = words.into_iter().map(|(word, times)| (characters.spell(&word), times));
        let first = characters.len();
        let merges = merges::learn(spelt.collect(), first, count.saturating_sub(first as usize));
        Self::restore(StoredPieces { merges: Some(merges), ..characters.store() })
    }

    /// What is stored of it.
    pub(crate) fn store(&self) -> StoredPieces {
        let single = self.names.len() - self.merges.len();
        let names = self.names[Self::FIRST as usize..single].to_vec();
        let mut merges: Vec<(u32, Two)> =
            self.merges.iter().map(|(&two, &number)| (number, two)).collect();
        merges.sort_unstable();
        let merges = merges.into_iter().map(|(_, two)| two).collect();
        StoredPieces { names, merges: (!self.words).then_some(merges) }
    }

    /// The vocabulary that was stored.
    pub(crate) fn restore(stored: StoredPieces) -> Self {
        let mut names = ["<s>", "</s>", "<unk>"].map(String::from).to_vec();
        names.extend(stored.names);
        let words = stored.merges.is_none();
        let mut merges = HashMap::new();
        for two in stored.merges.unwrap_or_default() {
            merges.insert(two, number(names.len()));
            let name = [two.0, two.1].map(|of| names[of as usize].as_str()).concat();
            names.push(name);
        }
        let numbers = names.iter().enumerate().skip(Self::FIRST as usize);
        let numbers = numbers.map(|(at, name)| (name.clone(), number(at))).collect();
        Self { names, numbers, merges, words, seen: RefCell::default() }
    }

    /// How many pieces there are, with those that stand for no text.
    pub(crate) fn len(&self) -> u32 {
        number(self.names.len())
    }

    /// The pieces that stand for text.
    pub(crate) fn alphabet(&self) -> Alphabet {
        Alphabet { first: Self::FIRST, count: self.len() - Self::FIRST }
    }

    /// The text of a piece.
    pub(crate) fn name(&self, piece: u32) -> &str {
        &self.names[piece as usize]
    }

    /// A text as pieces.
    pub(crate) fn encode(&self, text: &str) -> Vec<u32> {
        let mut pieces = Vec::new();
        if self.words {
            let known = |word| self.numbers.get(word).copied().unwrap_or(Self::UNKNOWN);
            pieces.extend(text.split_whitespace().map(known));
            return pieces;
        }
        split(text, |word| {
            let mut seen = self.seen.borrow_mut();
            if let Some(known) = seen.get(word) {
                pieces.extend_from_slice(known);
            } else {
                let found = self.merged(self.spell(word));
                pieces.extend_from_slice(&found);
                seen.insert(word.to_owned(), found);
            }
        });
        pieces
    }

    /// A text that is to be translated as pieces, with the end.
    pub(crate) fn encode_source(&self, text: &str) -> Vec<u32> {
        let mut pieces = self.encode(text);
        pieces.push(Self::END);
        pieces
    }

    /// The text of pieces.
    pub(crate) fn decode(&self, pieces: &[u32]) -> String {
        let names = pieces.iter().map(|&piece| self.name(piece));
        if self.words {
            return names.collect::<Vec<_>>().join(" ");
        }
        let text: String = names.collect();
        text.replace(SPACE, " ").trim().to_owned()
    }

    /// The characters of a word.
    fn spell(&self, word: &str) -> Vec<u32> {
        let mut name = [0; 4];
        let known = |c: char| self.numbers.get(&*c.encode_utf8(&mut name)).copied();
        word.chars().map(known).map(|known| known.unwrap_or(Self::UNKNOWN)).collect()
    }

    /// Merges pieces in the order in which merges were learned.
    fn merged(&self, mut word: Vec<u32>) -> Vec<u32> {
        loop {
            let pairs = word.windows(2).map(|two| (two[0], two[1]));
            let found = pairs.filter_map(|two| Some((*self.merges.get(&two)?, two))).min();
            let Some((piece, two)) = found else { return word };
            merges::merge(&mut word, two, piece);
        }
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).expect("a vocabulary has fewer than 2^32 pieces")
}

/// Parts a text into runs of letters and digits and single other characters, each with [`SPACE`] before
/// it where the text has a space or begins.
fn split(text: &str, mut see: impl FnMut(&str)) {
    let mut word = String::new();
    for part in text.split_whitespace() {
        word.clear();
        word.push(SPACE);
        let mut within = true;
        for c in part.chars() {
            let letter = c.is_alphanumeric();
            let begins = word.len() == SPACE.len_utf8() && word.starts_with(SPACE);
            if !(begins || (within && letter)) {
                see(&word);
                word.clear();
            }
            word.push(c);
            within = letter;
        }
        see(&word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 3] =
        ["Ein Mann, der singt.", "Ein Mann singt: ein Lied!", "Der Mann und das Lied; 20% Ein"];

    #[test]
    fn texts_come_back() {
        for pieces in [Pieces::learn(TEXTS, 60), Pieces::learn(TEXTS, 0)] {
            for text in TEXTS {
                assert_eq!(pieces.decode(&pieces.encode(text)), text);
            }
            assert_eq!(Pieces::restore(pieces.store()).store(), pieces.store());
        }
        let pieces = Pieces::learn(TEXTS, 60);
        let names: Vec<_> =
            pieces.encode("Ein Mann, ein").into_iter().map(|p| pieces.name(p)).collect();
        assert_eq!(names[..3], ["▁Ein", "▁Mann", ","]);
        assert!(pieces.len() <= 60 && pieces.alphabet().count == pieces.len() - 3);
    }

    #[test]
    fn what_was_never_seen_is_unknown() {
        let pieces = Pieces::learn(TEXTS, 60);
        let unknown = pieces.encode("Ein Gör");
        assert!(unknown.contains(&Pieces::UNKNOWN));
        assert_eq!(pieces.decode(&pieces.encode("Mann 日 Lied")), "Mann <unk> Lied");
        let words = Pieces::of_words(["b a", "a c"]);
        assert_eq!(words.encode_source("c a x"), [5, 3, Pieces::UNKNOWN, Pieces::END]);
        assert_eq!(words.decode(&[4, 5]), "b c");
        assert_eq!(Pieces::restore(words.store()), words);
    }

    #[test]
    fn words_are_parted_at_punctuation() {
        let mut parts = Vec::new();
        split("  L'eau, 3.5 x--y", |word| parts.push(word.to_owned()));
        assert_eq!(parts, ["▁L", "'", "eau", ",", "▁3", ".", "5", "▁x", "-", "-", "y"]);
    }
}
