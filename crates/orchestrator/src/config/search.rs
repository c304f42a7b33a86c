use experiment::Better;
use serde_json::{Value, json};

use super::axis::wrong;
use super::{ConfigError, Content, Node, Path, known_keys};

/// Successive halving, asynchronously: the points of a sweep are trials, and of those that come to
/// a rung only the best go on (ASHA; Li et al. 2018, "A System for Massively Parallel
/// Hyperparameter Tuning", Algorithm 2). Changes no identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The metric that trials are compared by, as runs record it step by step.
    pub metric: String,
    /// Which direction of it is better.
    pub goal: Better,
    /// r, step of the first rung.
    pub first: u64,
    /// η: each rung stands at η times the step of the one before, and one trial in η goes on.
    pub factor: u64,
    /// How many rungs; who is past the last one goes on to its end.
    pub rungs: u32,
}

const KEYS: &[&str] = &["metric", "goal", "first", "factor", "rungs"];

impl Search {
    /// Step of a rung, counted from 0.
    pub fn step(&self, rung: usize) -> Option<u64> {
        let rung = u32::try_from(rung).ok().filter(|rung| *rung < self.rungs)?;
        self.first.checked_mul(self.factor.checked_pow(rung)?)
    }

    /// As it is written in a configuration.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "metric": self.metric,
            "goal": self.goal,
            "first": self.first,
            "factor": self.factor,
            "rungs": self.rungs,
        })
    }

    /// Reads a block; the metric is the experiment's first one, and the goal the one that the
    /// experiment declares, where the block does not say.
    pub(crate) fn read(node: &Node, metrics: &[experiment::Metric]) -> Result<Self, ConfigError> {
        let path = Path::from_iter(["search"]);
        known_keys(node, &path, KEYS)?;
        let fault = |message: String| ConfigError::new(&node.span, path.clone(), message);
        let metric = match node.get("metric") {
            Some(Node { content: Content::Text(name), .. }) if !name.is_empty() => name.clone(),
            Some(other) => return Err(wrong(other, path.join("metric"), "the name of a metric")),
            None => metrics
                .first()
                .map(|metric| metric.name.clone().into_owned())
                .ok_or_else(|| fault("key `metric` is missing".into()))?,
        };
        let goal = match node.get("goal") {
            Some(node) => [("higher", Better::Higher), ("lower", Better::Lower)]
                .into_iter()
                .find(|(word, _)| node.content == Content::Text((*word).into()))
                .map(|(_, goal)| goal)
                .ok_or_else(|| wrong(node, path.join("goal"), "higher or lower"))?,
            None => metrics
                .iter()
                .find(|known| known.name == metric)
                .and_then(|m| m.better)
                .ok_or_else(|| {
                    fault(format!("key `goal` is missing: no direction of {metric:?} is known"))
                })?,
        };
        let number = |key: &str, range: std::ops::RangeInclusive<u64>, default: Option<u64>| {
            let wanted = format!("{} to {}", range.start(), range.end());
            match node.get(key) {
                Some(node) => match &node.content {
                    Content::Int(found) => {
                        u64::try_from(*found).ok().filter(|found| range.contains(found))
                    }
                    _ => None,
                }
                .ok_or_else(|| wrong(node, path.join(key), &wanted)),
                None => default.ok_or_else(|| fault(format!("key `{key}` is missing"))),
            }
        };
        let search = Self {
            metric,
            goal,
            first: number("first", 1..=1_000_000_000, None)?,
            factor: number("factor", 2..=100, Some(3))?,
            rungs: u32::try_from(number("rungs", 1..=30, None)?).unwrap_or(30),
        };
        let last = search.rungs as usize - 1;
        let message = || format!("the step of rung {last} is no number of 64 bits");
        search.step(last).ok_or_else(|| fault(message()))?;
        Ok(search)
    }
}
