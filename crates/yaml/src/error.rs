//! Mistakes in a document, each with its place.

use std::fmt;

use crate::{Path, Span};

/// What is wrong with a document, and where.
///
/// Shown as `file:line:column: path: message`, followed by the line with a caret below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Where; boxed, because errors are rare and results are moved often.
    pub location: Box<Span>,
    /// Key path of the value, empty for the whole document.
    pub path: Path,
    /// What was wanted and what was found.
    pub message: String,
}

impl Error {
    /// A mistake at a place.
    pub fn new(location: &Span, path: Path, message: impl Into<String>) -> Self {
        Self { location: Box::new(location.clone()), path, message: message.into() }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.location)?;
        if !self.path.keys().is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}{}", self.message, self.location.snippet())
    }
}

/// Everything that is known to be wrong with a document, at least one mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors(Vec<Error>);

impl Errors {
    /// The mistakes, by their place; nothing where there is none.
    pub fn sorted(mut errors: Vec<Error>) -> Option<Self> {
        let place = |error: &Error| {
            let Span { source, line, column, .. } = &*error.location;
            (source.origin.clone(), *line, *column)
        };
        errors.sort_by_cached_key(place);
        (!errors.is_empty()).then_some(Self(errors))
    }

    /// The mistakes, by their place.
    pub fn iter(&self) -> impl Iterator<Item = &Error> {
        self.0.iter()
    }
}

impl IntoIterator for Errors {
    type Item = Error;
    type IntoIter = std::vec::IntoIter<Error>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Self(vec![error])
    }
}

impl std::error::Error for Errors {}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            let line = if at > 0 { "\n" } else { "" };
            write!(f, "{line}{error}")?;
        }
        Ok(())
    }
}
