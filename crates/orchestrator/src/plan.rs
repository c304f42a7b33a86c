//! From a configuration to the list of runs it asks for.

mod changed;
mod check;
mod draw;
mod estimate;
mod exclude;
mod expand;
mod identity;
mod label;
mod layers;
mod needed;
mod only;
mod overridden;
mod points;
mod resolved;
mod scope;
mod sobol;
mod state;
mod stored;
mod table;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use experiment::{Better, Device, Entry, Items, Metric};
use journal::RunSpec;
use serde_json::Value;

use crate::config::{
    self, Config, ConfigError, ConfigErrors, Faults, Loaded, Read, Resources, Search, Table,
};

pub use estimate::{Estimate, Pace};
pub use identity::{Identity, Sum};
pub use label::label;
pub use layers::{Layer, layers};
pub use needed::Underlying;
pub use only::{Only, OnlyError};
pub use overridden::{Overridden, overridden};
pub use resolved::resolved;
pub use state::{History, Known, State};
pub use stored::{Facts, Listing, Stored, Unknown, chosen, differences};

use needed::Loading;
pub(crate) use state::blocked_by;

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
    /// Plans of other configurations that its runs build on, by name.
    pub needs: BTreeMap<String, Arc<Underlying>>,
    /// How trials are chosen to go on; all of them do when absent.
    pub search: Option<Search>,
    /// What a run may use.
    pub resources: Resources,
    /// Final metrics of its runs.
    pub metrics: Vec<Metric>,
    /// Metrics that its runs record step by step.
    pub step_metrics: Vec<Metric>,
    /// Values of single items behind its final metrics.
    pub items: Vec<Items>,
    /// How results are to be shown, one entry a table.
    pub tables: Vec<Table>,
    /// How many points of the sweep asked for a run that another point had asked for.
    pub duplicates: usize,
    /// Runs that are planned once a data set was fetched.
    pub awaiting: Vec<Awaited>,
    /// What looks like a mistake.
    pub warnings: Vec<ConfigError>,
}

/// One run of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRun {
    /// What it is.
    pub spec: RunSpec,
    /// What the sweep varies, in its order, the seed last.
    pub varies: Vec<(String, Value)>,
    /// Programs it starts.
    pub programs: Arc<[String]>,
    /// The runs that it builds on, by name.
    pub needed: BTreeMap<String, Arc<PlannedRun>>,
}

/// A run whose identity depends on what is fetched.
#[derive(Debug, Clone, PartialEq)]
pub struct Awaited {
    /// What it will be, but for its id, which tells it from others until then.
    pub run: PlannedRun,
    /// The data set.
    pub data: String,
}

/// What plans are made with.
pub struct Context<'a> {
    /// The experiments there are.
    pub entries: &'a [Entry],
    /// What identity depends on.
    pub identity: &'a Identity<'a>,
    /// Columns that the tables of runs have beside parameters and metrics.
    pub columns: &'a [&'a str],
}

impl Plan {
    /// Reads a configuration and expands it, with those that it needs.
    ///
    /// # Errors
    /// Every mistake that can be known at once, with its place.
    pub fn load(
        path: &Path,
        set: &[String],
        context: &Context<'_>,
    ) -> Result<Loaded<(Config, Self)>, ConfigErrors> {
        match config::read(path, set, context.entries)? {
            Loaded::Whole(read) => Loading::new(context).plan(read).map(Loaded::Whole),
            Loaded::Part => Ok(Loaded::Part),
        }
    }

    /// The class of device of its runs.
    #[must_use]
    pub fn device(&self) -> Device {
        self.runs.first().map_or_else(Device::default, |run| run.spec.device)
    }

    /// Expands a configuration, and those that it needs.
    ///
    /// # Errors
    /// Every mistake that can be known at once, with its place: an unknown experiment, parameters
    /// that do not fit, an unknown data set, names that nothing has.
    pub fn new(config: &Config, context: &Context<'_>) -> Result<Self, ConfigErrors> {
        let (config, faults) = (config.clone(), Faults::default());
        let read = Read { config, faults, whole_sweep: true };
        Loading::new(context).plan(read).map(|(_, plan)| plan)
    }

    fn empty(config: &Config, entry: Entry) -> Self {
        Self {
            sweep: config.name.clone(),
            entry,
            runs: Vec::new(),
            needs: BTreeMap::new(),
            search: None,
            resources: config.resources.clone(),
            metrics: Vec::new(),
            step_metrics: Vec::new(),
            items: Vec::new(),
            tables: config.tables.clone(),
            duplicates: 0,
            awaiting: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The plan with those runs only for which an expression holds.
    ///
    /// # Errors
    /// A name of the expression that no run has.
    pub fn only(mut self, only: &Only) -> Result<Self, OnlyError> {
        self.keep(only)?;
        Ok(self)
    }

    /// Leaves those runs only for which an expression holds.
    ///
    /// # Errors
    /// A name of the expression that no run has.
    pub fn keep(&mut self, only: &Only) -> Result<(), OnlyError> {
        let chosen = only.choose(self.all().map(|run| &run.spec))?;
        self.runs.retain(|run| chosen.contains(&run.spec.run));
        self.awaiting.retain(|awaited| chosen.contains(&awaited.run.spec.run));
        Ok(())
    }

    /// Its runs, those that await a data set last.
    pub(crate) fn all(&self) -> impl Iterator<Item = &PlannedRun> + Clone {
        self.runs.iter().chain(self.awaiting.iter().map(|awaited| &awaited.run))
    }

    /// The direction of a final metric, where it is declared.
    pub fn better(&self, metric: &str) -> Option<Better> {
        self.metrics.iter().find(|known| known.name == metric).and_then(|known| known.better)
    }
}
