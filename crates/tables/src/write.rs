//! Writes all tables of a store from its journal.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use journal::Fold;
use serde_json::Value;
use tracing::warn;

use crate::{
    Error,
    file::write_frame,
    metrics::{self, LIMITS},
    rows,
    runs::{self, Row},
    stamp::{self, Stamp, Sum, TABLES},
    sweeps,
    text::is_plain,
};

/// What [`write_tables`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The files that were replaced.
    pub files: Vec<PathBuf>,
    /// How many runs they tell of.
    pub runs: usize,
    /// What has no table because its name cannot be a folder: `experiment` or `experiment/table`.
    pub skipped: Vec<String>,
}

/// Writes every table below `<store>/tables`, zstd-compressed, each replaced whole.
///
/// - `runs.parquet`: every run, parameters and final metrics as canonical JSON.
/// - `<experiment>/runs.parquet`: one row a run, sorted by `run_id`; `params.<dotted path>` typed by
///   the values (a path with several types is text), `final.<metric>` as floats, missing as null;
///   `current` is false where another run answers the same request by now.
/// - `<experiment>/metrics/part-*.parquet`: `run_id`, `step`, `metric`, `value`.
/// - `<experiment>/<table>/part-0000.parquet`: the rows that runs emitted, after their `run_id`.
/// - `sweeps/<sweep>/runs.parquet`: the rows of one sweep with the columns that it has, where the
///   experiment takes parameters of any name.
///
/// `defaults` gives an experiment's parameters at their defaults: a parameter that was added after a
/// run reads as its default in the run's row.
///
/// # Errors
/// [`Error::Io`] or [`Error::Parquet`] naming the file, which is then as it was before;
/// [`Error::Json`] naming the run whose parameters or rows are malformed.
pub fn write_tables(
    fold: &Fold,
    store: &Path,
    defaults: &dyn Fn(&str) -> Option<Value>,
) -> Result<Written, Error> {
    let tables = store.join(TABLES);
    // Two that write at once would leave the tables of one under the stamp of the other.
    let _turn = stamp::take_turn(&tables)?;
    let stamp = Stamp::begin(&tables)?;
    let all = runs::rows(fold);
    let runs = all.len();
    let sum = |table: &Path| stamp.sum(&tables, table);
    let mut writing = Writing { sum: &sum, made: Vec::new(), skipped: Vec::new() };
    writing.made.push(write_frame(&tables.join("runs.parquet"), &runs::across(&all))?);

    let mut experiments = BTreeMap::<&str, Vec<Row<'_>>>::new();
    for row in all {
        experiments.entry(&row.state.spec.experiment).or_default().push(row);
    }
    for (experiment, rows) in &experiments {
        if is_plain(experiment) {
            let folder = tables.join(experiment);
            let defaults = defaults(experiment);
            writing.experiment(&folder, experiment, rows, defaults.as_ref())?;
            if defaults.as_ref().is_some_and(sweeps::are_free_form) {
                for (sweep, rows) in sweeps::by_folder(rows) {
                    let path = tables.join("sweeps").join(sweep).join("runs.parquet");
                    let runs = runs::of_experiment(&rows, defaults.as_ref())?;
                    writing.made.push(write_frame(&path, &runs)?);
                }
            }
        } else {
            writing.skip((*experiment).to_owned());
        }
    }
    let Writing { made, skipped, .. } = writing;
    let files = made.iter().map(|(path, _)| path.clone()).collect();
    stamp.complete(&tables, &made, fold, defaults)?;
    Ok(Written { files, runs, skipped })
}

/// Tables while they are written.
struct Writing<'a> {
    /// What a table that lies there was written with.
    sum: &'a dyn Fn(&Path) -> Option<Sum>,
    made: Vec<(PathBuf, Sum)>,
    skipped: Vec<String>,
}

impl Writing<'_> {
    fn experiment(
        &mut self,
        folder: &Path,
        name: &str,
        rows: &[Row<'_>],
        defaults: Option<&Value>,
    ) -> Result<(), Error> {
        let runs = runs::of_experiment(rows, defaults)?;
        self.made.push(write_frame(&folder.join("runs.parquet"), &runs)?);
        self.made.extend(metrics::write(&folder.join("metrics"), rows, self.sum, LIMITS)?);
        let own = rows::write(folder, rows, |table| {
            let allowed = experiment::table_name(table).is_ok();
            if !allowed {
                self.skip(format!("{name}/{table}"));
            }
            allowed
        })?;
        self.made.extend(own);
        Ok(())
    }

    fn skip(&mut self, name: String) {
        warn!(name = ?name, "no table: the name cannot be a folder");
        self.skipped.push(name);
    }
}
