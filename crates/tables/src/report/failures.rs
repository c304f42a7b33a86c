//! Which runs failed, and why.

use std::collections::BTreeMap;

use super::grid::{cell_label, label};
use super::limits::{ERROR, ERRORS};
use crate::{
    Cell, Error, Runs,
    columns::{RUN_ID, SEED, STATUS},
    read::bare,
    text::inert_short,
};

/// Runs that failed with one error.
#[derive(Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) error: String,
    pub(crate) runs: usize,
    /// The first of them: id, seed and what varies.
    pub(crate) examples: Vec<String>,
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

pub(crate) fn failures(runs: &Runs) -> Result<Failures, Error> {
    let statuses = runs.cells(STATUS)?;
    let failed: Vec<usize> = (0..runs.len())
        .filter(|row| matches!(&statuses[*row], Cell::Text(status) if status == "failed"))
        .collect();
    if failed.is_empty() {
        return Ok(Failures::default());
    }
    let errors = runs.cells("error")?;
    let mut by_error = BTreeMap::<String, Vec<usize>>::new();
    for row in &failed {
        let error = match &errors[*row] {
            Cell::Text(text) => inert_short(&text.replace('\n', " ⏎ "), ERROR),
            _ => "no error was recorded".into(),
        };
        by_error.entry(error).or_default().push(*row);
    }
    let mut sorted: Vec<(String, Vec<usize>)> = by_error.into_iter().collect();
    sorted.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    let left_out = sorted.len().saturating_sub(ERRORS);
    sorted.truncate(ERRORS);
    let mut names = vec![SEED.to_owned()];
    names.extend(runs.varying().into_iter().take(4));
    let columns: Vec<(String, Vec<Cell>)> = names
        .into_iter()
        .map(|name| Ok((label(bare(&name)), runs.cells(&name)?)))
        .collect::<Result<_, Error>>()?;
    let ids = runs.cells(RUN_ID)?;
    let example = |row: &usize| {
        let id: String = ids[*row].to_string().chars().take(10).collect();
        let values: Vec<String> = columns
            .iter()
            .map(|(name, cells)| format!("{name} {}", cell_label(&cells[*row])))
            .collect();
        format!("{}: {}", label(&id), values.join(", "))
    };
    let failure = |(error, rows): (String, Vec<usize>)| Failure {
        error,
        runs: rows.len(),
        examples: rows.iter().take(EXAMPLES).map(example).collect(),
    };
    let errors = sorted.into_iter().map(failure).collect();
    Ok(Failures { runs: failed.len(), errors, left_out })
}
