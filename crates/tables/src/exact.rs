//! Whether two stores hold the same outcome, bit by bit.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Range,
    path::Path,
};

use polars::prelude::*;

use crate::{
    Cell, Error, Runs, Selection,
    columns::{RUN_ID, is_outcome},
    experiments, processors,
    read::{files_in, names_in, read_frame},
    text::inert_short,
};

/// How many differences are told in words.
const TOLD: usize = 20;

/// Runs of one store only that are named.
const NAMED: usize = 3;
/// Stands for a column where the number of rows differs.
const ROWS: &str = "rows";

/// What [`exact`] looks at; the default is everything.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Only this experiment.
    pub experiment: Option<String>,
    /// Only these runs of either store.
    pub selection: Selection,
}

/// One value that differs between two stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `<experiment>/runs`, `<experiment>/metrics` or `<experiment>/<table>`.
    pub table: String,
    /// The run.
    pub run: String,
    /// Which row of the run, from 1; absent in the run table, which has one.
    pub row: Option<usize>,
    /// The column, or `rows` where the number of a run's rows differs.
    pub column: String,
    /// What the first store holds.
    pub a: String,
    /// What the second store holds.
    pub b: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text| inert_short(text, 60);
        write!(f, "{}: run {}", self.table, short(&self.run))?;
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        if self.column == ROWS {
            return write!(f, ": {} rows here, {} there", self.a, self.b);
        }
        write!(f, ": {} is {} here, {} there", text(&self.column), text(&self.a), text(&self.b))
    }
}

/// As much of a run's id as other commands show.
fn short(run: &str) -> String {
    inert_short(run, 60).chars().take(10).collect()
}

/// How two stores differ in their outcome columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// The first differences of runs that both stores have, by table and run.
    pub first: Vec<Difference>,
    /// How many there are in all, a run of one store only being one.
    pub total: u64,
    /// Runs that are in the first store only, and in the second only.
    pub alone: [Vec<String>; 2],
    /// How many runs were looked at.
    pub runs: usize,
    /// How many values were compared.
    pub values: u64,
    /// The kinds of processor that the runs of each store were computed on, where they are not the same
    /// in both.
    pub processors: [BTreeSet<String>; 2],
}

impl Differences {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    fn add(&mut self, difference: impl FnOnce() -> Difference) {
        self.total += 1;
        if self.first.len() < TOLD {
            self.first.push(difference());
        }
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return write!(f, "{} values of {} runs are identical", self.values, self.runs);
        }
        for (runs, place) in self.alone.iter().zip(["here", "there"]) {
            let named: Vec<String> = runs.iter().take(NAMED).map(|run| short(run)).collect();
            let (named, more) = (named.join(", "), runs.len().saturating_sub(NAMED));
            match (runs.len(), more) {
                (0, _) => {}
                (1, _) => writeln!(f, "1 run is only {place}: {named}")?,
                (count, 0) => writeln!(f, "{count} runs are only {place}: {named}")?,
                (count, more) => {
                    writeln!(f, "{count} runs are only {place}: {named} and {more} more")?;
                }
            }
        }
        for difference in &self.first {
            writeln!(f, "{difference}")?;
        }
        let alone: usize = self.alone.iter().map(Vec::len).sum();
        let more = self.total - (self.first.len() + alone) as u64;
        if more > 0 {
            writeln!(f, "and {more} more")?;
        }
        let what = if self.total == 1 { "difference" } else { "differences" };
        write!(f, "{} {what} in {} values of {} runs", self.total, self.values, self.runs)?;
        let [here, there] = &self.processors;
        if here != there {
            let all: BTreeSet<&str> = here.union(there).map(String::as_str).collect();
            let names: BTreeMap<&str, String> =
                all.iter().copied().zip(processors::short(all.iter().copied())).collect();
            let named = |kinds: &BTreeSet<String>| {
                kinds.iter().map(|kind| names[kind.as_str()].clone()).collect::<Vec<_>>().join(", ")
            };
            let (here, there) = (named(here), named(there));
            write!(
                f,
                "\nthe runs here were computed on {here}, there on {there}: bits are promised for \
                       one kind of processor and one version of OpenBLAS"
            )?;
        }
        Ok(())
    }
}

/// Compares the outcome columns of two stores over run tables, metrics and the runs' own tables.
///
/// Runs that others replaced are left out, unless they were selected by their ids. Rows are matched by `run_id` and, within a run, by their order. Floats are equal when their bits
/// are, so a NaN equals the same NaN and `0.0` differs from `-0.0`; a whole number equals the float
/// of the same value, because the type of a column depends on the other runs in the store.
///
/// # Errors
/// [`Error::Nothing`] when the scope holds no run in either store; [`Error::Io`],
/// [`Error::Parquet`] or [`Error::Layout`] naming a file that cannot be read.
pub fn exact(a: &Path, b: &Path, scope: &Scope) -> Result<Differences, Error> {
    let mut names: BTreeSet<String> = experiments(a)?.into_iter().chain(experiments(b)?).collect();
    names.retain(|name| scope.experiment.as_ref().is_none_or(|wanted| wanted == name));
    let mut differences = Differences::default();
    for experiment in &names {
        let runs = [runs_of(a, experiment, scope)?, runs_of(b, experiment, scope)?];
        for (known, table) in differences.processors.iter_mut().zip(&runs) {
            known.extend(table.processors());
        }
        let [here, there]: [BTreeSet<&str>; 2] =
            [&runs[0], &runs[1]].map(|table| table.runs().collect());
        differences.runs += here.union(&there).count();
        let alone = [here.difference(&there), there.difference(&here)];
        for (runs, known) in alone.into_iter().zip(&mut differences.alone) {
            known.extend(runs.map(|run| (*run).to_owned()));
        }
        let selected: BTreeSet<String> =
            here.intersection(&there).map(|run| (*run).to_owned()).collect();
        let name = format!("{experiment}/runs");
        compare_tables(&name, [&runs[0], &runs[1]], &selected, &mut differences);
        let folders = [a, b].map(|store| store.join("tables").join(experiment));
        let mut tables = BTreeSet::new();
        for folder in &folders {
            let is_table = |name: &String| folder.join(name).is_dir();
            tables.extend(names_in(folder)?.into_iter().filter(is_table));
        }
        for table in &tables {
            let [a, b] = [&folders[0], &folders[1]].map(|folder| Table::read(&folder.join(table)));
            let name = format!("{experiment}/{table}");
            compare_tables(&name, [&a?, &b?], &selected, &mut differences);
        }
    }
    let [here, there] = &differences.processors;
    if here == there {
        differences.processors = Default::default();
    }
    differences.total += differences.alone.iter().map(Vec::len).sum::<usize>() as u64;
    if differences.runs == 0 {
        let [a, b] = [a, b].map(Path::display);
        return Err(Error::Nothing(format!("no such run is in {a} or in {b}")));
    }
    Ok(differences)
}

fn runs_of(store: &Path, experiment: &str, scope: &Scope) -> Result<Table, Error> {
    match Runs::read(store, experiment) {
        Ok(runs) => Ok(Table::of(runs.select(&scope.selection).current().frame().clone())),
        Err(Error::Nothing(_)) => Ok(Table::default()),
        Err(error) => Err(error),
    }
}

/// A table with the rows of every run in their order.
#[derive(Default)]
struct Table {
    frame: DataFrame,
    rows: BTreeMap<String, Vec<Range<usize>>>,
}

impl Table {
    fn of(frame: DataFrame) -> Self {
        let mut rows = BTreeMap::<String, Vec<Range<usize>>>::new();
        if let Ok(ids) = frame.column(RUN_ID).and_then(Column::str) {
            let mut start = 0;
            while start < ids.len() {
                let run = ids.get(start);
                let end = (start..ids.len()).find(|row| ids.get(*row) != run).unwrap_or(ids.len());
                rows.entry(run.unwrap_or("-").to_owned()).or_default().push(start..end);
                start = end;
            }
        }
        Self { frame, rows }
    }

    /// The kinds of processor that the runs were computed on.
    fn processors(&self) -> BTreeSet<String> {
        let column = self.frame.column("blas").ok();
        let Some(kinds) = column.and_then(|column| column.str().ok()) else {
            return BTreeSet::new();
        };
        (0..kinds.len()).filter_map(|row| Some(kinds.get(row)?.to_owned())).collect()
    }

    fn read(folder: &Path) -> Result<Self, Error> {
        let mut all = DataFrame::default();
        for path in files_in(folder)? {
            let parquet = |source| Error::Parquet { path: path.clone(), source };
            let Some(part) = read_frame(&path)? else { continue };
            if !part.column(RUN_ID).is_ok_and(|ids| ids.dtype() == &DataType::String) {
                return Err(Error::Layout { path, wanted: format!("a text column {RUN_ID}") });
            }
            if all.width() == 0 {
                all = part;
            } else {
                all.vstack_mut(&part).map_err(parquet)?;
            }
        }
        all.rechunk_mut();
        Ok(Self::of(all))
    }

    fn runs(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    fn rows_of(&self, run: &str) -> Vec<usize> {
        self.rows.get(run).into_iter().flatten().cloned().flatten().collect()
    }
}

/// Compares every row of the selected runs; a column that only one table has is null in the other.
fn compare_tables(
    name: &str,
    tables: [&Table; 2],
    runs: &BTreeSet<String>,
    differences: &mut Differences,
) {
    let is_run_table = name.ends_with("/runs");
    let names: BTreeSet<&str> = tables
        .iter()
        .flat_map(|table| table.frame.columns().iter().map(|column| column.name().as_str()))
        .filter(|column| *column != RUN_ID && (!is_run_table || is_outcome(column)))
        .collect();
    let columns: Vec<_> = names
        .iter()
        .map(|name| (*name, tables.map(|table| table.frame.column(name).ok())))
        .collect();
    for run in runs {
        let [a, b] = tables.map(|table| table.rows_of(run));
        if a.len() != b.len() {
            differences.add(|| Difference {
                table: name.into(),
                run: run.clone(),
                row: None,
                column: ROWS.into(),
                a: a.len().to_string(),
                b: b.len().to_string(),
            });
            continue;
        }
        for (index, (a, b)) in a.into_iter().zip(b).enumerate() {
            for (column, [in_a, in_b]) in &columns {
                let (a, b) = (value(*in_a, a), value(*in_b, b));
                differences.values += 1;
                if !identical(&a, &b) {
                    let [a, b] = words(&Cell::of(&a), &Cell::of(&b));
                    differences.add(|| Difference {
                        table: name.into(),
                        run: run.clone(),
                        row: (!is_run_table).then_some(index + 1),
                        column: (*column).to_owned(),
                        a,
                        b,
                    });
                }
            }
        }
    }
}

fn value(column: Option<&Column>, row: usize) -> AnyValue<'_> {
    column.and_then(|column| column.get(row).ok()).unwrap_or(AnyValue::Null)
}

fn identical(a: &AnyValue<'_>, b: &AnyValue<'_>) -> bool {
    match (a, b) {
        (AnyValue::Float64(a), AnyValue::Float64(b)) => a.to_bits() == b.to_bits(),
        (AnyValue::Int64(a), AnyValue::Int64(b)) => a == b,
        (AnyValue::UInt64(a), AnyValue::UInt64(b)) => a == b,
        (AnyValue::String(a), AnyValue::String(b)) => a == b,
        _ => same_cell(&Cell::of(a), &Cell::of(b)),
    }
}

fn same_cell(a: &Cell, b: &Cell) -> bool {
    match (a, b) {
        (Cell::Int(int), Cell::Float(float)) | (Cell::Float(float), Cell::Int(int)) => {
            (*int as f64).to_bits() == float.to_bits()
        }
        (Cell::List(a), Cell::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_cell(a, b))
        }
        _ => a == b,
    }
}

/// Both values as text, with the bits of floats that print alike.
fn words(a: &Cell, b: &Cell) -> [String; 2] {
    let texts = [a.to_string(), b.to_string()];
    if texts[0] != texts[1] {
        return texts;
    }
    [a, b].map(|cell| match cell {
        Cell::Float(value) => format!("{value} (bits {:016x})", value.to_bits()),
        Cell::Null => "null".into(),
        other => format!("{other:?}"),
    })
}
