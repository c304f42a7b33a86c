//! Estimates how long runs will take from those that finished on the same host.

use std::collections::{HashMap, HashSet};

use journal::{Fold, RunSpec, RunState, Status};

/// How long runs take, by those that finished on this machine before.
#[derive(Debug, Default)]
pub struct Pace {
    /// By parameters: other seeds, or the same under another version.
    params: HashMap<String, Mean>,
    /// By experiment, then by sweep.
    sweeps: HashMap<String, HashMap<String, Mean>>,
}

/// Seconds of some runs together, and which runs.
#[derive(Debug, Clone, Default, PartialEq)]
struct Mean {
    seconds: f64,
    runs: Vec<u32>,
}

/// How long some runs will take.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Estimate {
    /// Seconds of those that something is known of, one after the other.
    pub seconds: f64,
    /// How many runs it was taken from.
    pub from: usize,
    /// How many runs nothing is known of.
    pub unknown: usize,
}

impl Pace {
    /// What a store says of runs on a host.
    pub fn new(fold: &Fold, host: &str) -> Self {
        let mut pace = Self::default();
        let finished = fold.runs.values().filter(|run| run.status() == Status::Finished);
        for (at, run) in (0..).zip(finished) {
            let Some(seconds) = seconds(run, fold, host) else { continue };
            let spec = &run.spec;
            pace.params.entry(spec.params.clone()).or_default().add(at, seconds);
            let sweeps = pace.sweeps.entry(spec.experiment.clone()).or_default();
            sweeps.entry(spec.sweep.clone()).or_default().add(at, seconds);
        }
        pace
    }

    /// How long runs will take.
    pub fn estimate<'a>(&self, runs: impl Iterator<Item = &'a RunSpec>) -> Estimate {
        let mut estimate = Estimate::default();
        let mut used: HashMap<*const Mean, &Mean> = HashMap::new();
        for run in runs {
            let sweep = || self.sweeps.get(&run.experiment)?.get(&run.sweep);
            match self.params.get(&run.params).or_else(sweep) {
                None => estimate.unknown += 1,
                Some(mean) => {
                    estimate.seconds += mean.seconds / mean.runs.len() as f64;
                    used.insert(mean, mean);
                }
            }
        }
        let from: HashSet<u32> = used.into_values().flat_map(|mean| &mean.runs).copied().collect();
        Estimate { from: from.len(), ..estimate }
    }
}

impl Mean {
    fn add(&mut self, run: u32, seconds: f64) {
        self.seconds += seconds;
        self.runs.push(run);
    }
}

/// Seconds that a run took on a host, all its attempts together; nothing where some were elsewhere.
fn seconds(run: &RunState, fold: &Fold, host: &str) -> Option<f64> {
    let mut sum = 0.0;
    for attempt in &run.attempts {
        let writer = fold.writers.get(&*attempt.writer)?;
        if writer.host != host {
            return None;
        }
        sum += attempt.ended.as_ref().map_or(0.0, |ended| ended.seconds);
    }
    Some(sum)
}

impl Estimate {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            seconds: self.seconds + other.seconds,
            from: self.from + other.from,
            unknown: self.unknown + other.unknown,
        }
    }
}
