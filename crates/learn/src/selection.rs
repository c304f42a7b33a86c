//! Which evaluation of a run is kept.

use autodiff::Buffer;
use experiment::Better;

use crate::Metrics;

/// Which evaluation of a run to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Metric to look at.
    pub metric: &'static str,
    /// Which direction is better.
    pub better: Better,
}

/// The best evaluation so far; among equals the latest.
#[derive(Debug)]
pub struct Selected {
    /// Step after which it was made.
    pub step: u64,
    /// Its value of the metric.
    pub value: f64,
    /// Parameters at that step, flat.
    pub params: Buffer,
}

impl Selection {
    /// The value of the metric, when it beats or equals `best`.
    pub(crate) fn wins(&self, metrics: &Metrics, best: Option<&Selected>) -> Option<f64> {
        let (_, value) = metrics.iter().find(|(name, _)| *name == self.metric)?;
        let wins = best.is_none_or(|best| match self.better {
            Better::Higher => *value >= best.value,
            Better::Lower => *value <= best.value,
        });
        wins.then_some(*value)
    }
}
