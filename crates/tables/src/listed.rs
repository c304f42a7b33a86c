//! The runs of all experiments, out of the table over them.

use std::{collections::BTreeMap, path::Path};

use experiment::RunId;
use journal::Status;
use polars::prelude::*;
use serde_json::Value;

use crate::{
    Error,
    columns::{ATTEMPTS, CURRENT, RUN_ID, SEED, STATUS, SWEEP},
    scan::Table,
    stamp::TABLES,
};

/// A run as the table over all experiments has it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its id.
    pub run: RunId,
    /// Its experiment.
    pub experiment: String,
    /// The sweep that asked for it first.
    pub sweep: String,
    /// Its parameters as canonical JSON.
    pub params: String,
    /// Its seed.
    pub seed: u64,
    /// Where it stands.
    pub status: Status,
    /// How many attempts there were.
    pub attempts: usize,
    /// How long the attempt took that counts.
    pub seconds: Option<f64>,
    /// Its final metrics.
    pub results: BTreeMap<String, f64>,
    /// Whether no other run answers its request by now.
    pub current: bool,
    /// Its tags, with spaces between.
    pub tags: String,
    /// What is noted of it.
    pub note: Option<String>,
}

/// Every run of a store's tables, by id; `None` where the table over all experiments is not there or has
/// something else in it than this version writes.
///
/// # Errors
/// [`Error::Damaged`], [`Error::Io`] or [`Error::Parquet`] naming the file.
pub fn listed(store: &Path) -> Result<Option<Vec<Listed>>, Error> {
    let path = store.join(TABLES).join("runs.parquet");
    let Some(table) = Table::open(&path)? else { return Ok(None) };
    let columns = [
        RUN_ID,
        "experiment",
        SWEEP,
        "params",
        STATUS,
        "final",
        "tags",
        "note",
        SEED,
        ATTEMPTS,
        "seconds",
        CURRENT,
    ];
    let frame = table.lazy()?.select(columns.map(col)).collect();
    let rows = frame.and_then(|frame| rows(&frame));
    rows.map_err(|source| Error::Parquet { path, source })
}

fn rows(frame: &DataFrame) -> PolarsResult<Option<Vec<Listed>>> {
    let texts = |name: &str| frame.column(name)?.str();
    let (runs, experiments, sweeps) = (texts(RUN_ID)?, texts("experiment")?, texts(SWEEP)?);
    let (params, statuses, finals) = (texts("params")?, texts(STATUS)?, texts("final")?);
    let (tags, notes) = (texts("tags")?, texts("note")?);
    let (seeds, attempts) = (frame.column(SEED)?.u64()?, frame.column(ATTEMPTS)?.u32()?);
    let (seconds, current) = (frame.column("seconds")?.f64()?, frame.column(CURRENT)?.bool()?);
    let text = |of: &StringChunked, row| of.get(row).map(str::to_owned);
    let listed = |row: usize| {
        Some(Listed {
            run: runs.get(row)?.parse().ok()?,
            experiment: text(experiments, row)?,
            sweep: text(sweeps, row)?,
            params: text(params, row)?,
            seed: seeds.get(row)?,
            status: Status::of(statuses.get(row)?)?,
            attempts: attempts.get(row)? as usize,
            seconds: seconds.get(row),
            results: results(finals.get(row)?)?,
            current: current.get(row)?,
            tags: text(tags, row).unwrap_or_default(),
            note: text(notes, row),
        })
    };
    Ok((0..frame.height()).map(listed).collect())
}

/// Final metrics, of which those that JSON has no number for are text.
fn results(json: &str) -> Option<BTreeMap<String, f64>> {
    let fields: BTreeMap<String, Value> = serde_json::from_str(json).ok()?;
    let number = |(name, value): (String, Value)| {
        let number = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
        Some((name, number))
    };
    fields.into_iter().map(number).collect()
}
