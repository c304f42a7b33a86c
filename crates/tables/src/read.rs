//! Reads the run table of an experiment, selects its rows and resolves names of columns.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use experiment::{RunId, SpecId};
use polars::prelude::*;
use polars_io::prelude::{ParquetReader, SerReader};

use crate::{
    Cell, Error,
    columns::{CURRENT, FINAL, PARAMS, RUN_ID, SEED, SPEC_ID, STATUS, SWEEP},
    file::failed,
    metrics::LIMITS,
    scan::{self, Table},
    stamp::TABLES,
    text::is_plain,
};

/// Which runs to look at; the default is all of them.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only runs that this sweep executed.
    pub sweep: Option<String>,
    /// Only these runs, for example those of a plan.
    pub runs: Option<BTreeSet<RunId>>,
    /// Only runs that answer these requests, whatever version or data they were computed with.
    pub specs: Option<BTreeSet<SpecId>>,
}

impl Selection {
    /// What rows of a run table must fulfil, each with the column that it is about.
    fn wanted(&self) -> Vec<(&'static str, Expr)> {
        let sweep = self.sweep.as_ref().map(|sweep| (SWEEP, col(SWEEP).eq(lit(sweep.as_str()))));
        let runs = self.runs.as_ref().map(|runs| is_one_of(RUN_ID, runs));
        let specs = self.specs.as_ref().map(|specs| is_one_of(SPEC_ID, specs));
        [sweep, runs, specs].into_iter().flatten().collect()
    }
}

fn is_one_of<T: ToString>(column: &'static str, ids: &BTreeSet<T>) -> (&'static str, Expr) {
    let ids: StringChunked = ids.iter().map(|id| Some(id.to_string())).collect();
    (column, col(column).is_in(lit(ids.into_series()).implode(true), false))
}

/// The run table of one experiment, read back.
#[derive(Debug, Clone)]
pub struct Runs {
    experiment: String,
    /// The experiment's folder of tables.
    folder: PathBuf,
    frame: DataFrame,
    /// Whether the runs are those that were asked for by their ids.
    asked: bool,
}

impl Runs {
    /// Reads `<store>/tables/<experiment>/runs.parquet`.
    ///
    /// # Errors
    /// [`Error::Name`] for a name that cannot be a folder; [`Error::Nothing`] when there is no such
    /// table; [`Error::Damaged`] when it is not what was written; [`Error::Io`] or
    /// [`Error::Parquet`] when it cannot be read.
    pub fn read(store: &Path, experiment: &str) -> Result<Self, Error> {
        let folder = scan::folder(store, experiment)?;
        let path = folder.join("runs.parquet");
        let frame = read_frame(&path)?.ok_or_else(|| scan::nothing(store, experiment))?;
        let runs = Self { experiment: experiment.into(), folder, frame, asked: false };
        let has_ids = runs.frame.column(RUN_ID).is_ok_and(|ids| ids.dtype() == &DataType::String);
        if !has_ids {
            return Err(Error::Layout { path, wanted: format!("a text column {RUN_ID}") });
        }
        Ok(runs)
    }

    /// Name of the experiment.
    pub fn experiment(&self) -> &str {
        &self.experiment
    }

    /// How many runs.
    pub fn len(&self) -> usize {
        self.frame.height()
    }

    /// Whether there is no run.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether some run is finished.
    pub fn has_finished(&self) -> bool {
        let statuses = self.texts(STATUS);
        statuses.is_some_and(|all| all.iter().any(|status| status == Some("finished")))
    }

    /// Full names of the columns, in their order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.frame.columns().iter().map(|column| column.name().as_str())
    }

    /// The values of a column by its full name, one a run.
    ///
    /// # Errors
    /// [`Error::Unknown`] when there is none of that name.
    pub fn cells(&self, column: &str) -> Result<Vec<Cell>, Error> {
        let column = self.column(column)?;
        Ok((0..self.len())
            .map(|row| column.get(row).map_or(Cell::Null, |value| Cell::of(&value)))
            .collect())
    }

    /// Full names of the parameters that differ between runs.
    pub fn varying(&self) -> Vec<String> {
        let varies = |column: &&Column| {
            column.name().starts_with(PARAMS)
                && (1..self.len()).any(|row| column.get(row).ok() != column.get(0).ok())
        };
        self.frame.columns().iter().filter(varies).map(|c| c.name().to_string()).collect()
    }

    /// The runs that `selection` asks for.
    pub fn select(&self, selection: &Selection) -> Self {
        let asked = self.asked || selection.runs.is_some();
        let wanted = selection.wanted().into_iter().filter(|(column, _)| self.has_texts(column));
        let wanted = wanted.map(|(_, wanted)| wanted).reduce(Expr::and);
        Self { asked, ..wanted.map_or_else(|| self.clone(), |wanted| self.filter(wanted)) }
    }

    /// The runs that answer their requests by now: without those that a newer version, other code or
    /// other data replaced. Runs that were selected by their ids are what was asked for, all of them.
    pub fn current(&self) -> Self {
        match self.frame.column(CURRENT).and_then(Column::bool) {
            Ok(current) if !self.asked && !current.all() => self.filter(col(CURRENT)),
            // A table of an earlier version does not know.
            _ => self.clone(),
        }
    }

    fn filter(&self, wanted: Expr) -> Self {
        let mut frame = self
            .lazy()
            .filter(wanted)
            .collect()
            .expect("columns that the table has, compared with values of their types");
        frame.rechunk_mut();
        Self { frame, ..self.clone() }
    }

    /// The full name of the column that `name` stands for: a full name itself, a bare one for
    /// `params.<name>` or `final.<name>` where only one of them exists, or else the end of the only
    /// parameter that ends so. A parameter goes before a column that every run table has.
    ///
    /// # Errors
    /// [`Error::Ambiguous`] with the candidates, or [`Error::Unknown`] with the nearest name.
    pub fn resolve(&self, name: &str) -> Result<String, Error> {
        let exists = |full: &String| self.frame.schema().contains(full);
        let full = [name.to_owned(), format!("{PARAMS}{name}"), format!("{FINAL}{name}")];
        let mut candidates: Vec<String> = full.into_iter().filter(exists).collect();
        if candidates.iter().any(|candidate| candidate.starts_with(PARAMS)) {
            candidates.retain(|candidate| candidate != name || name.starts_with(PARAMS));
        }
        if candidates.is_empty() && !name.is_empty() {
            let end = format!(".{}", name.strip_prefix(PARAMS).unwrap_or(name));
            let ends = |full: &&str| full.starts_with(PARAMS) && full.ends_with(&end);
            candidates.extend(self.columns().filter(ends).map(str::to_owned));
        }
        match candidates.len() {
            1 => Ok(candidates.remove(0)),
            0 => Err(self.unknown(name)),
            _ => Err(Error::Ambiguous { name: name.into(), candidates }),
        }
    }

    pub(crate) fn column(&self, name: &str) -> Result<&Column, Error> {
        self.frame.column(name).map_err(|_| self.unknown(name))
    }

    /// The experiment's folder of tables.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn frame(&self) -> &DataFrame {
        &self.frame
    }

    pub(crate) fn lazy(&self) -> LazyFrame {
        self.frame.clone().lazy()
    }

    /// What a query over the table failed with.
    pub(crate) fn failed(&self, source: PolarsError) -> Error {
        Error::Parquet { path: self.folder.join("runs.parquet"), source }
    }

    fn has_texts(&self, column: &str) -> bool {
        self.texts(column).is_some()
    }

    fn texts(&self, column: &str) -> Option<&StringChunked> {
        self.frame.column(column).ok()?.str().ok()
    }

    /// That no column has this name; parameters are named first, then what else may make an axis.
    fn unknown(&self, name: &str) -> Error {
        let is_parameter = |full: &&str| full.starts_with(PARAMS) || *full == SEED;
        let is_other = |full: &&str| {
            !is_parameter(full) && !full.starts_with(FINAL) && ![RUN_ID, SPEC_ID].contains(full)
        };
        let names = self.columns().filter(is_parameter).chain(self.columns().filter(is_other));
        Error::unknown("column", name, names.map(|full| bare(full).to_owned()).collect())
    }
}

/// Names of the experiments that have a run table in a store, sorted.
///
/// # Errors
/// [`Error::Io`] when the folder of tables cannot be listed; none is no error.
pub fn experiments(store: &Path) -> Result<Vec<String>, Error> {
    let has_runs = |folder: &String| {
        is_plain(folder) && store.join(TABLES).join(folder).join("runs.parquet").is_file()
    };
    Ok(names_in(&store.join(TABLES))?.into_iter().filter(has_runs).collect())
}

/// A column's name without `params.` or `final.`.
pub(crate) fn bare(column: &str) -> &str {
    column.strip_prefix(PARAMS).or_else(|| column.strip_prefix(FINAL)).unwrap_or(column)
}

/// Sorted names of what is in a folder; empty where there is none.
pub(crate) fn names_in(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(failed("list", folder, e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|e| failed("list", folder, e))?.file_name();
        names.extend(name.into_string());
    }
    names.sort_unstable();
    Ok(names)
}

/// Calls `visit` with some thousand rows after the other of an open table.
pub(crate) fn batches(
    path: &Path,
    file: &File,
    columns: &[&str],
    visit: &mut dyn FnMut(&DataFrame) -> Result<(), Error>,
) -> Result<(), Error> {
    let parquet = |source| Error::Parquet { path: path.into(), source };
    let reader = || -> Result<_, Error> {
        Ok(ParquetReader::new(file.try_clone().map_err(|e| failed("read", path, e))?))
    };
    let height = reader()?.num_rows().map_err(parquet)?;
    for start in (0..height).step_by(LIMITS.batch_rows) {
        let frame = reader()?
            .with_columns(Some(columns.iter().map(|name| (*name).to_owned()).collect()))
            .with_slice(Some((start, LIMITS.batch_rows)))
            .finish()
            .map_err(parquet)?;
        visit(&frame)?;
    }
    Ok(())
}

/// One Parquet file with each column in one piece; `None` where there is no file.
///
/// # Errors
/// [`Error::Damaged`] when it is not what was written.
pub(crate) fn read_frame(path: &Path) -> Result<Option<DataFrame>, Error> {
    let Some(table) = Table::open(path)? else { return Ok(None) };
    let mut frame =
        table.lazy()?.collect().map_err(|source| Error::Parquet { path: path.into(), source })?;
    frame.rechunk_mut();
    Ok(Some(frame))
}

/// Paths of the Parquet files in a folder, sorted.
pub(crate) fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let is_table = |name: &String| name.ends_with(".parquet");
    Ok(names_in(folder)?.into_iter().filter(is_table).map(|name| folder.join(name)).collect())
}
