//! Which code of a program outside ran.

use std::collections::BTreeMap;

/// What is known of the code of a program that a run starts: provenance, and no part of identity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Code {
    /// Short texts by name, for example `commit`.
    pub facts: BTreeMap<String, String>,
    /// Longer ones that are kept in files, by name, for example `difference.patch`.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Code {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.files.is_empty()
    }
}
