//! How many runs, by what became of them.

use std::collections::BTreeSet;

use crate::{Cell, Error, Runs, Selection, columns::STATUS};

/// The words of the command line, in the order in which they are told.
pub(crate) const WORDS: [&str; 7] =
    ["finished", "failed", "blocked", "pruned", "interrupted", "running", "not run"];

/// How many runs there are of each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct States {
    counts: [usize; WORDS.len()],
    /// Left out: other runs answer their requests by now.
    replaced: usize,
}

impl States {
    /// Of the `current` ones among those that were `selected`.
    pub(crate) fn of(
        selected: &Runs,
        current: &Runs,
        selection: &Selection,
    ) -> Result<Self, Error> {
        let replaced = selected.len() - current.len();
        let mut states = Self { replaced, ..Self::default() };
        for status in current.cells(STATUS)? {
            let Cell::Text(status) = status else { continue };
            if let Some(at) = WORDS.iter().position(|word| *word == status) {
                states.counts[at] += 1;
            }
        }
        let asked = selection.runs.as_ref().map_or(0, BTreeSet::len);
        states.counts[WORDS.len() - 1] = asked.saturating_sub(selected.len());
        Ok(states)
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(ours, theirs)| *ours += theirs);
        self.replaced += other.replaced;
    }

    /// `40 finished, 8 failed; left out: 6 that runs with another version, other code or data replaced`
    pub(crate) fn told(&self) -> String {
        let told: Vec<String> =
            self.present().map(|(word, count)| format!("{count} {word}")).collect();
        let told = if told.is_empty() { "no runs".into() } else { told.join(", ") };
        match self.replaced {
            0 => told,
            count => format!(
                "{told}; left out: {count} that runs with another version, other code or data replaced"
            ),
        }
    }

    pub(crate) fn replaced(&self) -> usize {
        self.replaced
    }

    /// Each state that some run has.
    pub(crate) fn present(&self) -> impl Iterator<Item = (&'static str, usize)> {
        WORDS.into_iter().zip(self.counts).filter(|(_, count)| *count > 0)
    }

    pub(crate) fn count(&self, word: &str) -> usize {
        WORDS.iter().position(|known| *known == word).map_or(0, |at| self.counts[at])
    }
}
