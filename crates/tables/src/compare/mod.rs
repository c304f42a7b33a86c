//! One number a cell: the mean over seeds, with the published number beside it.

mod against;
mod agreement;
mod best;
mod block;
mod changes;
mod count;
#[cfg(test)]
mod fits;
mod footer;
mod format;
mod gaps;
mod items;
mod keyed;
mod labels;
mod latex;
mod layout;
mod library;
mod lines;
mod markdown;
mod metric;
mod passes;
mod pivot;
mod places;
mod published;
mod records;
mod render;
mod sheet;
mod table;
mod terminal;
mod theirs;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use experiment::{Better, Items};
use serde::Serialize;

use count::count;
use items::Scores;
use pivot::{Axes, Pivot};

pub use against::{Change, Regression, Side, Verdict, against};
pub use agreement::Agreement;
pub use best::{Standing, Test};
pub(crate) use footer::over_items;
pub use format::{Format, Terminal};
pub use library::Library;
pub use metric::no_metric;
pub use passes::{Passed, Passes};
pub(crate) use places::{Places, places};
pub use published::{Published, Theirs};
pub(crate) use sheet::number;
pub use table::MetricTable;

use crate::{Cell, Error, Runs, Selection, processors::kinds, read::bare, statistics::Bootstrap};

/// What to compare; names are full or bare, see [`Runs::resolve`].
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Columns of the run table whose values become rows.
    pub rows: Vec<String>,
    /// Columns of the run table whose values become columns.
    pub columns: Vec<String>,
    /// Columns of the run table whose values stand side by side in one cell.
    pub cells: Vec<String>,
    /// The metric.
    pub value: String,
    /// Which direction of the metric is better; the best cells are marked where it is known.
    pub better: Option<Better>,
    /// The values of single items behind the metric, which tests then pair by item, and of which
    /// intervals are where the metric is no mean of them.
    pub items: Option<Items>,
    /// A value that cells are to reach; a last row then counts those of each column that do.
    pub passes: Option<f64>,
    /// A line a cell with our interval and the gap to the published number, instead of a grid.
    pub lines: bool,
    /// Which runs to look at.
    pub selection: Selection,
    /// What was changed beside what the configuration says, for example
    /// `params.epochs=20 in place of 10`.
    pub changed: Vec<String>,
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
    /// What the columns are, with what stands side by side in one cell at the end.
    pub columns: Axis,
    /// What stands side by side in one cell: the last names of the columns, and their keys.
    #[serde(skip_serializing_if = "Axis::is_empty")]
    pub inner: Axis,
    /// One summary for every row and column.
    pub cells: Vec<Vec<Summary>>,
    /// How many cells of each column pass, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passes: Option<Passes>,
    /// Which runs count, and which do not.
    pub runs: Counts,
    /// Bare names of parameters that differ between the runs of one cell.
    pub averaged_over: Vec<String>,
    /// What was changed beside what the configuration says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// How many of the runs were computed on processors of each kind, where there are several kinds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mixed_cpu: BTreeMap<String, usize>,
    /// How the intervals were drawn.
    pub bootstrap: Bootstrap,
    /// What intervals are of, where these are over runs and their items; they are of the mean over
    /// runs otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistic: Option<&'static str>,
    /// Why runs were looked at as if they had left nothing about their items, a sentence a reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused_items: Vec<String>,
    /// Whether text has a line a cell.
    #[serde(skip)]
    pub lines: bool,
}

/// One side of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Axis {
    /// Bare names.
    pub names: Vec<String>,
    /// Their values: for every row or column one value a name.
    pub keys: Vec<Vec<Cell>>,
}

impl Axis {
    fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
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
    /// The test against the best cell, over common seeds.
    pub test: Option<Test>,
    /// The p of this test after Holm's correction over the table.
    pub p: Option<f64>,
    /// Their values by seed; the mean where a cell has several runs of one seed.
    #[serde(skip)]
    pub seeds: BTreeMap<Cell, f64>,
    /// Which rows of the selected run table they are, by seed.
    #[serde(skip)]
    pub(crate) members: BTreeMap<Cell, Vec<usize>>,
    /// What the paper printed.
    pub published: Option<Theirs>,
    /// Our mean minus the published number.
    pub gap: Option<f64>,
    /// Whether the gap is within the spread of both.
    pub agreement: Option<Agreement>,
}

/// How many runs were looked at, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Finished, and in the table.
    pub counted: usize,
    /// Failed.
    pub failed: usize,
    /// Not attempted, because a run that they need has no results.
    pub blocked: usize,
    /// Running or interrupted.
    pub unfinished: usize,
    /// At a rung of a search.
    pub pruned: usize,
    /// Finished without the metric.
    pub without_value: usize,
    /// Replaced: another run answers the same request with another version, other code or data.
    pub superseded: usize,
    /// Asked for, but not in the store.
    pub missing: usize,
}

/// Summarises the finished runs of an experiment by parameters.
///
/// Keys stand in the order of the published table, what it lacks after that in natural order. A
/// published number is shown where it is the only one that agrees with every parameter of the cell
/// which both sides know.
///
/// # Errors
/// [`Error::Unknown`], [`Error::Ambiguous`] or [`Error::NotNumeric`] for a wrong name;
/// [`Error::Nothing`] when no selected run is finished with the metric.
pub fn compare(
    runs: &Runs,
    request: &Request,
    published: Option<&Published>,
) -> Result<Comparison, Error> {
    let axes = Axes::of(runs, request)?;
    let selected = runs.select(&request.selection);
    let asked = request.selection.runs.as_ref().map(BTreeSet::len);
    let current = selected.current();
    let left_out = Counts {
        superseded: selected.len() - current.len(),
        missing: asked.map_or(0, |asked| asked.saturating_sub(selected.len())),
        ..Counts::default()
    };
    let value = metric::resolve(runs, &current, &request.value, left_out)?;
    let runs = current;
    let counts = count(&runs, &value, left_out)?;
    let pivot = Pivot::new(&runs, &axes, Some(&value), published)?;
    let counted = pivot.counted()?;
    let mut cells = pivot.summaries()?;
    let [rows, columns] = pivot.sides.each_ref().map(|side| axis(&side.names, side.keys.clone()));
    let inner = axis(&axes.columns[axes.columns.len() - axes.inner..], pivot.inner.clone());
    let items = request.items.as_ref();
    let items = items.map(|items| Scores::read(&runs, items, &counted)).transpose()?;
    let statistic = items.as_ref().and_then(|items| draw_items(&mut cells, items));
    if let Some(better) = request.better {
        best::mark(&mut cells, &conditions(&columns, &inner), better, items.as_ref());
    }
    Ok(Comparison {
        experiment: runs.experiment().into(),
        metric: bare(&value).into(),
        averaged_over: pivot.averaged_over.clone(),
        rows,
        columns,
        inner,
        passes: request.passes.map(|at| Passes::count(&cells, at, request.better)),
        cells,
        runs: counts,
        changed: request.changed.clone(),
        mixed_cpu: Some(kinds(&runs, counted.iter().map(|(row, _)| *row)))
            .filter(|kinds| kinds.len() > 1)
            .unwrap_or_default(),
        bootstrap: Bootstrap::default(),
        statistic,
        refused_items: items.map(|items| items.refused()).unwrap_or_default(),
        lines: request.lines,
    })
}

/// Makes the intervals of cells ones over runs and items, where the metric is no mean of items; its
/// name, where there are such cells.
fn draw_items(cells: &mut [Vec<Summary>], scores: &Scores) -> Option<&'static str> {
    let mut name = None;
    for cell in cells.iter_mut().flatten() {
        let runs: Vec<usize> = cell.members.values().flatten().copied().collect();
        if let Some(interval) = scores.interval(&runs) {
            cell.interval = Some(interval);
            name = Some(scores.statistic.name());
        }
    }
    name
}

fn axis(names: &[String], keys: Vec<Vec<Cell>>) -> Axis {
    Axis { names: names.iter().map(|name| bare(name).to_owned()).collect(), keys }
}

/// For each column where its last values stand among those of a cell; 0 where cells hold one.
fn conditions(columns: &Axis, inner: &Axis) -> Vec<usize> {
    let first = columns.names.len() - inner.names.len();
    let condition = |key: &Vec<Cell>| inner.keys.iter().position(|inner| *inner == key[first..]);
    columns.keys.iter().map(|key| condition(key).unwrap_or(0)).collect()
}
