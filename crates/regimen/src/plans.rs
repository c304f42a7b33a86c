use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use datasets::{Store, default_cache};
use experiment::Device;
use orchestrator::config::{self, Config};
use orchestrator::plan::{Identity, Only, Overridden, Plan, overridden};

use crate::arguments::ConfigOptions;
use crate::registry;
use crate::terminal::say;

/// A configuration and the runs it asks for.
pub(crate) struct Planned {
    pub(crate) path: PathBuf,
    pub(crate) config: Config,
    pub(crate) plan: Plan,
    /// Parameters that arguments changed.
    pub(crate) overridden: Vec<Overridden>,
}

/// Loads and expands every configuration of a command.
pub(crate) fn plans(options: &ConfigOptions) -> Result<Vec<Planned>> {
    let only = options.only.as_deref().map(Only::parse).transpose()?;
    let mut plans = Vec::new();
    for path in &options.configs {
        let config = config::load(path, &options.set)?;
        let mut plan = Plan::new(&config, &registry::entries(), &identity())
            .with_context(|| format!("planning {}", path.display()))?;
        if options.set.is_empty() {
            warn_of_empty_tables(path, &plan)?;
        }
        if let Some(only) = &only {
            plan = plan.only(only)?;
        }
        let overridden = match options.set.as_slice() {
            [] => Vec::new(),
            _ => overridden(path, &config, &plan),
        };
        plans.push(Planned { path: path.clone(), config, plan, overridden });
    }
    Ok(plans)
}

/// Says which tables show none of all runs: most likely their condition has a typing error.
fn warn_of_empty_tables(path: &Path, plan: &Plan) -> Result<()> {
    for table in &plan.tables {
        let Some(only) = &table.only else { continue };
        if !plan.runs.is_empty() && plan.shown_by(table)?.is_empty() {
            let name =
                table.title.as_ref().map_or("a table".into(), |title| format!("table {title:?}"));
            let (path, condition) = (path.display(), only.text());
            say(&format!("warning: {path}: {name} shows nothing: no run has {condition}"));
        }
    }
    Ok(())
}

/// What identity depends on in this binary.
pub(crate) fn identity() -> Identity<'static> {
    Identity {
        engine: autodiff::NUMERIC_VERSION,
        device: Device::Cpu,
        checksum: &|name| match name.strip_prefix(command::FILE) {
            Some(path) => command::checksum(path.as_ref()).ok(),
            None => data_set(name),
        },
    }
}

/// The sum of a data set; of one that is only known once it is there, the sum of what is there.
fn data_set(name: &str) -> Option<String> {
    let store = Store::new(&default_cache().unwrap_or_default(), None, true);
    store.checksum(name).ok().map(|sum| sum.to_string())
}
