//! `regimen schema`: prints the JSON Schema of an experiment's parameters, or of a whole configuration.

use anyhow::Result;
use orchestrator::config;

use crate::arguments::Schema;
use crate::{commands::Done, registry, terminal};

/// `regimen schema`.
pub(crate) fn schema(arguments: &Schema) -> Result<Done> {
    let entry = arguments.experiment.as_deref().map(registry::named).transpose()?;
    let text = match entry {
        Some(entry) if !arguments.config => format!("{:#}\n", entry.schema()),
        Some(entry) => format!("{:#}\n", config::schema(&[entry])),
        None => of_configurations(),
    };
    terminal::print(&text)?;
    Ok(Done::Well)
}

/// The schema of configurations of any experiment.
pub(crate) fn of_configurations() -> String {
    format!("{:#}\n", config::schema(registry::entries()))
}
