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
    stamp::{self, Stamp},
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
///   the values (a path with several types is text), `final.<metric>` as floats, missing as null.
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
    let tables = store.join("tables");
    // Two that write at once would leave the tables of one under the stamp of the other.
    let _turn = stamp::take_turn(&tables)?;
    Stamp::remove(&tables);
    let all = runs::rows(fold);
    let mut written = Written { runs: all.len(), ..Written::default() };
    written.files.push(write_frame(&tables.join("runs.parquet"), &runs::across(&all))?);

    let mut experiments = BTreeMap::<&str, Vec<Row<'_>>>::new();
    for row in all {
        experiments.entry(&row.state.spec.experiment).or_default().push(row);
    }
    for (experiment, rows) in &experiments {
        if is_plain(experiment) {
            let folder = tables.join(experiment);
            let defaults = defaults(experiment);
            write_experiment(&folder, experiment, rows, defaults.as_ref(), &mut written)?;
            if defaults.as_ref().is_some_and(sweeps::are_free_form) {
                for (sweep, rows) in sweeps::by_folder(rows) {
                    let path = tables.join("sweeps").join(sweep).join("runs.parquet");
                    let runs = runs::of_experiment(&rows, defaults.as_ref())?;
                    written.files.push(write_frame(&path, &runs)?);
                }
            }
        } else {
            skip(&mut written, (*experiment).to_owned());
        }
    }
    Stamp::new(fold, defaults, &written.files).write(&tables)?;
    Ok(written)
}

fn write_experiment(
    folder: &Path,
    experiment: &str,
    rows: &[Row<'_>],
    defaults: Option<&Value>,
    written: &mut Written,
) -> Result<(), Error> {
    let runs = runs::of_experiment(rows, defaults)?;
    written.files.push(write_frame(&folder.join("runs.parquet"), &runs)?);
    written.files.extend(metrics::write(&folder.join("metrics"), rows, LIMITS)?);
    let own = rows::write(folder, rows, |table| {
        let allowed = experiment::table_name(table).is_ok();
        if !allowed {
            skip(written, format!("{experiment}/{table}"));
        }
        allowed
    })?;
    written.files.extend(own);
    Ok(())
}

fn skip(written: &mut Written, name: String) {
    warn!(name = ?name, "no table: the name cannot be a folder");
    written.skipped.push(name);
}
