//! Which runs count.

use journal::Status;
use polars::prelude::*;

use super::{Counts, metric};
use crate::{Error, Runs, columns::STATUS, read::bare};

/// What became of the runs, of which some count; `left_out` says how many others were replaced or are
/// not in the store.
///
/// # Errors
/// [`Error::NotNumeric`] for a `value` without numbers; [`Error::Nothing`] where no run counts.
pub(super) fn count(runs: &Runs, value: &str, left_out: Counts) -> Result<Counts, Error> {
    let kind = runs.column(value)?.dtype();
    if !kind.is_primitive_numeric() {
        return Err(Error::NotNumeric { column: value.into(), found: kind.to_string() });
    }
    runs.column(STATUS)?;
    let failed = |source| runs.failed(source);
    let frame = runs
        .lazy()
        .group_by([col(STATUS).cast(DataType::String)])
        .agg([len().alias("runs"), col(value).count().alias("with_value")])
        .select([
            col(STATUS),
            col("runs").cast(DataType::UInt64),
            col("with_value").cast(DataType::UInt64),
        ])
        .collect()
        .map_err(failed)?;
    let number = |name| frame.column(name).and_then(Column::u64).map_err(failed);
    let statuses = frame.column(STATUS).and_then(Column::str).map_err(failed)?;
    let mut counts = left_out;
    for ((status, runs), with_value) in
        statuses.iter().zip(number("runs")?.iter()).zip(number("with_value")?.iter())
    {
        let [runs, with_value] = [runs, with_value].map(|number| number.unwrap_or(0) as usize);
        match status.and_then(Status::of) {
            Some(Status::Finished) => {
                counts.counted = with_value;
                counts.without_value += runs - with_value;
            }
            Some(Status::Failed) => counts.failed += runs,
            Some(Status::Blocked) => counts.blocked += runs,
            Some(Status::Pruned) => counts.pruned += runs,
            _ => counts.unfinished += runs,
        }
    }
    if counts.counted == 0 {
        let by_step = metric::by_step(runs, bare(value), &counts)?;
        return Err(metric::nobody_has(runs, bare(value), &counts, by_step));
    }
    Ok(counts)
}
