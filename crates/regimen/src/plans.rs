use anyhow::{Context, Result};
use datasets::{Store, default_cache};
use experiment::Device;
use orchestrator::config::{self, Config};
use orchestrator::plan::{Identity, Only, Plan};

use crate::arguments::ConfigOptions;
use crate::registry;

/// A configuration and the runs it asks for.
pub(crate) struct Planned {
    pub(crate) config: Config,
    pub(crate) plan: Plan,
}

/// Loads and expands every configuration of a command.
pub(crate) fn plans(options: &ConfigOptions) -> Result<Vec<Planned>> {
    let only = options.only.as_deref().map(Only::parse).transpose()?;
    let mut plans = Vec::new();
    for path in &options.configs {
        let config = config::load(path, &options.set)?;
        let mut plan = Plan::new(&config, &registry::entries(), &identity())
            .with_context(|| format!("planning {}", path.display()))?;
        if let Some(only) = &only {
            plan = plan.only(only)?;
        }
        plans.push(Planned { config, plan });
    }
    Ok(plans)
}

/// What identity depends on in this binary.
pub(crate) fn identity() -> Identity<'static> {
    Identity {
        engine: autodiff::NUMERIC_VERSION,
        device: Device::Cpu,
        checksum: &|name| match name.strip_prefix(command::FILE) {
            Some(path) => command::planned_checksum(path).ok(),
            None => data_set(name),
        },
    }
}

/// The sum of a data set; of one that is only known once it is there, the sum of what is there.
fn data_set(name: &str) -> Option<String> {
    let store = Store::new(&default_cache().unwrap_or_default(), None, true);
    store.checksum(name).ok().map(|sum| sum.to_string())
}
