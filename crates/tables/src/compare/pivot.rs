//! Runs sorted into cells.

use std::collections::{BTreeMap, BTreeSet};

use super::{Published, Summary};
use crate::{
    Cell, Error, Runs,
    columns::{PARAMS, SEED},
    read::bare,
    statistics::{self, Bootstrap},
};

/// Runs sorted into cells.
pub(super) struct Pivot<'a> {
    runs: &'a Runs,
    /// Full names of rows and columns.
    pub(super) axes: [Vec<String>; 2],
    pub(super) keys: [Vec<Vec<Cell>>; 2],
    /// Runs that count, by the positions of their keys.
    cells: BTreeMap<[usize; 2], Vec<(usize, f64)>>,
    published: Option<&'a Published>,
}

impl<'a> Pivot<'a> {
    pub(super) fn new(
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
        let mut members = BTreeMap::<Cell, Vec<usize>>::new();
        for (run, value) in runs {
            by_seed.entry(seeds[*run].clone()).or_default().push(*value);
            members.entry(seeds[*run].clone()).or_default().push(*run);
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
            members,
            mean,
            deviation: statistics::deviation(values),
            gap: mean.zip(published.as_ref()).map(|(mean, theirs)| mean - theirs.value),
            published,
        }
    }

    pub(super) fn averaged_over(&self) -> Result<Vec<String>, Error> {
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
