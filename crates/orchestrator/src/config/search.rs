//! The `search` block: asynchronous successive halving over the points of a sweep.

use std::ops::RangeInclusive;

use experiment::{Better, Metric};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::axis::wrong;
use super::{ConfigError, Content, Faults, Node, Path, hint, known_keys, nearest};

/// Successive halving: the points of a sweep are trials, and of those that come to a rung only the best
/// go on (Jamieson and Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter
/// Optimization", Figure 3). Changes no identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// The metric that trials are compared by, as runs record it step by step.
    pub metric: String,
    /// Which direction of it is better.
    pub goal: Better,
    /// r, step of the first rung.
    pub first: u64,
    /// η: each rung stands at η times the step of the one before, and one trial in η goes on.
    pub factor: u64,
    /// Number of rungs; a trial that passes the last one runs to its end.
    pub rungs: u32,
    /// Whether trials go on as soon as they are among the best of those that came to their rung so far
    /// (ASHA; Li et al. 2018, "A System for Massively Parallel Hyperparameter Tuning", Algorithm 2), which
    /// depends on the order in which they come. Otherwise each rung waits for all that can come to it.
    pub asynchronous: bool,
}

pub(super) const KEYS: &[&str] = &["metric", "goal", "first", "factor", "rungs", "asynchronous"];

impl Search {
    /// Step of a rung, counted from 0.
    pub fn step(&self, rung: usize) -> Option<u64> {
        let rung = u32::try_from(rung).ok().filter(|rung| *rung < self.rungs)?;
        self.first.checked_mul(self.factor.checked_pow(rung)?)
    }

    /// As it is written in a configuration.
    pub(crate) fn to_json(&self) -> Value {
        let mut written = json!({
            "metric": self.metric,
            "goal": self.goal,
            "first": self.first,
            "factor": self.factor,
            "rungs": self.rungs,
        });
        if self.asynchronous {
            written["asynchronous"] = true.into();
        }
        written
    }

    /// Reads a block; the metric is the first final one that runs record step by step, and the goal
    /// its own direction, where the block does not say.
    pub(crate) fn read(node: &Node, reported: &Reported<'_>, faults: &mut Faults) -> Option<Self> {
        let path = Path::from_iter(["search"]);
        let known = known_keys(node, &path, KEYS, faults);
        faults.keep(known)?;
        let fault = |message: String| ConfigError::new(&node.span, path.clone(), message);
        let missing = |key: &str| fault(format!("key `{key}` is missing"));
        let metric = match node.get("metric") {
            Some(node) => {
                let path = path.join("metric");
                let named = named(node, &path).and_then(|name| {
                    reported.check_step(&name, node, &path, faults).map(|()| name)
                });
                faults.keep(named)
            }
            None => faults.keep(reported.usual().ok_or_else(|| missing("metric"))),
        };
        let goal = match node.get("goal") {
            Some(node) => [("higher", Better::Higher), ("lower", Better::Lower)]
                .into_iter()
                .find(|(word, _)| node.content == Content::Text((*word).into()))
                .map(|(_, goal)| goal)
                .ok_or_else(|| wrong(node, path.join("goal"), "higher or lower")),
            None => reported.direction(metric.as_deref().unwrap_or_default()).ok_or_else(|| {
                let metric = metric.as_deref().unwrap_or_default();
                fault(format!("key `goal` is missing: no direction of {metric:?} is known"))
            }),
        };
        // Without a metric nobody can know a direction.
        let goal = metric.as_ref().and_then(|_| faults.keep(goal));
        let mut number = |key: &str, range: RangeInclusive<u64>, default: Option<u64>| {
            let wanted = format!("a whole number from {} to {}", range.start(), range.end());
            let number = match node.get(key) {
                Some(node) => match &node.content {
                    Content::Int(found) => {
                        u64::try_from(*found).ok().filter(|found| range.contains(found))
                    }
                    _ => None,
                }
                .ok_or_else(|| wrong(node, path.join(key), &wanted)),
                None => default.ok_or_else(|| missing(key)),
            };
            faults.keep(number)
        };
        let first = number("first", 1..=1_000_000_000, None);
        let factor = number("factor", 2..=100, Some(3));
        let rungs = number("rungs", 1..=30, None).and_then(|rungs| u32::try_from(rungs).ok());
        let asynchronous = match node.get("asynchronous").map(|node| (node, &node.content)) {
            None => Some(false),
            Some((_, Content::Bool(asynchronous))) => Some(*asynchronous),
            Some((node, _)) => {
                faults.keep(Err(wrong(node, path.join("asynchronous"), "true or false")))
            }
        };
        let search = Self {
            metric: metric?,
            goal: goal?,
            first: first?,
            factor: factor?,
            rungs: rungs?,
            asynchronous: asynchronous?,
        };
        let last = search.rungs as usize - 1;
        if search.step(last).is_none() {
            faults.add(fault(format!("the step of rung {last} is no number of 64 bits")));
        }
        Some(search)
    }
}

fn named(node: &Node, path: &Path) -> Result<String, ConfigError> {
    match &node.content {
        Content::Text(name) if !name.is_empty() => Ok(name.clone()),
        _ => Err(wrong(node, path.clone(), "the name of a metric")),
    }
}

/// What the runs of a plan report.
pub(crate) struct Reported<'a> {
    /// Final metrics.
    pub(crate) finals: &'a [Metric],
    /// Metrics by step.
    pub(crate) steps: &'a [Metric],
    /// Whether there may be others.
    pub(crate) any: bool,
}

impl Reported<'_> {
    /// The step metric that a search uses by default.
    fn usual(&self) -> Option<String> {
        let is_step = |metric: &&Metric| self.steps.iter().any(|step| step.name == metric.name);
        let first = self.finals.iter().find(is_step).or_else(|| self.steps.first());
        first.map(|metric| metric.name.clone().into_owned())
    }

    fn direction(&self, name: &str) -> Option<Better> {
        let all = self.steps.iter().chain(self.finals);
        all.filter(|metric| metric.name == name).find_map(|metric| metric.better)
    }

    fn check_step(
        &self,
        name: &str,
        node: &Node,
        path: &Path,
        faults: &mut Faults,
    ) -> Result<(), ConfigError> {
        let has = |metrics: &[Metric]| metrics.iter().any(|metric| metric.name == name);
        let steps = || self.steps.iter().map(|metric| &*metric.name);
        let error = |message| ConfigError::new(&node.span, path.clone(), message);
        if has(self.steps) {
            return Ok(());
        }
        if self.any {
            if let Some(near) = nearest(name, steps()) {
                faults.warn(error(format!("nothing declares `{name}`; did you mean `{near}`?")));
            }
            return Ok(());
        }
        Err(error(if has(self.finals) {
            let list: Vec<&str> = steps().collect();
            format!(
                "`{name}` is known at the end of a run only; wanted one recorded by step: {}",
                list.join(", ")
            )
        } else {
            format!("no run records `{name}` by step{}", hint(name, steps()))
        }))
    }

    /// Judges the name of a final metric where one is wanted.
    pub(crate) fn check_final(&self, name: &str, node: &Node, path: &Path, faults: &mut Faults) {
        if self.finals.iter().any(|metric| metric.name == name) {
            return;
        }
        let finals = || self.finals.iter().map(|metric| &*metric.name);
        let error = |message| ConfigError::new(&node.span, path.clone(), message);
        if !self.any {
            let message = format!("no run reports `{name}`{}", hint(name, finals()));
            faults.add(error(message));
        } else if let Some(near) = nearest(name, finals()) {
            faults.warn(error(format!("nothing declares `{name}`; did you mean `{near}`?")));
        }
    }
}
