//! Sweeps whose points were drawn or searched: which parameter matters, what was best, who was pruned.

mod halving;
mod importance;
mod pareto;
mod trials;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use experiment::Better;

use super::{
    Subject,
    chart::Chart,
    curves::{Curves, Members, Rungs},
    grid::label,
    layout::join,
    limits::Limits,
    listing::Listing,
};
use crate::{
    Cell, Error, Runs,
    columns::{FINAL, PARAMS},
    read::bare,
};

pub use halving::Halving;
pub(crate) use halving::Rung;
pub(crate) use pareto::front;
pub(crate) use trials::Points;
use trials::ranked;
use view::View;

/// A parameter whose values were drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// Its path below `params`.
    pub name: String,
    /// Whether it was drawn evenly in the logarithm.
    pub log: bool,
}

/// Trials in the table of the best.
const BEST: usize = 10;
/// Points that a sweep whose configuration is not known must have to be taken for drawn.
const FEWEST_DRAWN: usize = 8;

/// What there is to see of a drawn or searched sweep.
#[derive(Debug)]
pub(crate) struct Exploration {
    pub(crate) metric: String,
    better: Option<Better>,
    /// Its column of the run table, where runs have it as a final metric.
    column: Option<String>,
    halving: Option<Halving>,
    points: Points,
    /// Whether the axis of a parameter is logarithmic, where that is known, by full names.
    drawn: BTreeMap<String, Option<bool>>,
    /// Rows of the run table that have a curve each, with its number.
    curved: Vec<(usize, usize)>,
    pub(crate) shown: Shown,
}

/// What the page shows of it.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// How many trials have a value.
    pub(crate) trials: usize,
    pub(crate) scatters: Vec<Chart>,
    pub(crate) parallel: Option<Chart>,
    pub(crate) importance: Vec<Important>,
    pub(crate) best_so_far: Option<Chart>,
    /// Names of the columns of the table of the best, and its rows.
    pub(crate) best_names: Vec<String>,
    pub(crate) best: Vec<Best>,
    pub(crate) rungs: Vec<Rung>,
    pub(crate) factor: u64,
    pub(crate) diagram: Option<Chart>,
    pub(crate) curves: Option<Chart>,
    pub(crate) notes: Vec<String>,
}

/// A line of the table of importance.
#[derive(Debug)]
pub(crate) struct Important {
    pub(crate) parameter: String,
    /// Percent of a bar.
    pub(crate) bar: u32,
    /// Share, p, groups, correlation, values of the best group.
    pub(crate) texts: [String; 5],
}

/// A line of the table of the best.
#[derive(Debug)]
pub(crate) struct Best {
    pub(crate) run: usize,
    pub(crate) texts: Vec<String>,
}

impl Exploration {
    /// What a subject calls for; none where nothing was drawn or searched.
    pub(crate) fn new(
        subject: &Subject,
        runs: &Runs,
        mut points: Points,
        metric: Option<(String, Option<Better>)>,
        limits: &Limits,
        next: &mut usize,
    ) -> Result<Option<Self>, Error> {
        let drawn: BTreeMap<String, Option<bool>> = if subject.configuration.is_some() {
            let drawn = |drawn: &Drawn| (format!("{PARAMS}{}", drawn.name), Some(drawn.log));
            subject.drawn.iter().map(drawn).collect()
        } else {
            taken_for_drawn(runs, &points)?
        };
        if points.len() < 2 || (drawn.is_empty() && subject.search.is_none()) {
            return Ok(None);
        }
        let (metric, better) = match (&subject.search, metric) {
            (Some(halving), _) => (halving.metric.clone(), Some(halving.better)),
            (None, Some(metric)) => metric,
            (None, None) => return Ok(None),
        };
        let column = format!("{FINAL}{metric}");
        points.put_first(|name| drawn.contains_key(name));
        let mut exploration = Self {
            column: runs.columns().any(|known| known == column).then_some(column),
            metric,
            better,
            halving: subject.search.clone(),
            points,
            drawn,
            curved: Vec::new(),
            shown: Shown::default(),
        };
        exploration.choose_curves(runs, limits, next)?;
        Ok(Some(exploration))
    }

    /// Takes the best trials by their final values, then others in their order.
    fn choose_curves(
        &mut self,
        runs: &Runs,
        limits: &Limits,
        next: &mut usize,
    ) -> Result<(), Error> {
        let trials = self.points.trials(runs, self.column.as_deref(), &HashMap::new())?;
        let mut order = self.better.map_or_else(Vec::new, |better| ranked(&trials, better));
        let known: BTreeSet<usize> = order.iter().copied().collect();
        order.extend((0..trials.len()).filter(|at| !known.contains(at)));
        let rows = order.iter().take(limits.trials).map(|at| trials[*at].runs[0]);
        self.curved = rows.zip(*next..).collect();
        *next += self.curved.len();
        Ok(())
    }

    /// Which metric it is about, and where it is compared.
    pub(crate) fn rungs(&self) -> Option<Rungs> {
        let halving = self.halving.as_ref()?;
        Some(Rungs { metric: self.metric.clone(), steps: halving.steps.clone() })
    }

    /// Adds its runs to those whose metrics will be read.
    pub(crate) fn join(
        &self,
        section: usize,
        runs: &Runs,
        members: &mut Members,
    ) -> Result<(), Error> {
        let curved = self.curved.iter().map(|(row, number)| (*row, Some(*number)));
        join(section, curved, runs, members)?;
        if self.halving.is_some() {
            let curved: BTreeSet<usize> = self.curved.iter().map(|(row, _)| *row).collect();
            let others = (0..runs.len()).filter(|row| !curved.contains(row));
            join(section, others.map(|row| (row, None)), runs, members)?;
        }
        Ok(())
    }

    /// Puts together what the page shows, from the metrics that were read.
    pub(crate) fn show(
        &mut self,
        runs: &Runs,
        curves: &Curves,
        listing: &Listing,
    ) -> Result<(), Error> {
        let trials = self.points.trials(runs, self.column.as_deref(), &curves.rungs)?;
        let order = match self.better {
            Some(better) => ranked(&trials, better),
            None => (0..trials.len()).filter(|at| trials[*at].value.is_some()).collect(),
        };
        let strong: BTreeSet<usize> = match self.better {
            Some(_) => order.iter().take(BEST.min(order.len().div_ceil(5))).copied().collect(),
            None => BTreeSet::new(),
        };
        let view = View::new(self, &trials, &order, &strong, listing);
        let shown = Shown {
            trials: order.len(),
            scatters: view.scatters(),
            parallel: view.parallel(),
            importance: view.importance(),
            best_so_far: view.best_so_far(),
            best_names: self.points.names.iter().map(|name| label(bare(name))).collect(),
            best: view.best(),
            rungs: self.halving.as_ref().map_or_else(Vec::new, |h| halving::rungs(h, &trials)),
            factor: self.halving.as_ref().map_or(0, |halving| halving.factor),
            diagram: view.diagram(),
            curves: view.curves(curves),
            notes: view.notes(),
        };
        self.shown = shown;
        Ok(())
    }
}

/// Parameters with so many different numbers that nobody will have listed them.
fn taken_for_drawn(runs: &Runs, points: &Points) -> Result<BTreeMap<String, Option<bool>>, Error> {
    let mut drawn = BTreeMap::new();
    for name in points.names.iter().filter(|_| points.len() >= FEWEST_DRAWN) {
        let distinct: BTreeSet<Cell> = runs.cells(name)?.into_iter().collect();
        let is_number = distinct.iter().all(|cell| matches!(cell, Cell::Float(_) | Cell::Int(_)));
        if is_number && distinct.len() >= FEWEST_DRAWN && distinct.len() * 2 > points.len() {
            drawn.insert(name.clone(), None);
        }
    }
    Ok(drawn)
}
