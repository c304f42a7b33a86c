//! One row a run.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use experiment::{RunId, canonical_json};
use journal::{Fold, RunSpec, RunState};
use polars::prelude::*;
use serde_json::{Map, Value};

use crate::{
    Error,
    columns::{CURRENT, FINAL, PARAMS, RUN_ID, SPEC_ID, STATUS, SWEEP},
    execution::Execution,
    values::{Kinds, fill_defaults},
};

/// A run with what the tables say about its execution.
#[derive(Clone)]
pub(crate) struct Row<'a> {
    pub(crate) run: RunId,
    pub(crate) state: &'a RunState,
    /// Whether no other run answers its request by now.
    pub(crate) current: bool,
    pub(crate) results: &'a BTreeMap<String, f64>,
    pub(crate) execution: Execution<'a>,
    pub(crate) tags: String,
    pub(crate) note: Option<&'a str>,
}

impl Row<'_> {
    fn spec(&self) -> &RunSpec {
        &self.state.spec
    }
}

/// Every run of the fold, sorted by `run_id`.
pub(crate) fn rows(fold: &Fold) -> Vec<Row<'_>> {
    let superseded = fold.superseded();
    let row = |(run, state): (&RunId, _)| row(*run, state, fold, &superseded);
    fold.runs.iter().map(row).collect()
}

fn row<'a>(
    run: RunId,
    state: &'a RunState,
    fold: &'a Fold,
    superseded: &HashSet<RunId>,
) -> Row<'a> {
    Row {
        run,
        state,
        current: !superseded.contains(&run),
        results: state.results(),
        execution: Execution::of(state, fold),
        tags: fold.tags(run).collect::<Vec<_>>().join(" "),
        note: fold.note(run),
    }
}

/// The table over all experiments: fixed columns, parameters and final metrics as canonical JSON.
pub(crate) fn across(rows: &[Row<'_>]) -> DataFrame {
    let mut columns = ids(rows);
    columns.push(text("experiment", rows, |row| &row.spec().experiment));
    columns.push(text(SWEEP, rows, |row| &row.spec().sweep));
    columns.push(text("params", rows, |row| &row.spec().params));
    columns.push(column("seed", rows, |row| row.spec().seed));
    columns.push(text(STATUS, rows, |row| row.state.status().as_str()));
    columns.push(column(CURRENT, rows, |row| row.current));
    columns.push(column("final", rows, |row| results_json(row.results)));
    columns.extend(provenance(rows));
    frame(rows, columns)
}

/// The table of one experiment, with a column for every parameter and final metric.
///
/// `defaults` are the experiment's parameters at their defaults, for rows from before one was added.
pub(crate) fn of_experiment(
    rows: &[Row<'_>],
    defaults: Option<&Value>,
) -> Result<DataFrame, Error> {
    let mut columns = ids(rows);
    columns.push(text(SWEEP, rows, |row| &row.spec().sweep));
    columns.extend(params(rows, defaults)?);
    columns.push(column("seed", rows, |row| row.spec().seed));
    columns.push(text(STATUS, rows, |row| row.state.status().as_str()));
    columns.push(column(CURRENT, rows, |row| row.current));
    let metrics: BTreeSet<&str> =
        rows.iter().flat_map(|row| row.results.keys().map(String::as_str)).collect();
    for metric in metrics {
        columns.push(column(&format!("{FINAL}{metric}"), rows, |row| {
            row.results.get(metric).copied()
        }));
    }
    columns.extend(provenance(rows));
    Ok(frame(rows, columns))
}

fn params(rows: &[Row<'_>], defaults: Option<&Value>) -> Result<Vec<Column>, Error> {
    let parse = |row: &Row<'_>| {
        let parsed = serde_json::from_str(&row.spec().params);
        let wrong = |source| Error::Json { run: row.run, what: "params".into(), source };
        let mut value: Value = parsed.map_err(wrong)?;
        if let Some(defaults) = defaults {
            fill_defaults(&mut value, defaults);
        }
        Ok::<_, Error>(value)
    };
    let mut kinds = Kinds::default();
    for row in rows {
        kinds.observe(&parse(row)?);
    }
    let mut builders = kinds.builders();
    for row in rows {
        builders.push(&parse(row)?);
    }
    Ok(builders.finish(|path| format!("{PARAMS}{path}")))
}

fn ids(rows: &[Row<'_>]) -> Vec<Column> {
    vec![
        column(RUN_ID, rows, |row| row.run.to_string()),
        column(SPEC_ID, rows, |row| row.spec().spec.to_string()),
    ]
}

fn provenance(rows: &[Row<'_>]) -> Vec<Column> {
    vec![
        column("attempts", rows, |row| row.execution.attempts),
        column("started_at", rows, |row| row.execution.started_at),
        column("seconds", rows, |row| row.execution.seconds),
        column("cpu_seconds", rows, |row| row.execution.cpu_seconds),
        column("peak_memory_bytes", rows, |row| row.execution.peak_memory_bytes),
        optional_text("host", rows, |row| row.execution.writer.map(|w| w.host.as_str())),
        optional_text("version", rows, |row| row.execution.writer.map(|w| w.version.as_str())),
        optional_text("commit", rows, |row| row.execution.writer.map(|w| w.commit.as_str())),
        optional_text("blas", rows, |row| row.execution.writer.map(|w| w.blas.as_str())),
        optional_text("cpu", rows, |row| row.execution.writer.map(|w| w.cpu.as_str())),
        column("mixed_cpu", rows, |row| row.execution.mixed_cpu),
        column("device", rows, |row| row.spec().device.to_string()),
        optional_text("code", rows, |row| row.execution.code.as_deref()),
        optional_text("gpus", rows, |row| row.execution.gpus.as_deref()),
        column("threads", rows, |row| row.spec().threads as u32),
        optional_text("error", rows, |row| row.state.error()),
        optional_text("tags", rows, |row| Some(row.tags.as_str()).filter(|tags| !tags.is_empty())),
        optional_text("note", rows, |row| row.note),
        column("experiment_version", rows, |row| row.spec().experiment_version),
        column("engine", rows, |row| row.spec().engine),
        data(rows),
    ]
}

/// Checksums of what runs read and, after `run:`, the ids of runs that they build on, by name, as
/// canonical JSON: as text, so that rows can be grouped by it in every reader.
fn data(rows: &[Row<'_>]) -> Column {
    let json = |row: &Row<'_>| {
        let mut sums = row.spec().data.clone();
        let needed = row.spec().needs.iter();
        sums.extend(needed.map(|(name, run)| (format!("run:{name}"), run.to_string())));
        let text = || serde_json::to_string(&sums).expect("names and sums are text");
        // The keys of the map are sorted.
        (!sums.is_empty()).then(text)
    };
    StringChunked::from_iter_options("data".into(), rows.iter().map(json)).into_column()
}

/// Final metrics as canonical JSON; what JSON has no number for is `"NaN"`, `"inf"` or `"-inf"`.
fn results_json(results: &BTreeMap<String, f64>) -> String {
    let number = |value: f64| match serde_json::Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None => Value::String(value.to_string()),
    };
    let fields: Map<String, Value> =
        results.iter().map(|(metric, value)| (metric.clone(), number(*value))).collect();
    canonical_json(&Value::Object(fields))
}

fn frame(rows: &[Row<'_>], columns: Vec<Column>) -> DataFrame {
    DataFrame::new(rows.len(), columns).expect("columns of one length with their own names")
}

fn column<T>(name: &str, rows: &[Row<'_>], value: impl Fn(&Row<'_>) -> T) -> Column
where
    Series: NamedFrom<Vec<T>, [T]>,
{
    Column::new(name.into(), rows.iter().map(value).collect::<Vec<T>>())
}

fn text<'a>(name: &str, rows: &'a [Row<'_>], value: impl Fn(&'a Row<'_>) -> &'a str) -> Column {
    optional_text(name, rows, |row| Some(value(row)))
}

fn optional_text<'a>(
    name: &str,
    rows: &'a [Row<'_>],
    value: impl Fn(&'a Row<'_>) -> Option<&'a str>,
) -> Column {
    StringChunked::from_iter_options(name.into(), rows.iter().map(value)).into_column()
}
