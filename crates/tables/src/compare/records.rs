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

impl Records {
    /// Comma-separated, with a header; nothing stands for no value.
    pub(super) fn csv(&self) -> String {
        let field = |cell: &Cell| match cell {
            Cell::Null => String::new(),
            cell => inert(&cell.to_string()).into_owned(),
        };
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = self.names.iter().map(|name| inert(name).into_owned()).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(field).collect());
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
                let text = |cell: &Cell| (*cell != Cell::Null).then(|| cell.to_string());
                let values: StringChunked = cells().map(text).collect();
                values.with_name(name).into_column()
            }
        };
        DataFrame::new(self.rows.len(), self.names.iter().enumerate().map(column).collect())
    }
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
