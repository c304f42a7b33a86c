//! Which runs failed, and why.

use std::collections::BTreeMap;

use experiment::RunId;

use super::{
    limits::{ERROR, ERRORS},
    listing::Listing,
};
use crate::{
    Cell, Error, Runs,
    columns::{ATTEMPTS, RUN_ID, STATUS},
    text::{inert_lines, inert_short},
};

/// What a run printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// Where all of it is.
    pub path: String,
    /// Its last lines.
    pub tail: String,
}

/// The log of a run that was tried so often.
pub type LogOf<'a> = dyn Fn(RunId, u32) -> Option<Log> + 'a;

/// Runs that failed with one error.
#[derive(Debug, PartialEq)]
pub(crate) struct Failure {
    /// Its lines.
    pub(crate) error: String,
    pub(crate) runs: usize,
    /// The first of them.
    pub(crate) examples: Vec<Example>,
}

/// A run that failed.
#[derive(Debug, PartialEq)]
pub(crate) struct Example {
    pub(crate) id: String,
    /// What varies, and the seed.
    pub(crate) what: String,
    /// What the filter looks for.
    pub(crate) tags: String,
    pub(crate) log: Option<Log>,
}

/// Every failed run, those with the same error together, the most frequent first.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    pub(crate) runs: usize,
    pub(crate) errors: Vec<Failure>,
    /// How many further errors there are.
    pub(crate) left_out: usize,
}

/// Runs that are named for one error.
const EXAMPLES: usize = 5;
/// Characters of a log's end.
const TAIL: usize = 3000;

pub(crate) fn failures(runs: &Runs, listing: &Listing, log: &LogOf<'_>) -> Result<Failures, Error> {
    let statuses = runs.cells(STATUS)?;
    let is_failed =
        |row: &usize| matches!(&statuses[*row], Cell::Text(status) if status == "failed");
    // Those that are listed come in the order in which they were asked for.
    let mut failed: Vec<usize> = (0..runs.len()).filter(is_failed).collect();
    failed.sort_by_key(|row| listing.place(*row).unwrap_or(usize::MAX));
    if failed.is_empty() {
        return Ok(Failures::default());
    }
    let (errors, ids) = (runs.cells("error")?, runs.cells(RUN_ID)?);
    let attempts = runs.cells(ATTEMPTS)?;
    let mut by_error = BTreeMap::<String, Vec<usize>>::new();
    for row in &failed {
        let error = match &errors[*row] {
            Cell::Text(text) => inert_lines(text.trim_end(), ERROR),
            _ => "no error was recorded".into(),
        };
        by_error.entry(error).or_default().push(*row);
    }
    let mut sorted: Vec<(String, Vec<usize>)> = by_error.into_iter().collect();
    sorted.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    let left_out = sorted.len().saturating_sub(ERRORS);
    sorted.truncate(ERRORS);
    let example = |row: &usize| {
        let attempts = attempts[*row].to_string().parse().unwrap_or(1);
        let run = ids[*row].to_string().parse::<RunId>().ok();
        let found = run.and_then(|run| log(run, attempts));
        Example {
            id: listing.id(*row),
            what: listing.tags(*row).join(", "),
            tags: listing.tags(*row).join("\n"),
            log: found.map(|Log { path, tail }| Log {
                path: inert_short(&path, 400),
                tail: inert_lines(&tail, TAIL),
            }),
        }
    };
    let failure = |(error, rows): (String, Vec<usize>)| Failure {
        error,
        runs: rows.len(),
        examples: rows.iter().take(EXAMPLES).map(example).collect(),
    };
    let errors = sorted.into_iter().map(failure).collect();
    Ok(Failures { runs: failed.len(), errors, left_out })
}
