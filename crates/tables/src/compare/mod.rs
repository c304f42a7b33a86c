//! One number a cell: the mean over seeds, with the published number beside it.

mod best;
mod latex;
mod published;
mod render;

use std::collections::{BTreeMap, BTreeSet};

use experiment::Better;
use polars::prelude::*;
use serde::Serialize;

pub use best::Standing;
pub use published::{Published, Theirs};
pub use render::Format;
pub(crate) use render::number;

use crate::{
    Cell, Error, Runs, Selection,
    columns::{PARAMS, SEED, SPEC_ID, STARTED_AT, STATUS},
    read::bare,
    statistics::{self, Bootstrap, Student},
};

/// What to compare; names are full or bare, see [`Runs::resolve`].
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Columns of the run table whose values become rows.
    pub rows: Vec<String>,
    /// Columns of the run table whose values become columns.
    pub columns: Vec<String>,
    /// The metric.
    pub value: String,
    /// Which direction of the metric is better; the best cells are marked where it is known.
    pub better: Option<Better>,
    /// A line a cell with our interval and the gap to the published number, instead of a grid.
    pub lines: bool,
    /// Which runs to look at.
    pub selection: Selection,
}

/// Mean and spread of a metric over seeds, by parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Name of the experiment.
    pub experiment: String,
    /// Bare name of the metric.
    pub metric: String,
    /// What the rows are.
    pub rows: Axis,
    /// What the columns are.
    pub columns: Axis,
    /// One summary for every row and column.
    pub cells: Vec<Vec<Summary>>,
    /// Which runs count, and which do not.
    pub runs: Counts,
    /// Bare names of parameters that differ between the runs of one cell.
    pub averaged_over: Vec<String>,
    /// How the intervals were drawn.
    pub bootstrap: Bootstrap,
    /// Whether text has a line a cell.
    #[serde(skip)]
    pub lines: bool,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Axis {
    /// Bare names.
    pub names: Vec<String>,
    /// Their values: for every row or column one value a name.
    pub keys: Vec<Vec<Cell>>,
}

/// The finished runs of one cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// How many.
    pub n: usize,
    /// Their mean.
    pub mean: Option<f64>,
    /// Their standard deviation (with n - 1), from two runs on.
    pub deviation: Option<f64>,
    /// Their median.
    pub median: Option<f64>,
    /// 95 % bootstrap interval of the mean, from two runs on.
    pub interval: Option<[f64; 2]>,
    /// How it stands beside the best cell.
    pub standing: Option<Standing>,
    /// The paired test against the best cell, over common seeds.
    pub test: Option<Student>,
    /// The p of this test after Holm's correction over the table.
    pub p: Option<f64>,
    /// Their values by seed; the mean where a cell has several runs of one seed.
    #[serde(skip)]
    pub seeds: BTreeMap<Cell, f64>,
    /// Which rows of the selected run table they are.
    #[serde(skip)]
    pub(crate) members: Vec<usize>,
    /// What the paper printed.
    pub published: Option<Theirs>,
    /// Our mean minus the published number.
    pub gap: Option<f64>,
}

/// How many runs were looked at, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Finished, and in the table.
    pub counted: usize,
    /// Failed.
    pub failed: usize,
    /// Running or interrupted.
    pub unfinished: usize,
    /// Finished without the metric.
    pub without_value: usize,
    /// Finished, but another run of the same request with another version or other data is newer.
    pub superseded: usize,
}

/// Summarises the finished runs of an experiment by parameters.
///
/// Keys stand in the order of the published table, what it lacks after that in ascending order. A
/// published number is shown where it is the only one that agrees with every parameter of the cell
/// which both sides know.
///
/// # Errors
/// [`Error::Unknown`], [`Error::Ambiguous`] or [`Error::NotNumeric`] for a wrong name;
/// [`Error::Nothing`] when no selected run is finished.
pub fn compare(
    runs: &Runs,
    request: &Request,
    published: Option<&Published>,
) -> Result<Comparison, Error> {
    let resolve = |names: &[String]| -> Result<Vec<String>, Error> {
        names.iter().map(|name| runs.resolve(name)).collect()
    };
    let axes = [resolve(&request.rows)?, resolve(&request.columns)?];
    let value = runs.resolve(&request.value)?;
    let runs = runs.select(&request.selection);
    let (counted, counts) = count(&runs, &value)?;
    let pivot = Pivot::new(&runs, axes, counted, published)?;
    let mut cells = pivot.summaries(bare(&value))?;
    if let Some(better) = request.better {
        best::mark(&mut cells, better);
    }
    Ok(Comparison {
        experiment: runs.experiment().into(),
        metric: bare(&value).into(),
        averaged_over: pivot.averaged_over()?,
        rows: axis(&pivot.axes[0], pivot.keys[0].clone()),
        columns: axis(&pivot.axes[1], pivot.keys[1].clone()),
        cells,
        runs: counts,
        bootstrap: Bootstrap::default(),
        lines: request.lines,
    })
}

fn axis(names: &[String], keys: Vec<Vec<Cell>>) -> Axis {
    Axis { names: names.iter().map(|name| bare(name).to_owned()).collect(), keys }
}

/// The runs that count, each as its row and its value.
fn count(runs: &Runs, value: &str) -> Result<(Vec<(usize, f64)>, Counts), Error> {
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

    let mut counts = Counts::default();
    let mut newest = BTreeMap::<&Cell, (usize, f64)>::new();
    for (row, status) in statuses.iter().enumerate() {
        match status {
            Cell::Text(status) if status == "finished" => {}
            Cell::Text(status) if status == "failed" => {
                counts.failed += 1;
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
        let Counts { failed, unfinished, without_value, .. } = counts;
        return Err(Error::Nothing(format!(
            "of {} runs of {}, {failed} failed, {unfinished} are unfinished and {without_value} \
             have no {}",
            runs.len(),
            runs.experiment(),
            bare(value)
        )));
    }
    let mut counted: Vec<(usize, f64)> = newest.into_values().collect();
    counted.sort_unstable_by_key(|(row, _)| *row);
    Ok((counted, counts))
}

/// Runs sorted into cells.
struct Pivot<'a> {
    runs: &'a Runs,
    /// Full names of rows and columns.
    axes: [Vec<String>; 2],
    keys: [Vec<Vec<Cell>>; 2],
    /// Runs that count, by the positions of their keys.
    cells: BTreeMap<[usize; 2], Vec<(usize, f64)>>,
    published: Option<&'a Published>,
}

impl<'a> Pivot<'a> {
    fn new(
        runs: &'a Runs,
        axes: [Vec<String>; 2],
        counted: Vec<(usize, f64)>,
        published: Option<&'a Published>,
    ) -> Result<Self, Error> {
        let mut keys = [Vec::new(), Vec::new()];
        let mut positions = [Vec::new(), Vec::new()];
        for side in 0..2 {
            let by_run = keys_by_run(runs, &axes[side])?;
            // Runs that do not count still have their row, so that a hole is seen.
            keys[side] = sorted_keys(&by_run, &axes[side], published);
            let at: BTreeMap<&Vec<Cell>, usize> =
                keys[side].iter().enumerate().map(|(at, key)| (key, at)).collect();
            positions[side] = by_run.iter().map(|key| at[key]).collect();
        }
        let mut cells = BTreeMap::<_, Vec<_>>::new();
        for (run, value) in counted {
            cells.entry([positions[0][run], positions[1][run]]).or_default().push((run, value));
        }
        Ok(Self { runs, axes, keys, cells, published })
    }

    fn summaries(&self, metric: &str) -> Result<Vec<Vec<Summary>>, Error> {
        let seeds = self.runs.cells(SEED)?;
        let mut known = Vec::new();
        for parameter in self.published.map_or(&[][..], Published::parameters) {
            known.push(Known::new(self, &format!("{PARAMS}{parameter}"))?);
        }
        let columns = self.keys[1].len();
        let places: Vec<[usize; 2]> = (0..self.keys[0].len())
            .flat_map(|row| (0..columns).map(move |column| [row, column]))
            .collect();
        let samples: Vec<Vec<f64>> = places
            .iter()
            .map(|at| self.runs_at(*at).iter().map(|(_, value)| *value).collect())
            .collect();
        let intervals = Bootstrap::default().intervals(&samples);
        let mut all = places.iter().zip(&samples).zip(intervals).map(|((at, values), interval)| {
            Summary { interval, ..self.summary(*at, metric, &known, &seeds, values) }
        });
        let row = |_| all.by_ref().take(columns).collect();
        Ok((0..self.keys[0].len()).map(row).collect())
    }

    fn runs_at(&self, at: [usize; 2]) -> &[(usize, f64)] {
        self.cells.get(&at).map_or(&[][..], Vec::as_slice)
    }

    /// Everything but the interval.
    fn summary(
        &self,
        at: [usize; 2],
        metric: &str,
        known: &[Known],
        seeds: &[Cell],
        values: &[f64],
    ) -> Summary {
        let runs = self.runs_at(at);
        let mean = statistics::mean(values);
        let parameters: Option<Vec<Option<&Cell>>> =
            known.iter().map(|known| known.of_cell(self, at, runs)).collect();
        let published = self
            .published
            .zip(parameters)
            .and_then(|(published, parameters)| published.lookup(metric, &parameters))
            .cloned();
        let mut by_seed = BTreeMap::<Cell, Vec<f64>>::new();
        for (run, value) in runs {
            by_seed.entry(seeds[*run].clone()).or_default().push(*value);
        }
        let one = |(seed, values): (Cell, Vec<f64>)| Some((seed, statistics::mean(&values)?));
        Summary {
            n: values.len(),
            median: statistics::median(values),
            interval: None,
            standing: None,
            test: None,
            p: None,
            seeds: by_seed.into_iter().filter_map(one).collect(),
            members: runs.iter().map(|(run, _)| *run).collect(),
            mean,
            deviation: statistics::deviation(values),
            gap: mean.zip(published.as_ref()).map(|(mean, theirs)| mean - theirs.value),
            published,
        }
    }

    fn averaged_over(&self) -> Result<Vec<String>, Error> {
        let mut mixed = Vec::new();
        for name in self.runs.varying() {
            if self.axes.iter().flatten().any(|axis| *axis == name) {
                continue;
            }
            let column = self.runs.column(&name)?;
            let differ = |runs: &Vec<(usize, f64)>| {
                let first = column.get(runs[0].0).ok();
                runs.iter().any(|(run, _)| column.get(*run).ok() != first)
            };
            if self.cells.values().any(differ) {
                mixed.push(bare(&name).to_owned());
            }
        }
        Ok(mixed)
    }
}

/// Where a cell's value of a published parameter comes from.
enum Known {
    /// We have no such parameter.
    Open,
    /// It is on an axis: which, and which name there.
    Axis(usize, usize),
    /// From the runs of the cell, or of all where the cell is empty.
    Runs(Vec<Cell>),
}

impl Known {
    fn new(pivot: &Pivot<'_>, full: &str) -> Result<Self, Error> {
        for (side, names) in pivot.axes.iter().enumerate() {
            if let Some(at) = names.iter().position(|name| name == full) {
                return Ok(Self::Axis(side, at));
            }
        }
        if pivot.runs.columns().any(|column| column == full) {
            return Ok(Self::Runs(pivot.runs.cells(full)?));
        }
        Ok(Self::Open)
    }

    /// `None` where the runs disagree, `Some(None)` where the parameter is open.
    fn of_cell<'a>(
        &'a self,
        pivot: &'a Pivot<'_>,
        at: [usize; 2],
        runs: &[(usize, f64)],
    ) -> Option<Option<&'a Cell>> {
        match self {
            Self::Open => Some(None),
            Self::Axis(side, name) => Some(Some(&pivot.keys[*side][at[*side]][*name])),
            Self::Runs(cells) => {
                let first = &cells[runs.first().map_or(0, |(run, _)| *run)];
                let agree = if runs.is_empty() {
                    cells.iter().all(|cell| cell == first)
                } else {
                    runs.iter().all(|(run, _)| cells[*run] == *first)
                };
                agree.then_some(Some(first))
            }
        }
    }
}

fn keys_by_run(runs: &Runs, names: &[String]) -> Result<Vec<Vec<Cell>>, Error> {
    let mut keys = vec![Vec::with_capacity(names.len()); runs.len()];
    for name in names {
        for (key, cell) in keys.iter_mut().zip(runs.cells(name)?) {
            key.push(cell);
        }
    }
    Ok(keys)
}

fn sorted_keys(
    by_run: &[Vec<Cell>],
    names: &[String],
    published: Option<&Published>,
) -> Vec<Vec<Cell>> {
    let distinct: BTreeSet<&Vec<Cell>> = by_run.iter().collect();
    let mut keys: Vec<Vec<Cell>> = distinct.into_iter().cloned().collect();
    if let Some(published) = published {
        keys.sort_by_cached_key(|key| {
            let position = |(name, cell): (&String, &Cell)| {
                (published.position(bare(name), cell), cell.clone())
            };
            names.iter().zip(key).map(position).collect::<Vec<_>>()
        });
    }
    keys
}
