//! Which runs count.

use journal::Status;
use polars::prelude::*;

use super::{Counts, metric};
use crate::{Cell, Error, Runs, columns::STATUS, read::bare};

/// The runs that count, each as its row and its value; `left_out` says how many others were replaced
/// or are not in the store.
pub(super) fn count(
    runs: &Runs,
    value: &str,
    left_out: Counts,
) -> Result<(Vec<(usize, f64)>, Counts), Error> {
    let column = runs.column(value)?;
    let wrong = || Error::NotNumeric { column: value.into(), found: column.dtype().to_string() };
    if !column.dtype().is_primitive_numeric() {
        return Err(wrong());
    }
    let values = column.cast(&DataType::Float64).map_err(|_| wrong())?;
    let values = values.f64().map_err(|_| wrong())?;
    let mut counts = left_out;
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
            (Some(Status::Blocked), _) => counts.blocked += 1,
            (Some(Status::Pruned), _) => counts.pruned += 1,
            _ => counts.unfinished += 1,
        }
    }
    counts.counted = counted.len();
    if counted.is_empty() {
        let by_step = metric::by_step(runs, bare(value), &counts)?;
        return Err(metric::nobody_has(runs, bare(value), &counts, by_step));
    }
    Ok((counted, counts))
}
