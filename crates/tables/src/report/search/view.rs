//! The charts and tables of an exploration.

use std::collections::{BTreeSet, HashMap};

use charts::{Axis, Fit, Kind, Scale};
use experiment::Better;

use super::{
    BEST, Best, Exploration, Important,
    importance::{FEWEST, Importance, importance},
    trials::Trial,
};
use crate::{
    Cell,
    read::bare,
    report::{
        chart::{Chart, Dimension, Dot, Line, Path, lines, parallel, points},
        curves::{Curves, Point},
        grid::{cell_label, label, significant},
        layout::Look,
        listing::Listing,
        maps::named,
    },
};

/// Parameters with an axis of their own.
const AXES: usize = 10;
/// Names on an axis.
const NAMES: usize = 20;
/// Lines in the diagram of rungs.
const LINES: usize = 200;

/// The trials of an exploration, ready to be drawn.
pub(super) struct View<'a> {
    it: &'a Exploration,
    trials: &'a [Trial],
    /// Those with a value, best first.
    order: &'a [usize],
    /// Those that stand out.
    strong: &'a BTreeSet<usize>,
    listing: &'a Listing,
    /// Parameters that have an axis.
    axes: Vec<(usize, Axis)>,
    values: Axis,
}

impl<'a> View<'a> {
    pub(super) fn new(
        it: &'a Exploration,
        trials: &'a [Trial],
        order: &'a [usize],
        strong: &'a BTreeSet<usize>,
        listing: &'a Listing,
    ) -> Self {
        let axis = |at: usize| Some((at, axis(it, trials, at)?));
        let values = order.iter().filter_map(|at| trials[*at].value);
        Self {
            axes: (0..it.points.names.len()).filter_map(axis).take(AXES).collect(),
            values: Axis::new(label(&it.metric), Scale::fit(values, Fit::VALUES)),
            it,
            trials,
            order,
            strong,
            listing,
        }
    }

    /// The trials with a value that the page lists, each with its run.
    fn charted(&self) -> impl Iterator<Item = (usize, usize, f64)> {
        self.order.iter().filter_map(|at| {
            let trial = &self.trials[*at];
            Some((*at, self.listing.place(trial.runs[0])?, trial.value?))
        })
    }

    /// Where a value stands on an axis.
    fn place(axis: &Axis, cell: &Cell) -> f64 {
        match &axis.scale.kind {
            Kind::Names(names) => {
                let text = cell_label(cell);
                names.iter().position(|name| *name == text).map_or(f64::NAN, |at| at as f64)
            }
            _ => cell.number().unwrap_or(f64::NAN),
        }
    }

    /// The metric against each parameter.
    pub(super) fn scatters(&self) -> Vec<Chart> {
        let y = &self.values;
        let scatter = |(parameter, x): &(usize, Axis)| {
            let dot = |(at, run, value): (usize, usize, f64)| Dot {
                x: Self::place(x, &self.trials[at].values[*parameter]),
                y: value,
                run,
                strong: self.strong.contains(&at),
                finished: self.trials[at].is_finished(),
            };
            let dots: Vec<Dot> = self.charted().map(dot).collect();
            let (drawing, live) = points(x, y, &dots, &[]);
            let description = format!("{} of {} trials by {}", y.title, dots.len(), x.title);
            Chart { title: x.title.clone(), description, drawing, live }
        };
        self.axes.iter().map(scatter).collect()
    }

    pub(super) fn parallel(&self) -> Option<Chart> {
        let axes = &self.axes;
        if axes.len() < 2 {
            return None;
        }
        let path = |(at, run, value): (usize, usize, f64)| Path {
            run,
            values: axes
                .iter()
                .map(|(parameter, axis)| Self::place(axis, &self.trials[at].values[*parameter]))
                .chain([value])
                .collect(),
            strong: self.strong.contains(&at),
        };
        let paths: Vec<Path> = self.charted().map(path).collect();
        let dimensions: Vec<Dimension> =
            axes.iter().map(|(_, axis)| axis.clone()).chain([self.values.clone()]).collect();
        let (drawing, live) = parallel(&dimensions, &paths);
        let names: Vec<&str> = dimensions.iter().map(|axis| axis.title.as_str()).collect();
        let description = format!("{} trials as lines through {}", paths.len(), names.join(", "));
        Some(Chart { title: "Parallel coordinates".into(), description, drawing, live })
    }

    pub(super) fn importance(&self) -> Vec<Important> {
        if self.it.better.is_none() {
            return Vec::new();
        }
        let line = |one: Importance| {
            let [low, high] = one.best.map(|cell| cell_label(&cell));
            Important {
                parameter: label(bare(&self.it.points.names[one.parameter])),
                bar: (one.share * 100.0).round() as u32,
                texts: [
                    format!("{:.2}", one.share),
                    if one.p < 0.001 { "< 0.001".into() } else { format!("{:.3}", one.p) },
                    one.groups.to_string(),
                    one.correlation.map_or_else(|| "–".into(), |rho| format!("{rho:+.2}")),
                    if low == high { low } else { format!("{low} to {high}") },
                ],
            }
        };
        importance(self.trials, self.order).into_iter().map(line).collect()
    }

    /// The best value that any trial had shown by the time each one began.
    pub(super) fn best_so_far(&self) -> Option<Chart> {
        let better = self.it.better?;
        let mut order: Vec<(usize, usize, f64)> = self.charted().collect();
        order.sort_by(|a, b| {
            let started = |at: usize| self.trials[at].started;
            started(a.0).total_cmp(&started(b.0)).then(a.1.cmp(&b.1))
        });
        if order.len() < 2 {
            return None;
        }
        let mut steps: Vec<[f64; 2]> = Vec::new();
        let mut best: Option<f64> = None;
        for (number, (_, _, value)) in order.iter().enumerate().filter(|(_, (_, _, v))| !v.is_nan())
        {
            let x = number as f64 + 1.0;
            let is_better = best.is_none_or(|best| match better {
                Better::Higher => *value > best,
                Better::Lower => *value < best,
            });
            if let Some(best) = best {
                steps.push([x, best]);
            }
            if is_better {
                best = Some(*value);
                steps.push([x, *value]);
            }
        }
        let dots: Vec<Dot> = order
            .iter()
            .enumerate()
            .map(|(number, (at, run, value))| Dot {
                x: number as f64 + 1.0,
                y: *value,
                run: *run,
                strong: false,
                finished: self.trials[*at].is_finished(),
            })
            .collect();
        let fit = Fit { room: 0.02, log: Some(false), ..Fit::STEPS };
        let x =
            Axis::new("trials in the order they began", Scale::fit(dots.iter().map(|d| d.x), fit));
        let y = &self.values;
        let (drawing, live) = points(&x, y, &dots, &steps);
        let description = format!(
            "{}: each trial, and the best so far as a line; it ends at {}",
            y.title,
            significant(best?)
        );
        Some(Chart { title: "Best so far".into(), description, drawing, live })
    }

    pub(super) fn best(&self) -> Vec<Best> {
        if self.it.better.is_none() {
            return Vec::new();
        }
        let line = |at: &usize| {
            let trial = &self.trials[*at];
            let run = self.listing.place(trial.runs[0])?;
            let mut texts = vec![trial.value.map_or_else(String::new, significant)];
            texts.extend(trial.values.iter().map(cell_label));
            texts.push(trial.runs.len().to_string());
            texts.push(match (trial.state.as_str(), trial.rungs.len(), &self.it.halving) {
                ("pruned", reached, Some(halving)) if reached > 0 => {
                    format!("pruned at step {}", halving.steps[reached - 1])
                }
                (state, _, _) => label(state),
            });
            Some(Best { run, texts })
        };
        self.order.iter().filter_map(line).take(BEST).collect()
    }

    /// Each trial from rung to rung.
    pub(super) fn diagram(&self) -> Option<Chart> {
        let halving = self.it.halving.as_ref()?;
        let climbers: Vec<&Trial> = self
            .order
            .iter()
            .map(|at| &self.trials[*at])
            .filter(|trial| !trial.rungs.is_empty())
            .take(LINES)
            .collect();
        let points: Vec<Vec<Point>> = climbers
            .iter()
            .map(|trial| {
                let rungs = trial.rungs.iter().enumerate();
                rungs.map(|(rung, value)| single(rung as f64, *value)).collect()
            })
            .collect();
        let y = Scale::fit(points.iter().flatten().map(|point| point.mean), Fit::VALUES);
        let x = Scale::names(halving.steps.iter().map(u64::to_string).collect());
        let labels: Vec<String> = climbers.iter().map(|trial| self.told(trial)).collect();
        let drawn: Vec<Line<'_>> = climbers
            .iter()
            .zip(&points)
            .zip(&labels)
            .map(|((trial, points), label)| Line {
                label,
                look: match (trial.is_finished(), points.len()) {
                    (true, _) => Some(Look { colour: 1, dash: 0 }),
                    (false, 1) => None,
                    (false, _) => Some(Look { colour: 0, dash: 0 }),
                },
                tags: self.listing.tags(trial.runs[0]),
                state: &trial.state,
                points,
            })
            .collect();
        let (x, y) = (Axis::new("step of the rung", x), Axis::new(label(&self.it.metric), y));
        let (drawing, live) = lines(&x, &y, &drawn);
        let description = format!("{} of {} trials at each rung", y.title, drawn.len());
        (!drawn.is_empty()).then(|| Chart { title: "Rungs".into(), description, drawing, live })
    }

    /// The metric of single trials by step.
    pub(super) fn curves(&self, curves: &Curves) -> Option<Chart> {
        let series = curves.metrics.get(&self.it.metric)?;
        let trial_of: HashMap<usize, usize> =
            self.trials.iter().enumerate().map(|(at, trial)| (trial.runs[0], at)).collect();
        let found: Vec<(usize, &[Point])> = self
            .it
            .curved
            .iter()
            .filter_map(|(row, number)| Some((*trial_of.get(row)?, series.get(number)?.as_slice())))
            .filter(|(_, points)| points.len() > 1)
            .collect();
        if found.is_empty() {
            return None;
        }
        let labels: Vec<String> =
            found.iter().map(|(at, _)| self.told(&self.trials[*at])).collect();
        let mut drawn: Vec<Line<'_>> = found
            .iter()
            .zip(&labels)
            .map(|((at, points), label)| Line {
                label,
                look: match () {
                    () if self.order.first() == Some(at) => Some(Look { colour: 1, dash: 0 }),
                    () if self.strong.contains(at) => Some(Look { colour: 0, dash: 0 }),
                    () => None,
                },
                tags: self.listing.tags(self.trials[*at].runs[0]),
                state: &self.trials[*at].state,
                points,
            })
            .collect();
        // The best are drawn over the others.
        drawn.sort_by_key(|line| line.look.map_or(0, |look| look.colour + 1));
        let points = || found.iter().flat_map(|(_, points)| *points);
        let x = Axis::new("step", Scale::fit(points().map(|point| point.step), Fit::STEPS));
        let y = Scale::fit(points().flat_map(|point| [point.low, point.high]), Fit::CURVES);
        let y = Axis::new(label(&self.it.metric), y);
        let (drawing, live) = lines(&x, &y, &drawn);
        let description = format!("{} of {} trials by step", y.title, drawn.len());
        Some(Chart { title: "Learning curves".into(), description, drawing, live })
    }

    /// `learning_rate 1e-4, momentum 0.9`
    fn told(&self, trial: &Trial) -> String {
        let names = self.it.points.names.iter().map(|name| bare(name).to_owned());
        named(&names.collect::<Vec<_>>(), &trial.values)
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let (trials, order) = (self.trials.len(), self.order.len());
        if order < trials {
            let without = trials - order;
            notes.push(format!(
                "{without} of {trials} trials have no value of {}.",
                label(&self.it.metric)
            ));
        }
        let beyond = self.values.scale.beyond;
        if beyond > 0 {
            notes.push(format!(
                "{beyond} of {order} values of {} lie beyond its axis and stand at its end.",
                label(&self.it.metric)
            ));
        }
        let charted = self.charted().count();
        if charted < order {
            notes.push(format!("Charts show {charted} of {order} trials."));
        }
        let without = self.it.points.names.len() - self.axes.len();
        if without > 0 {
            notes.push(format!(
                "{without} parameters have too many names for an axis, or no place."
            ));
        }
        if self.it.better.is_none() {
            notes.push(format!(
                "Nobody said which direction of {} is better, so nothing is ranked.",
                label(&self.it.metric)
            ));
        } else if self.order.len() < FEWEST {
            notes.push(format!("Importance is told from {FEWEST} trials on."));
        }
        notes
    }
}

/// The axis of a parameter; none where it has too many names.
fn axis(it: &Exploration, trials: &[Trial], parameter: usize) -> Option<Axis> {
    let name = &it.points.names[parameter];
    let cells: BTreeSet<&Cell> = trials.iter().map(|trial| &trial.values[parameter]).collect();
    let numbers: Option<Vec<f64>> =
        cells.iter().filter(|cell| ***cell != Cell::Null).map(|cell| cell.number()).collect();
    let scale = match numbers.filter(|numbers| !numbers.is_empty()) {
        Some(numbers) => {
            let log = it.drawn.get(name).copied().flatten();
            Scale::fit(numbers, Fit { log, ..Fit::VALUES })
        }
        None if cells.len() <= NAMES => {
            Scale::names(cells.iter().map(|cell| cell_label(cell)).collect())
        }
        None => return None,
    };
    Some(Axis::new(label(bare(name)), scale))
}

/// A point of a single run.
fn single(step: f64, value: f64) -> Point {
    Point { step, mean: value, low: value, high: value, runs: 1 }
}
