use std::fmt;

use super::{Path, Span};

/// What is wrong with a configuration, and where.
///
/// Shown as `file:line:column: path: message`, followed by the line with a caret below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where; boxed, because errors are rare and results are moved often.
    pub location: Box<Span>,
    /// Key path of the value, empty for the whole file.
    pub path: Path,
    /// What was wanted and what was found.
    pub message: String,
}

impl ConfigError {
    pub(crate) fn new(location: &Span, path: Path, message: impl Into<String>) -> Self {
        Self { location: Box::new(location.clone()), path, message: message.into() }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.location)?;
        if !self.path.keys().is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}{}", self.message, self.location.snippet())
    }
}

/// The candidate nearest to `word`, as `; did you mean ...?`, or what there is.
pub(crate) fn hint<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    let candidates: Vec<&str> = candidates.collect();
    let near = |candidate: &&str| strsim::damerau_levenshtein(word, candidate);
    let nearest = candidates.iter().copied().min_by_key(near);
    match nearest {
        Some(nearest) if near(&nearest) <= 1 + nearest.len() / 4 => {
            format!("; did you mean `{nearest}`?")
        }
        _ => format!("; wanted one of {}", candidates.join(", ")),
    }
}
