//! Runs sorted into cells.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Agreement, Published, Request, Summary, Theirs,
    written::{self, Written},
};
use crate::{
    Cell, Error, Runs,
    columns::{PARAMS, SEED, SPEC_ID, STATUS},
    read::bare,
    statistics::{self, Bootstrap},
};

/// Full names of what makes rows and columns.
pub(super) struct Axes {
    pub(super) rows: Vec<String>,
    /// Those of the cells at the end.
    pub(super) columns: Vec<String>,
    /// How many of the columns stand side by side in one cell.
    pub(super) inner: usize,
}

impl Axes {
    /// The columns of a run table that a request names.
    pub(super) fn of(runs: &Runs, request: &Request) -> Result<Self, Error> {
        let resolve = |names: &[String]| -> Result<Vec<String>, Error> {
            names.iter().map(|name| runs.resolve(name)).collect()
        };
        Ok(Self {
            rows: resolve(&request.rows)?,
            columns: resolve(&[&request.columns[..], &request.cells].concat())?,
            inner: request.cells.len(),
        })
    }
}

/// Runs sorted into cells.
pub(super) struct Pivot<'a> {
    runs: &'a Runs,
    /// Full names of rows and columns.
    pub(super) axes: [Vec<String>; 2],
    pub(super) keys: [Vec<Vec<Cell>>; 2],
    /// Keys of what stands side by side in a cell.
    pub(super) inner: Vec<Vec<Cell>>,
    /// Bare names of parameters that differ between the runs of one cell.
    pub(super) averaged_over: Vec<String>,
    /// Runs that count, by the positions of their keys.
    cells: BTreeMap<[usize; 2], Vec<(usize, f64)>>,
    published: Option<&'a Published>,
}

impl<'a> Pivot<'a> {
    pub(super) fn new(
        runs: &'a Runs,
        axes: &Axes,
        counted: &[(usize, f64)],
        published: Option<&'a Published>,
    ) -> Result<Self, Error> {
        let mut columns = Columns::read(runs, axes)?;
        let mut pivot = Self::of(runs, axes, &columns, counted, published);
        pivot.averaged_over = pivot.mixed()?;
        if pivot.averaged_over.is_empty() && !pivot.same_seed()?.is_empty() {
            // What was written may differ where the columns do not.
            let written = columns.write(runs)?;
            pivot = Self::of(runs, axes, &columns, counted, published);
            let pairs = pivot.same_seed()?;
            let hidden: BTreeSet<String> =
                pairs.into_iter().flat_map(|pair| written.differences(pair)).collect();
            pivot.averaged_over = hidden.into_iter().collect();
        }
        Ok(pivot)
    }

    fn of(
        runs: &'a Runs,
        axes: &Axes,
        columns: &Columns,
        counted: &[(usize, f64)],
        published: Option<&'a Published>,
    ) -> Self {
        let first = axes.columns.len() - axes.inner;
        let [rows, all, inner] = [&axes.rows[..], &axes.columns[..], &axes.columns[first..]]
            .map(|names| columns.keys(names, published));
        let mut cells = BTreeMap::<_, Vec<_>>::new();
        for (run, value) in counted {
            cells.entry([rows.of_run[*run], all.of_run[*run]]).or_default().push((*run, *value));
        }
        Self {
            runs,
            axes: [axes.rows.clone(), axes.columns.clone()],
            keys: [rows.distinct, all.distinct],
            inner: if axes.inner == 0 { Vec::new() } else { inner.distinct },
            averaged_over: Vec::new(),
            cells,
            published,
        }
    }

    /// Runs of one cell and one seed that answer different requests, as pairs.
    fn same_seed(&self) -> Result<Vec<[usize; 2]>, Error> {
        let mut pairs = Vec::new();
        if self.cells.values().all(|runs| runs.len() < 2) {
            return Ok(pairs);
        }
        let (seeds, specs) = (self.runs.cells(SEED)?, self.runs.cells(SPEC_ID)?);
        for runs in self.cells.values() {
            let mut first = HashMap::<&Cell, usize>::new();
            for (run, _) in runs {
                let before = *first.entry(&seeds[*run]).or_insert(*run);
                if specs[before] != specs[*run] {
                    pairs.push([before, *run]);
                }
            }
        }
        Ok(pairs)
    }

    pub(super) fn summaries(&self, metric: &str) -> Result<Vec<Vec<Summary>>, Error> {
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

    /// The runs that have a place, with it.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, [usize; 2])> {
        let placed = self.cells.iter().filter(|(at, _)| at[0] != NOWHERE);
        placed.flat_map(|(at, runs)| runs.iter().map(|(run, _)| (*run, *at)))
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
        let mut by_seed = BTreeMap::<Cell, Vec<f64>>::new();
        let mut members = BTreeMap::<Cell, Vec<usize>>::new();
        for (run, value) in runs {
            by_seed.entry(seeds[*run].clone()).or_default().push(*value);
            members.entry(seeds[*run].clone()).or_default().push(*run);
        }
        let one = |(seed, values): (Cell, Vec<f64>)| Some((seed, statistics::mean(&values)?));
        let published = self.theirs(at, metric, known).cloned();
        let (mean, deviation) = (statistics::mean(values), statistics::deviation(values));
        let gap = mean.zip(published.as_ref()).map(|(mean, theirs)| mean - theirs.value);
        Summary {
            n: values.len(),
            median: statistics::median(values),
            interval: None,
            standing: None,
            test: None,
            p: None,
            seeds: by_seed.into_iter().filter_map(one).collect(),
            members,
            mean,
            deviation,
            agreement: gap
                .zip(published.as_ref())
                .map(|(gap, theirs)| Agreement::of(gap, deviation, theirs)),
            gap,
            published,
        }
    }

    /// The published number of a cell.
    fn theirs(&self, at: [usize; 2], metric: &str, known: &[Known]) -> Option<&'a Theirs> {
        let runs = self.runs_at(at);
        let parameters: Option<Vec<Option<&Cell>>> =
            known.iter().map(|known| known.of_cell(self, at, runs)).collect();
        self.published?.lookup(metric, &parameters?)
    }

    /// Bare names of the columns that differ between the runs of one cell.
    fn mixed(&self) -> Result<Vec<String>, Error> {
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

/// The columns of the axes, by their full names.
struct Columns {
    cells: HashMap<String, Vec<Cell>>,
    /// Of each run whether it has a place in the table. Those that failed do, so that a hole is seen;
    /// those that a search pruned are no hole.
    placed: Vec<bool>,
}

/// Where a run without a place stands; runs that count have one.
const NOWHERE: usize = usize::MAX;

/// The keys of an axis: the distinct ones in their order, and which of them each run has.
struct Keys {
    distinct: Vec<Vec<Cell>>,
    of_run: Vec<usize>,
}

impl Columns {
    /// Reads the columns; those that may hold several kinds of values as they were written.
    fn read(runs: &Runs, axes: &Axes) -> Result<Self, Error> {
        let statuses = runs.column(STATUS)?;
        let placed = match statuses.str() {
            Ok(statuses) => statuses.iter().map(|status| status != Some("pruned")).collect(),
            Err(_) => vec![true; runs.len()],
        };
        let mut columns = Self { cells: HashMap::new(), placed };
        let mut mixed = false;
        for name in axes.rows.iter().chain(&axes.columns) {
            mixed |= written::is_mixed(runs.column(name)?);
            columns.cells.insert(name.clone(), runs.cells(name)?);
        }
        if mixed {
            columns.write(runs)?;
        }
        Ok(columns)
    }

    /// Replaces every value by what was written.
    fn write(&mut self, runs: &Runs) -> Result<Written, Error> {
        let written = Written::read(runs)?;
        self.cells.iter_mut().for_each(|(name, cells)| written.replace(name, cells));
        Ok(written)
    }

    /// Keys of the runs that have a place.
    fn keys(&self, names: &[String], published: Option<&Published>) -> Keys {
        let columns: Vec<&[Cell]> = names.iter().map(|name| self.cells[name].as_slice()).collect();
        let mut numbers = HashMap::<Vec<&Cell>, usize>::new();
        let mut first_seen = Vec::new();
        for (run, placed) in self.placed.iter().enumerate() {
            if *placed {
                let key: Vec<&Cell> = columns.iter().map(|cells| &cells[run]).collect();
                let next = numbers.len();
                first_seen.push(*numbers.entry(key).or_insert(next));
            } else {
                first_seen.push(NOWHERE);
            }
        }
        let mut sorted: Vec<(Vec<&Cell>, usize)> = numbers.into_iter().collect();
        sorted.sort_by_cached_key(|(key, _)| {
            let position = |(name, cell): (&String, &&Cell)| {
                (published.map(|table| table.position(bare(name), cell)), (*cell).clone())
            };
            names.iter().zip(key).map(position).collect::<Vec<_>>()
        });
        let mut position = vec![0; sorted.len()];
        sorted.iter().enumerate().for_each(|(at, (_, seen))| position[*seen] = at);
        Keys {
            distinct: sorted
                .into_iter()
                .map(|(key, _)| key.into_iter().cloned().collect())
                .collect(),
            of_run: first_seen
                .into_iter()
                .map(|seen| position.get(seen).copied().unwrap_or(NOWHERE))
                .collect(),
        }
    }
}
