//! JSON objects as a table, and as one Parquet file.

use std::path::{Path, PathBuf};

use polars::prelude::DataFrame;
use serde_json::Value;

use crate::{Error, file::write_frame, values::Kinds};

/// Writes JSON objects as the rows of one Parquet file, a column for each field, typed by its values.
///
/// # Errors
/// [`Error::Io`] or [`Error::Parquet`] naming the file, which is then as it was before.
pub fn write_rows(target: &Path, rows: &[Value]) -> Result<PathBuf, Error> {
    write_frame(target, &frame(rows)).map(|(path, _)| path)
}

/// JSON objects as rows, a column for each field, typed by its values.
pub(crate) fn frame(rows: &[Value]) -> DataFrame {
    let mut kinds = Kinds::default();
    rows.iter().for_each(|row| kinds.observe(row));
    let mut columns = kinds.builders();
    rows.iter().for_each(|row| columns.push(row));
    let columns = columns.finish(str::to_owned);
    DataFrame::new(rows.len(), columns).expect("columns of one length with their own names")
}
