//! With what the runs were made.

use std::collections::BTreeMap;

use crate::{Cell, Error, Runs, text::inert_short};

/// Columns that tell a machine and a program from another.
pub(crate) const COLUMNS: [&str; 6] = ["version", "commit", "blas", "cpu", "device", "host"];
/// Longest text: a BLAS tells its build options before its core.
const TEXT: usize = 160;
/// Most lines of the table.
const LINES: usize = 50;

/// How many runs each machine and program made.
#[derive(Debug, Default)]
pub(crate) struct Provenance {
    pub(crate) lines: Vec<Line>,
    /// How many further combinations there are.
    pub(crate) left_out: usize,
    /// Seconds of processor time of all runs.
    pub(crate) cpu_seconds: f64,
}

#[derive(Debug)]
pub(crate) struct Line {
    /// In the order of [`COLUMNS`].
    pub(crate) texts: Vec<String>,
    pub(crate) runs: usize,
}

impl Provenance {
    /// The versions, each with the start of its commit.
    pub(crate) fn versions(&self) -> Vec<String> {
        let mut versions: Vec<String> = self
            .lines
            .iter()
            .map(|line| {
                let commit: String = line.texts[1].chars().take(10).collect();
                format!("{} (commit {commit})", line.texts[0])
            })
            .collect();
        versions.dedup();
        versions
    }
}

/// Counts the runs of all tables.
pub(crate) fn provenance<'a>(tables: impl Iterator<Item = &'a Runs>) -> Result<Provenance, Error> {
    let mut counts = BTreeMap::<Vec<Cell>, usize>::new();
    let mut cpu_seconds = 0.0;
    for runs in tables {
        let columns: Vec<Vec<Cell>> =
            COLUMNS.iter().map(|name| runs.cells(name)).collect::<Result<_, _>>()?;
        let mut row = Vec::new();
        for at in 0..runs.len() {
            row.clear();
            row.extend(columns.iter().map(|cells| cells[at].clone()));
            match counts.get_mut(&row) {
                Some(count) => *count += 1,
                None => {
                    counts.insert(row.clone(), 1);
                }
            }
        }
        let seconds = runs.cells("cpu_seconds")?;
        cpu_seconds += seconds.iter().filter_map(Cell::number).sum::<f64>();
    }
    let left_out = counts.len().saturating_sub(LINES);
    let line = |(row, runs): (Vec<Cell>, usize)| Line {
        texts: row.iter().map(|cell| inert_short(&cell.to_string(), TEXT)).collect(),
        runs,
    };
    Ok(Provenance {
        lines: counts.into_iter().take(LINES).map(line).collect(),
        left_out,
        cpu_seconds,
    })
}
