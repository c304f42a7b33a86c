//! Tokenisation, and the vocabulary that maps words to indices.

use std::collections::BTreeSet;

/// Lower-cased words without `? . , ! ' "`.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split_whitespace()
        .map(|word| {
            word.chars()
                .filter(|c| !matches!(c, '?' | '.' | ',' | '!' | '\'' | '"'))
                .flat_map(char::to_lowercase)
                .collect::<String>()
        })
        .filter(|word| !word.is_empty())
}

/// Index of the word that stands for nothing.
pub(crate) const NULL: u32 = 0;

/// Words by index: 0 is the null word, then the words in alphabetical order, then time tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vocabulary {
    words: Vec<String>,
    times: usize,
}

impl Vocabulary {
    /// All words of the texts, and `times` time tokens.
    pub(crate) fn new<'a>(texts: impl Iterator<Item = &'a str>, times: usize) -> Self {
        let distinct: BTreeSet<String> = texts.flat_map(words).collect();
        Self { words: distinct.into_iter().collect(), times }
    }

    /// A vocabulary from its words, as a stored model lists them.
    pub(crate) fn from_words(words: Vec<String>, times: usize) -> Self {
        Self { words, times }
    }

    /// The words, without null and time tokens.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }

    /// Number of time tokens.
    pub(crate) fn times(&self) -> usize {
        self.times
    }

    /// Number of indices.
    pub(crate) fn len(&self) -> usize {
        1 + self.words.len() + self.times
    }

    /// Indices of a text's words; unknown words are left out.
    pub(crate) fn encode(&self, text: &str) -> Vec<u32> {
        words(text)
            .filter_map(|word| self.words.binary_search(&word).ok())
            .map(|at| index(at + 1))
            .collect()
    }

    /// The token of the memory at `distance` (1 for the newest) from the question.
    pub(crate) fn time(&self, distance: usize) -> u32 {
        index(self.words.len() + distance.clamp(1, self.times))
    }
}

/// A vocabulary index as the engine wants it.
pub(crate) fn index(at: usize) -> u32 {
    u32::try_from(at).expect("a vocabulary has fewer than 2^32 words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_and_case_do_not_make_words() {
        let found: Vec<String> = words("No, that's \"it\"!  Where is Mary? ").collect();
        assert_eq!(found, ["no", "thats", "it", "where", "is", "mary"]);
    }

    #[test]
    fn indices_are_alphabetical_after_null_and_before_time() {
        let vocabulary = Vocabulary::new(["b a.", "C a"].into_iter(), 2);
        assert_eq!(vocabulary.len(), 6);
        assert_eq!(vocabulary.encode("c unknown A b"), [3, 1, 2]);
        assert_eq!([1, 2, 9].map(|distance| vocabulary.time(distance)), [4, 5, 5]);
    }
}
