//! Rows for machines: CSV, Parquet, and JSON that a terminal survives.

use std::fmt::Write;

use polars::prelude::*;
use serde::Serialize;

use crate::{Cell, text::inert};

/// Rows of values under named columns.
pub(super) struct Records {
    pub names: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

/// Rows of all, under every name that one of them has; what a row lacks is null.
impl FromIterator<Records> for Records {
    fn from_iter<I: IntoIterator<Item = Records>>(all: I) -> Self {
        let mut joined = Self { names: Vec::new(), rows: Vec::new() };
        for Records { names, rows } in all {
            let at: Vec<usize> = names.into_iter().map(|name| joined.place(name)).collect();
            for row in rows {
                let mut placed = vec![Cell::Null; joined.names.len()];
                at.iter().zip(row).for_each(|(at, cell)| placed[*at] = cell);
                joined.rows.push(placed);
            }
        }
        let width = joined.names.len();
        joined.rows.iter_mut().for_each(|row| row.resize(width, Cell::Null));
        joined
    }
}

impl Records {
    /// Where a name stands; at the end where it is new.
    fn place(&mut self, name: String) -> usize {
        self.names.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        })
    }

    /// With a first column that says which table the rows are of.
    pub(super) fn numbered(self, table: usize) -> Self {
        let first = |rest: Vec<Cell>| [vec![Cell::Int(table as i128)], rest].concat();
        let names = std::iter::once("table".to_owned()).chain(self.names).collect();
        Self { names, rows: self.rows.into_iter().map(first).collect() }
    }

    /// Whether a column holds both text and other values.
    fn is_mixed(&self, at: usize) -> bool {
        let text = |row: &Vec<Cell>| matches!(row[at], Cell::Text(_));
        let other = |row: &Vec<Cell>| !text(row) && row[at] != Cell::Null;
        self.rows.iter().any(text) && self.rows.iter().any(other)
    }

    /// Comma-separated, with a header; nothing stands for no value.
    pub(super) fn csv(&self) -> String {
        let mixed: Vec<bool> = (0..self.names.len()).map(|at| self.is_mixed(at)).collect();
        let field = |(cell, mixed): (&Cell, &bool)| match cell {
            Cell::Null => String::new(),
            cell => inert(&text(cell, *mixed)).into_owned(),
        };
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = self.names.iter().map(|name| inert(name).into_owned()).collect();
        let rows = self.rows.iter().map(|row| row.iter().zip(&mixed).map(field).collect());
        for line in std::iter::once(header).chain(rows) {
            let line: Vec<String> = line;
            writer.write_record(line).expect("every line has the same number of fields");
        }
        let bytes = writer.into_inner().expect("memory takes everything");
        String::from_utf8(bytes).expect("fields are text")
    }

    /// Columns of numbers where all values are numbers, of text otherwise.
    pub(super) fn frame(&self) -> PolarsResult<DataFrame> {
        let column = |(at, name): (usize, &String)| {
            let cells = || self.rows.iter().map(|row| &row[at]);
            let whole = |cell: &Cell| match cell {
                Cell::Int(value) => i64::try_from(*value).ok(),
                _ => None,
            };
            let name = PlSmallStr::from_str(name);
            if cells().all(|cell| *cell == Cell::Null || whole(cell).is_some()) {
                let values: Int64Chunked = cells().map(whole).collect();
                values.with_name(name).into_column()
            } else if cells().all(|cell| *cell == Cell::Null || cell.number().is_some()) {
                let values: Float64Chunked = cells().map(Cell::number).collect();
                values.with_name(name).into_column()
            } else {
                let mixed = self.is_mixed(at);
                let text = |cell: &Cell| (*cell != Cell::Null).then(|| text(cell, mixed));
                let values: StringChunked = cells().map(text).collect();
                values.with_name(name).into_column()
            }
        };
        DataFrame::new(self.rows.len(), self.names.iter().enumerate().map(column).collect())
    }
}

/// A value as text; beside values that are none, text that could be taken for them is quoted.
fn text(cell: &Cell, mixed: bool) -> String {
    if mixed { cell.label() } else { cell.to_string() }
}

/// A value as JSON whose strings are inert on a terminal.
pub(super) fn json(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value).expect("a comparison serialises to JSON");
    let mut safe = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        // JSON allows these raw, a terminal does not; they only occur inside strings.
        if c != '\n' && !matches!(inert(c.encode_utf8(&mut [0; 4])), std::borrow::Cow::Borrowed(_))
        {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe.push('\n');
    safe
}
