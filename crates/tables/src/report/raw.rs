//! Rows of the run table as they are.

use super::{
    grid::{cell_label, label, significant},
    limits::Limits,
};
use crate::{
    Cell, Error, Runs,
    columns::{FINAL, RUN_ID, SEED, STATUS},
    read::bare,
};

/// The first runs, with what varies and what came out.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) names: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    /// How many runs there are.
    pub(crate) whole: usize,
    /// Where all of them are.
    pub(crate) path: String,
}

/// Columns of each kind.
const COLUMNS: usize = 8;

pub(crate) fn raw(runs: &Runs, limits: &Limits) -> Result<Raw, Error> {
    let mut names = vec![RUN_ID.to_owned()];
    names.extend(runs.varying().into_iter().take(COLUMNS));
    names.extend([SEED.to_owned(), STATUS.to_owned()]);
    let finals = runs.columns().filter(|name| name.starts_with(FINAL)).take(COLUMNS);
    names.extend(finals.map(str::to_owned));
    names.push("seconds".into());
    let shown = runs.head(limits.raw_rows);
    let columns: Vec<Vec<Cell>> =
        names.iter().map(|name| shown.cells(name)).collect::<Result<_, _>>()?;
    let text = |cell: &Cell| match cell {
        Cell::Float(value) => significant(*value),
        Cell::Null => String::new(),
        other => cell_label(other),
    };
    let row = |row: usize| {
        let mut texts: Vec<String> = columns.iter().map(|cells| text(&cells[row])).collect();
        texts[0] = texts[0].chars().take(10).collect();
        texts
    };
    Ok(Raw {
        names: names.iter().map(|name| label(bare(name))).collect(),
        rows: (0..shown.len()).map(row).collect(),
        whole: runs.len(),
        path: format!("tables/{}/runs.parquet", runs.experiment()),
    })
}
