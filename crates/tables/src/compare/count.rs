//! Which runs count.

use journal::Status;
use polars::prelude::*;

use super::Counts;
use crate::{Cell, Error, Runs, columns::STATUS, read::bare};

/// The runs that count among the current ones, each as its row and its value; so many others were
/// replaced by these.
pub(super) fn count(
    runs: &Runs,
    value: &str,
    superseded: usize,
) -> Result<(Vec<(usize, f64)>, Counts), Error> {
    let column = runs.column(value)?;
    let wrong = || Error::NotNumeric { column: value.into(), found: column.dtype().to_string() };
    if !column.dtype().is_primitive_numeric() {
        return Err(wrong());
    }
    let values = column.cast(&DataType::Float64).map_err(|_| wrong())?;
    let values = values.f64().map_err(|_| wrong())?;
    let mut counts = Counts { superseded, ..Counts::default() };
    let mut counted = Vec::with_capacity(runs.len());
    for (row, status) in runs.cells(STATUS)?.iter().enumerate() {
        let status = match status {
            Cell::Text(word) => Status::of(word),
            _ => None,
        };
        match (status, values.get(row)) {
            (Some(Status::Finished), Some(value)) => counted.push((row, value)),
            (Some(Status::Finished), None) => counts.without_value += 1,
            (Some(Status::Failed), _) => counts.failed += 1,
            (Some(Status::Pruned), _) => counts.pruned += 1,
            _ => counts.unfinished += 1,
        }
    }
    counts.counted = counted.len();
    if counted.is_empty() {
        let Counts { failed, unfinished, without_value, .. } = counts;
        return Err(Error::Nothing(format!(
            "of {} runs of {}, {failed} failed, {unfinished} are unfinished and {without_value} \
             have no {}",
            runs.len(),
            runs.experiment(),
            bare(value)
        )));
    }
    Ok((counted, counts))
}
