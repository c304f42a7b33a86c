//! Everything a section shows, computed from its runs.

use std::{collections::BTreeMap, path::Path};

use experiment::Metric;
use journal::Status;

use super::{
    Subject, automatic,
    chart::{Drawing, Line, lines},
    confusion::{Confusion, confusion},
    curves::{Curves, Point},
    effects::{Effect, effects},
    failures::{Failures, failures},
    grid::{Grid, label, significant},
    heat::{Heat, heat},
    layout::{Layout, Panel},
    limits::Limits,
    pictures::{Pictures, pictures},
    raw::{Raw, raw},
};
use crate::{Cell, Error, Request, Runs, Selection, columns::STATUS, compare, text::inert_short};

/// One subject with what its runs say.
pub(crate) struct Section<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) runs: Runs,
    pub(crate) states: States,
    /// Why there is no result table.
    pub(crate) problem: Option<String>,
    pub(crate) layout: Layout,
    pub(crate) grid: Option<Grid>,
    pub(crate) heat: Option<Heat>,
    pub(crate) curves: Vec<Curve>,
    pub(crate) curve_notes: Vec<String>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) metric: String,
    pub(crate) failures: Failures,
    pub(crate) pictures: Pictures,
    pub(crate) confusion: Option<Confusion>,
    pub(crate) raw: Raw,
}

/// How many runs, by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct States {
    pub(crate) finished: usize,
    pub(crate) failed: usize,
    pub(crate) running: usize,
    /// Interrupted or pruned.
    pub(crate) stopped: usize,
    /// Asked for, but not in the store.
    pub(crate) missing: usize,
    /// Left out: other runs answer their requests by now.
    pub(crate) replaced: usize,
}

impl States {
    fn of(runs: &Runs, selection: &Selection) -> Result<Self, Error> {
        let mut states = Self::default();
        for status in runs.cells(STATUS)? {
            let Cell::Text(word) = status else { continue };
            match Status::of(&word) {
                Some(Status::Finished) => states.finished += 1,
                Some(Status::Failed) => states.failed += 1,
                Some(Status::Running) => states.running += 1,
                _ => states.stopped += 1,
            }
        }
        let asked = selection.runs.as_ref().map_or(0, std::collections::BTreeSet::len);
        states.missing = asked.saturating_sub(runs.len());
        Ok(states)
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.finished += other.finished;
        self.failed += other.failed;
        self.running += other.running;
        self.stopped += other.stopped;
        self.missing += other.missing;
        self.replaced += other.replaced;
    }
}

/// The charts of one metric.
pub(crate) struct Curve {
    pub(crate) metric: String,
    pub(crate) charts: Vec<Chart>,
}

pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) drawing: Drawing,
}

impl<'a> Section<'a> {
    pub(crate) fn new(
        subject: &'a Subject,
        all: &Runs,
        metrics: &[Metric],
        limits: &Limits,
    ) -> Result<Self, Error> {
        let selected = all.select(&subject.selection);
        let runs = selected.current();
        let replaced = selected.len() - runs.len();
        let mut section = Self {
            subject,
            states: States { replaced, ..States::of(&runs, &subject.selection)? },
            problem: None,
            layout: Layout::default(),
            grid: None,
            heat: None,
            curves: Vec::new(),
            curve_notes: Vec::new(),
            effects: Vec::new(),
            metric: String::new(),
            failures: failures(&runs)?,
            pictures: Pictures::default(),
            confusion: None,
            raw: raw(&runs, limits)?,
            runs,
        };
        section.tabulate(metrics, limits)?;
        Ok(section)
    }

    /// The result table and what follows from it; a reason where there is none.
    fn tabulate(&mut self, metrics: &[Metric], limits: &Limits) -> Result<(), Error> {
        if self.runs.is_empty() {
            self.problem = Some(match self.states.replaced {
                0 => "none of these runs is in the store yet".into(),
                _ => "other runs answer the same requests by now".into(),
            });
            return Ok(());
        }
        let asked = self.subject.tables.first();
        let request = match asked {
            Some(asked) => {
                Some(Request { selection: Selection::default(), ..asked.request.clone() })
            }
            None => automatic::request(&self.runs, metrics)?,
        };
        let Some(request) = request else {
            self.problem = Some("no run has a final metric".into());
            return Ok(());
        };
        let published = asked.and_then(|asked| asked.published.as_ref());
        let comparison = match compare(&self.runs, &request, published) {
            Ok(comparison) => comparison,
            Err(Error::Nothing(reason)) => {
                self.problem = Some(inert_short(&reason, 400));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.grid = Some(Grid::new(&comparison, limits));
        self.heat = heat(&comparison);
        self.effects = effects(&self.runs, &comparison)?;
        self.layout = Layout::new(&comparison, limits);
        self.metric = label(&comparison.metric);
        Ok(())
    }

    /// Whether no run that was asked for is in the store.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Draws the curves that were read for it.
    pub(crate) fn draw(&mut self, curves: Curves, limits: &Limits) {
        let Curves { metrics, not_finite, left_out } = curves;
        for (metric, series) in &metrics {
            let charts = |panel: &Panel| chart(panel, metric, series);
            let charts: Vec<Chart> = self.layout.panels.iter().filter_map(charts).collect();
            if !charts.is_empty() {
                self.curves.push(Curve { metric: label(metric), charts });
            }
        }
        if !self.curves.is_empty() {
            self.curve_notes.push(format!(
                "Lines are means over the runs of a cell, bands reach from the lowest run to the \
                 highest. A curve has at most {} points; where a metric has more steps, a point is \
                 the mean over neighbouring ones.",
                limits.points
            ));
            if self.layout.left_out > 0 {
                let cells = self.layout.left_out;
                self.curve_notes.push(format!("Without a curve: {cells} cells of the table."));
            }
        }
        if !left_out.is_empty() {
            let names: Vec<String> = left_out.iter().take(20).map(|name| label(name)).collect();
            let number = left_out.len();
            self.curve_notes.push(format!("Not drawn: {number} metrics ({}).", names.join(", ")));
        }
        for (metric, values) in not_finite {
            let name = label(&metric);
            self.curve_notes.push(format!("{values} values of {name} are NaN or infinite."));
        }
    }

    /// Adds what runs left beside their metrics.
    pub(crate) fn add_artifacts(
        &mut self,
        store: &Path,
        budget: &mut u64,
        limits: &Limits,
    ) -> Result<(), Error> {
        self.pictures = pictures(store, &self.runs, budget, limits)?;
        self.confusion = confusion(store, &self.runs)?;
        Ok(())
    }
}

fn chart(panel: &Panel, metric: &str, series: &BTreeMap<usize, Vec<Point>>) -> Option<Chart> {
    let mut drawn = Vec::new();
    let mut ends = Vec::new();
    for one in &panel.series {
        let points = series.get(&one.number).map_or(&[][..], Vec::as_slice);
        let Some(last) = points.last() else { continue };
        ends.push(format!("{} {}", one.label, significant(last.mean)));
        drawn.push(Line { label: &one.label, colour: one.colour, points });
    }
    let steps = drawn.iter().flat_map(|line| line.points).map(|point| point.step);
    let [first, last] = steps.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], step| {
        [low.min(step), high.max(step)]
    });
    if drawn.is_empty() {
        return None;
    }
    let title = if panel.title.is_empty() { label(metric) } else { panel.title.clone() };
    let description = format!(
        "{} by step, {} to {}; at the end: {}",
        label(metric),
        significant(first),
        significant(last),
        ends.join(", ")
    );
    Some(Chart { title, description, drawing: lines(&drawn) })
}
