//! The tables of a store as lazy frames of polars.

use std::{
    any::Any,
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use polars::prelude::*;
use polars_io::prelude::{ParquetReader, SerReader};

use crate::{
    Error,
    read::{files_in, names_in},
    stamp::{self, TABLES},
    text::is_plain,
};

/// The table of runs of an experiment.
pub(crate) const RUNS: &str = "runs";

/// A table of an experiment in a store, as `regimen run` wrote it last.
///
/// `runs` has a row a run with `params.*`, `final.*` and `current`, which is false where another run
/// answers the same request by now; `metrics` has `run_id`, `step`, `metric` and `value`; others are
/// the tables that runs emit, each with a `run_id`. A query reads the columns that it needs.
///
/// # Errors
/// [`Error::Name`] for a name that cannot be a folder; [`Error::Nothing`] when the store has no such
/// experiment and [`Error::Unknown`] when that has no such table; [`Error::Damaged`] when a file is not
/// what was written; [`Error::Io`] or [`Error::Parquet`] when it cannot be read.
pub fn scan(store: &Path, experiment: &str, table: &str) -> Result<LazyFrame, Error> {
    let folder = folder(store, experiment)?;
    let runs = folder.join("runs.parquet");
    let parts = match table {
        RUNS => vec![runs],
        _ if is_plain(table) => files_in(&folder.join(table))?,
        _ => Vec::new(),
    };
    let mut frames = Vec::new();
    for path in parts {
        frames.extend(Table::open(&path)?.map(Table::lazy).transpose()?);
    }
    match frames.len() {
        0 if table == RUNS => Err(nothing(store, experiment)),
        0 => Err(Error::unknown("table", table, tables(&folder)?)),
        1 => Ok(frames.remove(0)),
        _ => concat(frames, UnionArgs::default())
            .map_err(|source| Error::Parquet { path: folder.join(table), source }),
    }
}

/// Where the tables of an experiment lie.
pub(crate) fn folder(store: &Path, experiment: &str) -> Result<PathBuf, Error> {
    if !is_plain(experiment) {
        let wanted = "the name of an experiment";
        return Err(Error::Name { wanted, found: experiment.into() });
    }
    Ok(store.join(TABLES).join(experiment))
}

/// That a store has no table of an experiment.
pub(crate) fn nothing(store: &Path, experiment: &str) -> Error {
    Error::Nothing(format!("no run of {experiment} is in {}", store.display()))
}

/// Names of the tables of an experiment.
fn tables(folder: &Path) -> Result<Vec<String>, Error> {
    let mut tables = names_in(folder)?;
    tables.retain(|name| folder.join(name).is_dir());
    tables.push(RUNS.into());
    Ok(tables)
}

/// An open table that is what was written.
pub(crate) struct Table {
    path: PathBuf,
    /// Readers of its handles share one position.
    file: Mutex<File>,
}

impl Table {
    /// Opens a table; `None` where there is no file.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not what was written; [`Error::Io`] when it cannot be opened.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, Error> {
        let file = stamp::open(path)?;
        Ok(file.map(|file| Self { path: path.into(), file: Mutex::new(file) }))
    }

    /// Some rows of some columns.
    fn read(&self, columns: Option<Vec<String>>, rows: Option<usize>) -> PolarsResult<DataFrame> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        ParquetReader::new(file.try_clone()?)
            .with_columns(columns)
            .with_slice(rows.map(|rows| (0, rows)))
            .finish()
    }

    /// A frame that reads the columns which a query needs.
    ///
    /// # Errors
    /// [`Error::Parquet`] when it is no table.
    pub(crate) fn lazy(self) -> Result<LazyFrame, Error> {
        let path = self.path.clone();
        let lazy = || {
            let schema = self.read(None, Some(0))?.schema().clone();
            let arguments = ScanArgsAnonymous {
                schema: Some(schema),
                name: "TABLE",
                ..ScanArgsAnonymous::default()
            };
            LazyFrame::anonymous_scan(Arc::new(self), arguments)
        };
        lazy().map_err(|source| Error::Parquet { path, source })
    }
}

impl AnonymousScan for Table {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn allows_projection_pushdown(&self) -> bool {
        true
    }

    fn scan(&self, wanted: AnonymousScanArgs) -> PolarsResult<DataFrame> {
        let Some(columns) = wanted.with_columns else { return self.read(None, wanted.n_rows) };
        let names = columns.iter().map(PlSmallStr::to_string).collect();
        self.read(Some(names), wanted.n_rows)?.select(columns.iter().cloned())
    }
}
