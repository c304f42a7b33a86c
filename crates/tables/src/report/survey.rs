//! Which metrics an experiment has, and where on the axis of steps its points go.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use polars::prelude::*;

use super::curves::Place;
use crate::{
    Error,
    columns::RUN_ID,
    read::{self, files_in},
    stamp,
};

/// Columns of a table of metrics.
pub(crate) const STEP: &str = "step";
pub(crate) const METRIC: &str = "metric";
pub(crate) const VALUE: &str = "value";

/// Most metrics of an experiment that are looked at.
const NAMES: usize = 1000;

/// Calls `visit` with some thousand rows after the other of every file in `folder`.
pub(crate) fn batches(
    folder: &Path,
    columns: &[&str],
    visit: &mut dyn FnMut(&DataFrame) -> PolarsResult<()>,
) -> Result<(), Error> {
    for path in files_in(folder)? {
        let Some(file) = stamp::open(&path)? else { continue };
        read::batches(&path, &file, columns, &mut |frame| {
            visit(frame).map_err(|source| Error::Parquet { path: path.clone(), source })
        })?;
    }
    Ok(())
}

/// Small numbers for the names of metrics.
#[derive(Debug, Default)]
pub(crate) struct Names {
    all: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Names {
    /// The number of a name; none for the names after too many others.
    pub(crate) fn number(&mut self, name: &str) -> Option<usize> {
        // Most experiments have a handful, which is faster to look through than to hash.
        if let Some(found) = self.all.iter().take(8).position(|known| known == name) {
            return Some(found);
        }
        if let Some(found) = self.numbers.get(name) {
            return Some(*found);
        }
        let number = self.all.len();
        (number < NAMES).then(|| {
            self.all.push(name.to_owned());
            self.numbers.insert(name.to_owned(), number);
            number
        })
    }

    pub(crate) fn name(&self, number: usize) -> &str {
        &self.all[number]
    }
}

/// The steps of one metric.
#[derive(Debug, Default, Clone)]
pub(crate) struct Steps {
    /// All of them, unless they are more than a curve has points.
    distinct: BTreeSet<u64>,
    /// The lowest and the highest.
    range: Option<[u64; 2]>,
}

impl Steps {
    fn add(&mut self, step: u64, points: usize) {
        if self.distinct.len() <= points {
            self.distinct.insert(step);
        }
        self.range = Some(match self.range {
            Some([low, high]) => [low.min(step), high.max(step)],
            None => [step; 2],
        });
    }

    /// Whether a line can be drawn.
    pub(crate) fn is_curve(&self) -> bool {
        self.range.is_some_and(|[low, high]| low < high)
    }

    /// A bin for every step where there are few, else `points` of equal width.
    pub(crate) fn bins(&self, points: usize) -> Bins {
        if self.distinct.len() <= points {
            return Bins::Each(self.distinct.iter().copied().collect());
        }
        let [low, high] = self.range.unwrap_or_default();
        Bins::Equal { low, high, points }
    }
}

/// Where steps go.
#[derive(Debug, Clone)]
pub(crate) enum Bins {
    Each(Vec<u64>),
    Equal { low: u64, high: u64, points: usize },
}

impl Bins {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Each(steps) => steps.len(),
            Self::Equal { points, .. } => *points,
        }
    }

    /// The step in the middle of a bin.
    pub(crate) fn middle(&self, bin: usize) -> f64 {
        match self {
            Self::Each(steps) => steps[bin] as f64,
            Self::Equal { low, high, points } => {
                let width = (high - low) as f64 + 1.0;
                *low as f64 + (bin as f64 + 0.5) * width / *points as f64 - 0.5
            }
        }
    }

    pub(crate) fn of(&self, step: u64) -> Option<usize> {
        match self {
            Self::Each(steps) => steps.binary_search(&step).ok(),
            Self::Equal { low, high, points } => {
                let from_low = u128::from(step.checked_sub(*low)?);
                let width = u128::from(high - low) + 1;
                Some((from_low * *points as u128 / width) as usize).filter(|bin| bin < points)
            }
        }
    }
}

/// The steps of every metric, by section and number of the metric.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) names: Names,
    pub(crate) steps: HashMap<usize, Vec<Steps>>,
}

impl Survey {
    /// Looks through the steps of the runs that `places` knows.
    pub(crate) fn read<'a>(
        folder: &Path,
        points: usize,
        places: &dyn Fn(&str) -> &'a [Place],
    ) -> Result<Self, Error> {
        let mut survey = Self::default();
        let mut current = String::new();
        let mut sections: Vec<usize> = Vec::new();
        batches(folder, &[RUN_ID, STEP, METRIC], &mut |frame| {
            let runs = frame.column(RUN_ID)?.str()?;
            let steps = frame.column(STEP)?.u64()?;
            let metrics = frame.column(METRIC)?.str()?;
            for ((run, step), metric) in runs.iter().zip(steps.iter()).zip(metrics.iter()) {
                let (Some(run), Some(step), Some(metric)) = (run, step, metric) else { continue };
                if run != current {
                    current.replace_range(.., run);
                    sections.clear();
                    sections.extend(places(run).iter().map(|place| place.section));
                    sections.dedup();
                }
                if !sections.is_empty() {
                    survey.add(&sections, step, metric, points);
                }
            }
            Ok(())
        })?;
        Ok(survey)
    }

    fn add(&mut self, sections: &[usize], step: u64, metric: &str, points: usize) {
        let Some(number) = self.names.number(metric) else { return };
        for section in sections {
            let known = self.steps.entry(*section).or_default();
            if known.len() <= number {
                known.resize(number + 1, Steps::default());
            }
            known[number].add(step, points);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(all: impl IntoIterator<Item = u64>, points: usize) -> Steps {
        let mut steps = Steps::default();
        all.into_iter().for_each(|step| steps.add(step, points));
        steps
    }

    #[test]
    fn few_steps_have_a_bin_each() {
        let bins = steps([7, 1, 3, 1], 3).bins(3);
        assert_eq!(bins.len(), 3);
        assert_eq!([1, 3, 7, 2].map(|step| bins.of(step)), [Some(0), Some(1), Some(2), None]);
    }

    #[test]
    fn many_steps_share_bins_of_equal_width() {
        let all = steps(10..=1009, 4);
        assert!(all.distinct.len() <= 5, "no more is kept than decides");
        let bins = all.bins(4);
        assert_eq!(bins.len(), 4);
        assert_eq!(
            [9, 10, 259, 260, 1009, 1010].map(|step| bins.of(step)),
            [None, Some(0), Some(0), Some(1), Some(3), None]
        );
        let widest = steps([0, 1, u64::MAX], 2).bins(2);
        assert_eq!([0, u64::MAX].map(|step| widest.of(step)), [Some(0), Some(1)]);
    }

    #[test]
    fn one_step_is_no_curve() {
        assert!(!steps([5, 5], 3).is_curve());
        assert!(steps([5, 6], 3).is_curve());
    }

    #[test]
    fn names_keep_their_numbers_beyond_the_first_few() {
        let mut names = Names::default();
        let all: Vec<String> = (0..20).map(|number| format!("m{number}")).collect();
        for _ in 0..2 {
            for (number, name) in all.iter().enumerate() {
                assert_eq!(names.number(name), Some(number));
            }
        }
        assert_eq!(names.name(19), "m19");
    }
}
