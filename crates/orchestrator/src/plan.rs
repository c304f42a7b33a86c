//! From a configuration to the list of runs it asks for.

mod draw;
mod expand;
mod identity;
mod only;
mod overridden;
mod points;
mod resolved;
mod scope;
mod sobol;
mod state;
mod table;

use experiment::{Better, Entry, Metric};
use journal::RunSpec;
use serde_json::Value;

use crate::config::{Config, ConfigError, Resources, Search, Table};
pub use identity::Identity;
pub use only::{Only, OnlyError};
pub use overridden::{Overridden, overridden};
pub use resolved::resolved;
pub use state::{History, Known, State};

/// The runs of one configuration, in the order they are asked for: the first key of the sweep
/// varies slowest, seeds vary fastest.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Name of the sweep.
    pub sweep: String,
    /// The experiment.
    pub entry: Entry,
    /// The runs, each once.
    pub runs: Vec<PlannedRun>,
    /// How trials are chosen to go on; all of them do when absent.
    pub search: Option<Search>,
    /// What a run may use.
    pub resources: Resources,
    /// Final metrics of its runs.
    pub metrics: Vec<Metric>,
    /// How results are to be shown, one entry a table.
    pub tables: Vec<Table>,
    /// How many points of the sweep asked for a run that another point had asked for.
    pub duplicates: usize,
}

/// One run of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRun {
    /// What it is.
    pub spec: RunSpec,
    /// What the sweep varies, in its order, the seed last.
    pub varies: Vec<(String, Value)>,
}

impl Plan {
    /// Expands a configuration.
    ///
    /// # Errors
    /// A located [`ConfigError`]: an unknown experiment, parameters that do not fit, or a data set
    /// without a manifest.
    pub fn new(
        config: &Config,
        entries: &[Entry],
        identity: &Identity<'_>,
    ) -> Result<Self, ConfigError> {
        expand::expand(config, entries, identity)
    }

    /// The plan with those runs only for which an expression holds.
    ///
    /// # Errors
    /// A name of the expression that is no parameter.
    pub fn only(mut self, only: &Only) -> Result<Self, OnlyError> {
        let mut kept = Vec::new();
        for run in self.runs {
            if only.holds(&run.spec)? {
                kept.push(run);
            }
        }
        self.runs = kept;
        Ok(self)
    }

    /// The direction of a final metric, where it is declared.
    pub fn better(&self, metric: &str) -> Option<Better> {
        self.metrics.iter().find(|known| known.name == metric).and_then(|known| known.better)
    }
}
