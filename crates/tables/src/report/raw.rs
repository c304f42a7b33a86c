//! Rows of the run table as they are.

use super::{
    grid::{cell_label, label, significant},
    listing::Listing,
};
use crate::{
    Cell, Error, Runs,
    columns::{FINAL, SEED, STATUS},
    read::bare,
};

/// The first runs, with what varies and what came out.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) names: Vec<Name>,
    pub(crate) rows: Vec<Vec<String>>,
    /// How many runs there are.
    pub(crate) whole: usize,
    /// Where all of them are.
    pub(crate) path: String,
}

/// The head of a column.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    /// Whether it holds numbers, which stand at the right.
    pub(crate) is_number: bool,
}

impl Raw {
    /// Whether a column holds numbers.
    pub(crate) fn is_number(&self, column: &usize) -> bool {
        self.names[*column].is_number
    }
}

/// Columns of each kind.
const COLUMNS: usize = 8;

pub(crate) fn raw(runs: &Runs, listing: &Listing) -> Result<Raw, Error> {
    let mut names: Vec<String> = runs.varying().into_iter().take(COLUMNS).collect();
    names.extend([SEED.to_owned(), STATUS.to_owned()]);
    let finals = runs.columns().filter(|name| name.starts_with(FINAL)).take(COLUMNS);
    names.extend(finals.map(str::to_owned));
    names.push("seconds".into());
    // Only what is listed is read: a store may hold a hundred thousand runs.
    let listed = |name: &String| -> Result<Vec<Cell>, Error> {
        let column = runs.column(name)?;
        let cell = |row: &usize| column.get(*row).map_or(Cell::Null, |value| Cell::of(&value));
        Ok(listing.rows.iter().map(cell).collect())
    };
    let columns: Vec<Vec<Cell>> = names.iter().map(listed).collect::<Result<_, _>>()?;
    // What came out is rounded, what was asked for is not.
    let text = |name: &String, cell: &Cell| match cell {
        Cell::Null => String::new(),
        Cell::Float(value) if !name.starts_with("params.") => significant(*value),
        other => cell_label(other),
    };
    let row = |(place, row): (usize, &usize)| {
        let cells = names.iter().zip(&columns).map(|(name, cells)| text(name, &cells[place]));
        std::iter::once(listing.id(*row)).chain(cells).collect()
    };
    let name = |(name, cells): (&String, &Vec<Cell>)| Name {
        text: label(bare(name)),
        is_number: cells.iter().any(|cell| cell.number().is_some()),
    };
    let id = Name { text: "run".into(), is_number: false };
    Ok(Raw {
        names: std::iter::once(id).chain(names.iter().zip(&columns).map(name)).collect(),
        rows: listing.rows.iter().enumerate().map(row).collect(),
        whole: runs.len(),
        path: format!("tables/{}/runs.parquet", runs.experiment()),
    })
}
