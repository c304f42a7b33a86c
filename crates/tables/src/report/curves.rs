//! Metrics by step, averaged over the runs of a cell.
//!
//! The tables of metrics are read twice, some thousand rows at a time: once for the steps there are,
//! once for the values. What is kept grows with the curves on the page, not with the runs.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use experiment::RunId;

use super::{
    limits::Limits,
    survey::{Bins, METRIC, STEP, Survey, VALUE, batches},
};
use crate::{Error, columns::RUN_ID};

/// A curve that a run belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) section: usize,
    /// Its number in the section; none for a run of which only values at rungs are wanted.
    pub(crate) series: Option<usize>,
}

/// The curves of every run.
pub(crate) type Members = HashMap<RunId, Vec<Place>>;

/// What is looked for in the metrics of one experiment.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) members: Members,
    /// By section, the metrics that are drawn before others.
    pub(crate) first: HashMap<usize, Vec<String>>,
    /// By section, where values are taken for the rungs of a search.
    pub(crate) rungs: HashMap<usize, Rungs>,
}

/// The steps at which a search compares runs.
#[derive(Debug, Clone)]
pub(crate) struct Rungs {
    pub(crate) metric: String,
    pub(crate) steps: Vec<u64>,
}

/// One point of a curve: what its runs had there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    /// Mean of the steps that fell into the point.
    pub(crate) step: f64,
    /// Mean over runs.
    pub(crate) mean: f64,
    /// Lowest of a run.
    pub(crate) low: f64,
    /// Highest of a run.
    pub(crate) high: f64,
    /// How many runs.
    pub(crate) runs: u32,
}

/// The curves of one section.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Curves {
    /// For each metric the points of each series.
    pub(crate) metrics: BTreeMap<String, BTreeMap<usize, Vec<Point>>>,
    /// Values that are no finite numbers, by metric.
    pub(crate) not_finite: BTreeMap<String, u64>,
    /// Metrics that have a curve but no place on the page.
    pub(crate) left_out: Vec<String>,
    /// The value of each run at every rung that it came to.
    pub(crate) rungs: HashMap<RunId, Vec<f64>>,
}

/// The curves of one experiment by section.
pub(crate) fn read(
    store: &Path,
    experiment: &str,
    wanted: &Wanted,
    limits: &Limits,
) -> Result<HashMap<usize, Curves>, Error> {
    let folder = store.join("tables").join(experiment).join("metrics");
    let places = |run: &str| {
        let id = run.parse::<RunId>().ok();
        id.and_then(|id| wanted.members.get(&id)).map_or(&[][..], Vec::as_slice)
    };
    if wanted.members.is_empty() {
        return Ok(HashMap::new());
    }
    let survey = Survey::read(&folder, limits.points, &places)?;
    let mut sums = Sums::new(survey, wanted, limits);
    let mut run = Run::default();
    batches(&folder, &[RUN_ID, STEP, METRIC, VALUE], &mut |frame| {
        let runs = frame.column(RUN_ID)?.str()?;
        let steps = frame.column(STEP)?.u64()?;
        let metrics = frame.column(METRIC)?.str()?;
        let values = frame.column(VALUE)?.f64()?;
        for (((id, step), metric), value) in
            runs.iter().zip(steps.iter()).zip(metrics.iter()).zip(values.iter())
        {
            let (Some(id), Some(step), Some(metric)) = (id, step, metric) else { continue };
            if id != run.id {
                sums.add(&mut run);
                run.id.replace_range(.., id);
                run.places = places(id);
            }
            if !run.places.is_empty()
                && let Some(number) = sums.survey.names.number(metric)
            {
                run.push(number, step, value.unwrap_or(f64::NAN));
            }
        }
        Ok(())
    })?;
    sums.add(&mut run);
    Ok(sums.finish())
}

/// The rows of one run, by metric.
#[derive(Default)]
struct Run<'a> {
    id: String,
    places: &'a [Place],
    rows: Vec<Vec<(u64, f64)>>,
}

impl Run<'_> {
    fn push(&mut self, metric: usize, step: u64, value: f64) {
        if self.rows.len() <= metric {
            self.rows.resize_with(metric + 1, Vec::new);
        }
        self.rows[metric].push((step, value));
    }
}

/// What the runs of one curve sum up to at one point.
#[derive(Debug, Clone, Copy)]
struct Sum {
    runs: u32,
    /// How many of them have a value there; that of others lies between two of theirs.
    measured: u32,
    /// Of those that have a value.
    steps: f64,
    values: f64,
    low: f64,
    high: f64,
}

impl Sum {
    const NONE: Self = Self {
        runs: 0,
        measured: 0,
        steps: 0.0,
        values: 0.0,
        low: f64::INFINITY,
        high: f64::NEG_INFINITY,
    };

    fn add(&mut self, step: f64, value: f64) {
        self.measured += 1;
        self.steps += step;
        self.between(value);
    }

    /// Adds a run without a value of its own, so that a mean is not over other runs at each step.
    fn between(&mut self, value: f64) {
        self.runs += 1;
        self.values += value;
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }

    fn point(&self) -> Option<Point> {
        let runs = f64::from(self.runs);
        (self.measured > 0).then(|| Point {
            step: self.steps / f64::from(self.measured),
            mean: self.values / runs,
            low: self.low,
            high: self.high,
            runs: self.runs,
        })
    }
}

/// One metric of one section.
struct OfMetric {
    bins: Bins,
    series: BTreeMap<usize, Vec<Sum>>,
    not_finite: u64,
}

/// The values of one run in one bin.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    n: u32,
    /// Their sums.
    steps: f64,
    values: f64,
    /// Whether others are no finite numbers.
    is_broken: bool,
}

struct Sums<'a> {
    survey: Survey,
    wanted: &'a Wanted,
    /// By section and number of the metric.
    metrics: HashMap<(usize, usize), OfMetric>,
    left_out: HashMap<usize, Vec<String>>,
    rungs: HashMap<usize, HashMap<RunId, Vec<f64>>>,
    scratch: Vec<Cell>,
}

impl<'a> Sums<'a> {
    /// Takes the metrics that have more than one step: those that are drawn first, then by name.
    fn new(survey: Survey, wanted: &'a Wanted, limits: &Limits) -> Self {
        let mut metrics = HashMap::new();
        let mut left_out = HashMap::new();
        for (section, steps) in &survey.steps {
            let mut curves: Vec<usize> =
                (0..steps.len()).filter(|number| steps[*number].is_curve()).collect();
            let first = wanted.first.get(section).map_or(&[][..], Vec::as_slice);
            curves.sort_unstable_by_key(|number| {
                let name = survey.names.name(*number);
                (first.iter().position(|other| other == name).unwrap_or(usize::MAX), name)
            });
            let rest = curves.split_off(curves.len().min(limits.metrics));
            for number in curves {
                let bins = steps[number].bins(limits.points);
                let metric = OfMetric { bins, series: BTreeMap::new(), not_finite: 0 };
                metrics.insert((*section, number), metric);
            }
            let names = rest.into_iter().map(|number| survey.names.name(number).to_owned());
            left_out.insert(*section, names.collect());
        }
        Self { survey, wanted, metrics, left_out, rungs: HashMap::new(), scratch: Vec::new() }
    }

    /// Adds a run to its curves and empties it. A run counts once at a point, however many steps
    /// fell into it.
    fn add(&mut self, run: &mut Run<'_>) {
        for (number, rows) in run.rows.iter_mut().enumerate() {
            for place in run.places {
                if let Some(series) = place.series
                    && let Some(metric) = self.metrics.get_mut(&(place.section, number))
                {
                    metric.add(series, rows, &mut self.scratch);
                }
                if let Some(rungs) = self.wanted.rungs.get(&place.section)
                    && self.survey.names.name(number) == rungs.metric
                    && let Ok(id) = run.id.parse::<RunId>()
                {
                    let values = rungs.values(rows);
                    self.rungs.entry(place.section).or_default().insert(id, values);
                }
            }
            rows.clear();
        }
    }

    fn finish(self) -> HashMap<usize, Curves> {
        let mut sections = HashMap::<usize, Curves>::new();
        for (section, names) in self.left_out {
            sections.entry(section).or_default().left_out = names;
        }
        for (section, values) in self.rungs {
            sections.entry(section).or_default().rungs = values;
        }
        for ((section, number), metric) in self.metrics {
            let name = self.survey.names.name(number);
            let curves = sections.entry(section).or_default();
            let points = |sums: Vec<Sum>| sums.iter().filter_map(Sum::point).collect();
            let series = metric.series.into_iter().map(|(at, sums)| (at, points(sums))).collect();
            curves.metrics.insert(name.to_owned(), series);
            if metric.not_finite > 0 {
                curves.not_finite.insert(name.to_owned(), metric.not_finite);
            }
        }
        sections
    }
}

impl Rungs {
    /// The value at each rung that rows of rising steps come to: the first one recorded there or later.
    fn values(&self, rows: &[(u64, f64)]) -> Vec<f64> {
        let at = |rung: &u64| rows.iter().find(|(step, _)| step >= rung).map(|(_, value)| *value);
        self.steps.iter().map_while(at).collect()
    }
}

impl OfMetric {
    fn add(&mut self, series: usize, rows: &[(u64, f64)], scratch: &mut Vec<Cell>) {
        scratch.clear();
        scratch.resize(self.bins.len(), Cell::default());
        for (step, value) in rows {
            let cell = self.bins.of(*step).map(|bin| &mut scratch[bin]);
            if !value.is_finite() {
                self.not_finite += 1;
                cell.into_iter().for_each(|cell| cell.is_broken = true);
            } else if let Some(cell) = cell {
                cell.n += 1;
                cell.steps += *step as f64;
                cell.values += value;
            }
        }
        let sums = self.series.entry(series).or_insert_with(|| vec![Sum::NONE; self.bins.len()]);
        let mut last: Option<(usize, f64, f64)> = None;
        for (bin, cell) in scratch.iter().enumerate().filter(|(_, cell)| cell.n > 0) {
            let (step, value) = (cell.steps / f64::from(cell.n), cell.values / f64::from(cell.n));
            sums[bin].add(step, value);
            if let Some((from, before, low)) = last {
                for at in (from + 1..bin).filter(|at| !scratch[*at].is_broken) {
                    let part = (self.bins.middle(at) - before) / (step - before);
                    sums[at].between(low + part.clamp(0.0, 1.0) * (value - low));
                }
            }
            last = Some((bin, step, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(bins: Bins) -> OfMetric {
        OfMetric { bins, series: BTreeMap::new(), not_finite: 0 }
    }

    fn points(metric: &OfMetric, series: usize) -> Vec<Point> {
        metric.series[&series].iter().filter_map(Sum::point).collect()
    }

    #[test]
    fn mean_and_band_over_runs() {
        let mut loss = metric(Bins::Each(vec![1, 2, 3]));
        let mut scratch = Vec::new();
        loss.add(0, &[(1, 4.0), (2, 2.0)], &mut scratch);
        loss.add(0, &[(1, 2.0), (2, f64::NAN), (3, 1.0)], &mut scratch);
        let point = |step, mean, low, high, runs| Point { step, mean, low, high, runs };
        let expected = [
            point(1.0, 3.0, 2.0, 4.0, 2),
            point(2.0, 2.0, 2.0, 2.0, 1),
            point(3.0, 1.0, 1.0, 1.0, 1),
        ];
        assert_eq!(points(&loss, 0), expected);
        assert_eq!(loss.not_finite, 1);
    }

    #[test]
    fn runs_with_values_at_other_steps_count_between_theirs() {
        let mut loss = metric(Bins::Each(vec![10, 11, 20, 22, 30]));
        let mut scratch = Vec::new();
        loss.add(0, &[(10, 8.0), (20, 4.0), (30, 2.0)], &mut scratch);
        loss.add(0, &[(11, 5.0), (22, 5.0)], &mut scratch);
        let point = |step, mean, low, high, runs| Point { step, mean, low, high, runs };
        let expected = [
            point(10.0, 8.0, 8.0, 8.0, 1),
            point(11.0, 6.3, 5.0, 7.6, 2),
            point(20.0, 4.5, 4.0, 5.0, 2),
            point(22.0, 4.3, 3.6, 5.0, 2),
            point(30.0, 2.0, 2.0, 2.0, 1),
        ];
        for (found, expected) in points(&loss, 0).iter().zip(&expected) {
            assert!((found.mean - expected.mean).abs() < 1e-12, "{found:?}, not {expected:?}");
            assert_eq!((found.step, found.runs), (expected.step, expected.runs));
            assert!((found.low - expected.low).abs() + (found.high - expected.high).abs() < 1e-12);
        }
        // A curve has no points where none of its runs has a value.
        loss.add(1, &[(10, 1.0), (30, 2.0)], &mut scratch);
        assert_eq!(points(&loss, 1).len(), 2);
    }

    #[test]
    fn a_value_counts_for_every_rung_it_is_past() {
        let rungs = Rungs { metric: "loss".into(), steps: vec![2, 6, 18] };
        assert_eq!(rungs.values(&[(1, 9.0), (2, 5.0), (4, 4.0), (7, 3.0)]), [5.0, 3.0]);
        assert_eq!(rungs.values(&[(20, 1.0)]), [1.0; 3]);
        assert_eq!(rungs.values(&[(1, 9.0)]), [0.0; 0]);
    }

    #[test]
    fn a_run_counts_once_in_a_bin() {
        // Steps 0 to 3 in two bins; the band is over runs, not over the steps of a run.
        let mut loss = metric(Bins::Equal { low: 0, high: 3, points: 2 });
        let mut scratch = Vec::new();
        loss.add(7, &[(0, 1.0), (1, 3.0), (2, 5.0), (3, 5.0)], &mut scratch);
        loss.add(7, &[(0, 4.0), (3, 7.0)], &mut scratch);
        let point = |step, mean, low, high| Point { step, mean, low, high, runs: 2 };
        let expected = [point(0.25, 3.0, 2.0, 4.0), point(2.75, 6.0, 5.0, 7.0)];
        assert_eq!(points(&loss, 7), expected);
    }
}
