//! How many runs, by what became of them.

use std::collections::BTreeSet;

use crate::{Cell, Error, Runs, Selection, columns::STATUS};

/// The words of the command line, in the order in which they are told.
pub(crate) const WORDS: [&str; 6] =
    ["finished", "failed", "pruned", "interrupted", "running", "not run"];

/// How many runs there are of each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct States([usize; WORDS.len()]);

impl States {
    pub(crate) fn of(runs: &Runs, selection: &Selection) -> Result<Self, Error> {
        let mut states = Self::default();
        for status in runs.cells(STATUS)? {
            let Cell::Text(status) = status else { continue };
            if let Some(at) = WORDS.iter().position(|word| *word == status) {
                states.0[at] += 1;
            }
        }
        let asked = selection.runs.as_ref().map_or(0, BTreeSet::len);
        states.0[WORDS.len() - 1] = asked.saturating_sub(runs.len());
        Ok(states)
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(ours, theirs)| *ours += theirs);
    }

    /// `40 finished, 8 failed`
    pub(crate) fn told(&self) -> String {
        let told: Vec<String> =
            self.present().map(|(word, count)| format!("{count} {word}")).collect();
        if told.is_empty() { "no runs".into() } else { told.join(", ") }
    }

    /// Each state that some run has.
    pub(crate) fn present(&self) -> impl Iterator<Item = (&'static str, usize)> {
        WORDS.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }

    pub(crate) fn count(&self, word: &str) -> usize {
        WORDS.iter().position(|known| *known == word).map_or(0, |at| self.0[at])
    }
}
