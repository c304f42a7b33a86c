//! Mistakes in a configuration, each with its place, and suggestions for misspelt names.

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

/// Everything that is known to be wrong with a configuration, at least one mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// The mistakes, by their place.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.0.iter()
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            let line = if at > 0 { "\n" } else { "" };
            write!(f, "{line}{error}")?;
        }
        Ok(())
    }
}

/// Mistakes while a configuration is read, and what only looks like one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    errors: Vec<ConfigError>,
    warnings: Vec<ConfigError>,
}

/// Mistakes that are kept; nobody reads more.
const MOST_FAULTS: usize = 100;

impl Faults {
    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    pub(crate) fn count(&self) -> usize {
        self.errors.len()
    }

    /// Keeps a mistake, unless it is known or there are too many.
    pub(crate) fn add(&mut self, error: ConfigError) {
        if self.errors.len() < MOST_FAULTS && !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Keeps a mistake, unless there is one at its place.
    pub(crate) fn add_first(&mut self, error: ConfigError) {
        if !self.errors.iter().any(|known| known.location == error.location) {
            self.add(error);
        }
    }

    /// Keeps what may be a mistake.
    pub(crate) fn warn(&mut self, warning: ConfigError) {
        if self.warnings.len() < MOST_FAULTS && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// What may be a mistake.
    pub(crate) fn take_warnings(&mut self) -> Vec<ConfigError> {
        std::mem::take(&mut self.warnings)
    }

    /// The value, or nothing and the mistake kept.
    pub(crate) fn keep<T>(&mut self, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// `value` where there is no mistake.
    pub(crate) fn none_or<T>(mut self, value: T) -> Result<T, ConfigErrors> {
        if self.errors.is_empty() {
            return Ok(value);
        }
        let place = |error: &ConfigError| {
            let Span { source, line, column, .. } = &*error.location;
            (source.origin.clone(), *line, *column)
        };
        self.errors.sort_by_cached_key(place);
        Err(ConfigErrors(self.errors))
    }
}

/// The candidate nearest to `word`, as `; did you mean ...?`, or what there is.
pub(crate) fn hint<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    let mut candidates: Vec<&str> = candidates.collect();
    match nearest(word, candidates.iter().copied()) {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None if candidates.is_empty() => String::new(),
        None => {
            let rest = candidates.len().saturating_sub(MOST_NAMED);
            candidates.truncate(MOST_NAMED);
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("; wanted one of {}{more}", candidates.join(", "))
        }
    }
}

/// Names in a message at most.
const MOST_NAMED: usize = 40;

/// The candidate that `word` was meant to be: by a slip of the fingers, or cut short. Of a candidate
/// with dots, the end is looked at too.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let candidates: Vec<&str> = candidates.collect();
    let count = |text: &str| text.chars().count();
    let slip = |candidate: &&'a str| {
        let end = candidate.rsplit('.').next().filter(|_| !word.contains('.'));
        let far = |known: &str| {
            let far = strsim::damerau_levenshtein(word, known);
            (far <= 1 + count(known) / 4 && far < count(known)).then_some(far)
        };
        std::iter::once(*candidate).chain(end).filter_map(far).min()
    };
    let slips = candidates.iter().filter_map(|known| Some((slip(known)?, *known)));
    let nearest = slips.min_by_key(|(far, _)| *far).map(|(_, known)| known);
    let short = || candidates.iter().find(|known| count(word) >= 3 && known.starts_with(word));
    nearest.or_else(|| short().copied())
}
