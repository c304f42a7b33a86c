//! Which runs count.

use std::collections::HashMap;

use polars::prelude::*;

use super::{Counts, metric};
use crate::{
    Cell, Error, Runs,
    columns::{SPEC_ID, STARTED_AT, STATUS},
    read::bare,
};

/// The runs that count, each as its row and its value; `asked` runs were asked for, where that is
/// known.
pub(super) fn count(
    runs: &Runs,
    value: &str,
    asked: Option<usize>,
) -> Result<(Vec<(usize, f64)>, Counts), Error> {
    let column = runs.column(value)?;
    let wrong = || Error::NotNumeric { column: value.into(), found: column.dtype().to_string() };
    if !column.dtype().is_primitive_numeric() {
        return Err(wrong());
    }
    let values = column.cast(&DataType::Float64).map_err(|_| wrong())?;
    let values = values.f64().map_err(|_| wrong())?;
    let statuses = runs.cells(STATUS)?;
    let specs = runs.cells(SPEC_ID)?;
    let started = runs.cells(STARTED_AT)?;

    let missing = asked.map_or(0, |asked| asked.saturating_sub(runs.len()));
    let mut counts = Counts { missing, ..Counts::default() };
    let mut newest = HashMap::<&Cell, (usize, f64)>::new();
    for (row, status) in statuses.iter().enumerate() {
        match status {
            Cell::Text(status) if status == "finished" => {}
            Cell::Text(status) if status == "failed" => {
                counts.failed += 1;
                continue;
            }
            Cell::Text(status) if status == "pruned" => {
                counts.pruned += 1;
                continue;
            }
            _ => {
                counts.unfinished += 1;
                continue;
            }
        }
        let Some(value) = values.get(row) else {
            counts.without_value += 1;
            continue;
        };
        let known = newest.entry(&specs[row]).or_insert((row, value));
        if known.0 != row {
            counts.superseded += 1;
            if started[row] > started[known.0] {
                *known = (row, value);
            }
        }
    }
    counts.counted = newest.len();
    if newest.is_empty() {
        let by_step = metric::by_step(runs, bare(value), &counts)?;
        return Err(metric::nobody_has(runs, bare(value), &counts, by_step));
    }
    let mut counted: Vec<(usize, f64)> = newest.into_values().collect();
    counted.sort_unstable_by_key(|(row, _)| *row);
    Ok((counted, counts))
}
