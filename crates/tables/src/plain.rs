//! Writes JSON objects as one Parquet file.

use std::path::{Path, PathBuf};

use polars::prelude::DataFrame;
use serde_json::Value;

use crate::{Error, file::write_frame, values::Kinds};

/// Writes JSON objects as the rows of one Parquet file, a column for each field, typed by its values.
///
/// # Errors
/// [`Error::Io`] or [`Error::Parquet`] naming the file, which is then as it was before.
pub fn write_rows(target: &Path, rows: &[Value]) -> Result<PathBuf, Error> {
    let mut kinds = Kinds::default();
    rows.iter().for_each(|row| kinds.observe(row));
    let mut columns = kinds.builders();
    rows.iter().for_each(|row| columns.push(row));
    let columns = columns.finish(str::to_owned);
    let frame = DataFrame::new(rows.len(), columns).expect("columns of one length with own names");
    write_frame(target, &frame).map(|(path, _)| path)
}
