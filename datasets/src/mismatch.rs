//! The error of a file that does not have the format its reader expects.

use thiserror::Error;

/// A file that is not what its reader wants.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}: wanted {wanted}, found {found}")]
pub struct Mismatch {
    /// The file, and where in it.
    pub file: String,
    /// What the format has here.
    pub wanted: String,
    /// What is here.
    pub found: String,
}

impl Mismatch {
    pub(crate) fn new(
        file: impl Into<String>,
        wanted: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { file: file.into(), wanted: wanted.into(), found: found.into() }
    }
}
