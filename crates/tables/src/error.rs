//! Errors of writing, reading and comparing tables.

use std::{io, path::PathBuf};

use experiment::RunId;
use polars::error::PolarsError;

use crate::{read::bare, text::nearest};

/// What can go wrong between journals and a printed comparison.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read, written or renamed.
    #[error("could not {what} {}", path.display())]
    Io {
        /// What was being done, for example `create`.
        what: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The journals could not be read.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// A table could not be written or is not readable as Parquet.
    #[error("table {}", path.display())]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: PolarsError,
    },
    /// A table is not what was written.
    #[error("table {} is damaged: it does not match its checksum", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// A table is Parquet but lacks a column or has another type than this crate writes.
    #[error("table {}: wanted {wanted}", path.display())]
    Layout {
        /// Which file.
        path: PathBuf,
        /// What should have been there.
        wanted: String,
    },
    /// Parameters or a row of a run's own table are no JSON.
    #[error("run {run}: {what} is no JSON")]
    Json {
        /// Which run.
        run: RunId,
        /// `params` or the name of the table.
        what: String,
        /// Why.
        source: serde_json::Error,
    },
    /// There is nothing to compare with or to compare: no table, no run, no finished run.
    #[error("nothing to compare: {0}")]
    Nothing(String),
    /// A name stands for no column.
    #[error("{name:?} names no {what}{}{}", hint(nearest), listed(what, known))]
    Unknown {
        /// What it should have named: a column or a final metric.
        what: &'static str,
        /// The name.
        name: String,
        /// The most similar bare name, if any is similar.
        nearest: Option<String>,
        /// Every bare name that would do.
        known: Vec<String>,
    },
    /// A bare name stands for more than one column.
    #[error("{name:?} is ambiguous: wanted one of {}", candidates.join(", "))]
    Ambiguous {
        /// The name.
        name: String,
        /// Full names of the columns it may mean.
        candidates: Vec<String>,
    },
    /// The column whose mean is wanted holds no numbers.
    #[error("{column}: wanted a column of numbers, found {found}")]
    NotNumeric {
        /// Full name of the column.
        column: String,
        /// Its type.
        found: String,
    },
    /// The name of an experiment or of a published table cannot be a file name.
    #[error("{found:?}: wanted {wanted}")]
    Name {
        /// What would have been right.
        wanted: &'static str,
        /// The name.
        found: String,
    },
    /// No place has a table of published numbers.
    #[error("no published numbers {name:?}{}{}", hint(nearest), places(looked))]
    NotPublished {
        /// `<experiment>/<table>`.
        name: String,
        /// The most similar name of a table that there is, if any is similar.
        nearest: Option<String>,
        /// The folders that were looked into.
        looked: Vec<PathBuf>,
    },
    /// A file of published numbers is malformed.
    #[error("{}:{line}: {what}", path.display())]
    Published {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
}

impl Error {
    pub(crate) fn unknown(what: &'static str, name: &str, known: Vec<String>) -> Self {
        let nearest = nearest(bare(name), known.iter().map(String::as_str)).map(str::to_owned);
        Self::Unknown { what, name: name.into(), nearest, known }
    }
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}

fn listed(what: &str, known: &[String]) -> String {
    match known {
        [] => format!(" (there is no {what})"),
        known => format!(" ({what}s are: {})", known.join(", ")),
    }
}

fn places(looked: &[PathBuf]) -> String {
    let looked: Vec<String> = looked.iter().map(|folder| folder.display().to_string()).collect();
    match looked.as_slice() {
        [] => String::new(),
        looked => format!(" (looked into {})", looked.join(", ")),
    }
}
