//! The phrasings of questions, and the relation that each asks about.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::knowledge::Relation;

/// Which side of a relation a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aspect {
    /// The objects of a movie: `who directed Kismet`.
    Objects,
    /// The movies of an object: `what films did William Dieterle direct`.
    Subjects,
}

/// What a question asks about its entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ask {
    /// The relation.
    pub relation: Relation,
    /// The side that is asked for.
    pub aspect: Aspect,
}

/// A way to ask, with `*` in place of the entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phrasing {
    /// What it asks.
    pub ask: Ask,
    /// The words, without the question mark.
    pub text: &'static str,
}

/// Every phrasing that occurs at least three times in the dev questions.
const TABLE: &str = include_str!("phrasings.tsv");

static PHRASINGS: LazyLock<Vec<Phrasing>> = LazyLock::new(|| {
    let phrasing = |line: &'static str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [relation, aspect, text] = columns[..] else { return None };
        let aspect = match aspect {
            "objects" => Aspect::Objects,
            "subjects" => Aspect::Subjects,
            _ => return None,
        };
        Some(Phrasing { ask: Ask { relation: Relation::from_code(relation)?, aspect }, text })
    };
    let parsed: Option<Vec<_>> = TABLE.lines().map(phrasing).collect();
    parsed.expect("a test reads the whole table")
});

static ASKS: LazyLock<HashMap<&str, Ask>> =
    LazyLock::new(|| PHRASINGS.iter().map(|phrasing| (phrasing.text, phrasing.ask)).collect());

static FUNCTION_WORDS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| PHRASINGS.iter().flat_map(|phrasing| phrasing.text.split(' ')).collect());

/// Every known phrasing, sorted by what it asks.
pub fn phrasings() -> &'static [Phrasing] {
    &PHRASINGS
}

/// What a phrasing asks, if it is known.
pub(super) fn ask(phrasing: &str) -> Option<Ask> {
    ASKS.get(phrasing).copied()
}

/// Whether a word is part of how questions are asked rather than of what they are about.
pub(super) fn is_function_word(word: &str) -> bool {
    FUNCTION_WORDS.contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrasing_has_one_gap_and_one_meaning() {
        assert_eq!(phrasings().len(), TABLE.lines().count());
        assert_eq!(ASKS.len(), phrasings().len());
        assert!(phrasings().iter().all(|phrasing| phrasing.text.matches('*').count() == 1));
        let asks: HashSet<Ask> = phrasings().iter().map(|phrasing| phrasing.ask).collect();
        assert_eq!(asks.len(), 11);
        let directed = Ask { relation: Relation::DirectedBy, aspect: Aspect::Subjects };
        assert_eq!(ask("what films did * direct"), Some(directed));
        assert!(is_function_word("films") && !is_function_word("Kismet"));
    }
}
