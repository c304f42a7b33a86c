//! One result table with what belongs to it: maps, curves, effects of parameters.

use std::collections::BTreeMap;

use charts::{Axis, Fit, Scale};

use super::{
    chart::{Chart, Line, lines},
    curves::Point,
    effects::{Effects, effects},
    grid::{Grid, label, significant},
    layout::{Layout, Panel},
    limits::Limits,
    maps::Maps,
    parameters::Parameters,
};
use crate::{Comparison, Error, Runs};

/// A table and its charts.
pub(crate) struct Results {
    /// What was asked for as its heading.
    pub(crate) title: Option<String>,
    /// Whether it is another metric below the heading of the one before.
    pub(crate) goes_on: bool,
    /// Bare name of the metric.
    pub(crate) metric: String,
    /// The runs that it looks at.
    pub(crate) runs: Runs,
    pub(crate) grid: Grid,
    pub(crate) maps: Option<Maps>,
    pub(crate) layout: Layout,
    pub(crate) curves: Vec<Curve>,
    pub(crate) effects: Effects,
}

/// The charts of one metric, all on the same axes.
pub(crate) struct Curve {
    pub(crate) metric: String,
    pub(crate) charts: Vec<Chart>,
    /// What a reader must know of the axes.
    pub(crate) note: Option<String>,
}

/// For each metric the points of each series.
type Metrics = BTreeMap<String, BTreeMap<usize, Vec<Point>>>;

impl Results {
    pub(crate) fn new(
        runs: &Runs,
        comparison: &Comparison,
        parameters: &Parameters,
        limits: &Limits,
        whole_rows: bool,
        next: &mut usize,
    ) -> Result<Self, Error> {
        Ok(Self {
            title: None,
            goes_on: false,
            metric: comparison.metric.clone(),
            grid: Grid::new(comparison, parameters, limits, whole_rows),
            maps: Maps::new(comparison, parameters),
            layout: Layout::new(comparison, parameters, limits, next),
            curves: Vec::new(),
            effects: effects(runs, comparison)?,
            runs: runs.clone(),
        })
    }

    /// The metric, harmless and short.
    pub(crate) fn metric_label(&self) -> String {
        label(&self.metric)
    }

    /// Whether its curves are those of another table.
    pub(crate) fn draws_like(&self, other: &Self) -> bool {
        self.layout.is_like(&other.layout)
    }

    pub(crate) fn forget_curves(&mut self) {
        self.layout = Layout::default();
    }

    pub(crate) fn forget_effects(&mut self) {
        self.effects = Effects::default();
    }

    /// Draws the curves that were read for it, its own metric first.
    pub(crate) fn draw(&mut self, metrics: &Metrics) {
        let own = metrics.get_key_value(&self.metric);
        let others = metrics.iter().filter(|(name, _)| **name != self.metric);
        for (metric, series) in own.into_iter().chain(others) {
            self.curves.extend(curve(&self.layout, metric, series));
        }
    }
}

/// A chart for each panel, all with the same axes where these show something of every one; none where
/// nothing is drawn.
fn curve(layout: &Layout, metric: &str, series: &BTreeMap<usize, Vec<Point>>) -> Option<Curve> {
    let points = |panel: &Panel| -> Vec<Point> {
        let found = panel.series.iter().filter_map(|one| series.get(&one.number));
        found.flatten().copied().collect()
    };
    let drawn: Vec<(&Panel, Vec<Point>)> =
        layout.panels.iter().map(|panel| (panel, points(panel))).collect();
    let all = || drawn.iter().flat_map(|(_, points)| points);
    let x = Axis::new("step", Scale::fit(all().map(|point| point.step), Fit::STEPS));
    let shared = value_axis(metric, all());
    let is_lost = |points: &Vec<Point>| {
        let inside = |point: &Point| shared.scale.holds(point.mean);
        !points.is_empty() && !points.iter().any(inside)
    };
    let own_axes = drawn.iter().any(|(_, points)| is_lost(points));
    let chart = |(panel, points): &(&Panel, Vec<Point>)| {
        let own = own_axes.then(|| value_axis(metric, points.iter()));
        chart(panel, &x, own.as_ref().unwrap_or(&shared), series)
    };
    let charts: Vec<Chart> = drawn.iter().filter_map(chart).collect();
    let note = if own_axes {
        Some("Each chart has an axis of its own: one for all would show nothing of some.".into())
    } else {
        let beyond = shared.scale.beyond;
        (beyond > 0)
            .then(|| format!("{beyond} ends of bands lie beyond the axis of {}.", label(metric)))
    };
    (!charts.is_empty()).then(|| Curve { metric: label(metric), charts, note })
}

fn value_axis<'a>(metric: &str, points: impl Iterator<Item = &'a Point>) -> Axis {
    let ends = points.flat_map(|point| [point.low, point.high]);
    Axis::new(label(metric), Scale::fit(ends, Fit::CURVES))
}

fn chart(panel: &Panel, x: &Axis, y: &Axis, series: &BTreeMap<usize, Vec<Point>>) -> Option<Chart> {
    let mut drawn = Vec::new();
    let mut ends = Vec::new();
    for one in &panel.series {
        let points = series.get(&one.number).map_or(&[][..], Vec::as_slice);
        let Some(last) = points.last() else { continue };
        ends.push(format!("{} {}", one.label, significant(last.mean)));
        drawn.push(Line {
            label: &one.label,
            look: Some(one.look),
            tags: one.tags.clone(),
            state: "finished",
            points,
        });
    }
    let steps = drawn.iter().flat_map(|line| line.points).map(|point| point.step);
    let [first, last] = steps.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], step| {
        [low.min(step), high.max(step)]
    });
    if drawn.is_empty() {
        return None;
    }
    let title = if panel.title.is_empty() { y.title.clone() } else { panel.title.clone() };
    let description = format!(
        "{} by step, {} to {}; at the end: {}",
        y.title,
        significant(first),
        significant(last),
        ends.join(", ")
    );
    let (drawing, live) = lines(x, y, &drawn);
    Some(Chart { title, description, drawing, live })
}
