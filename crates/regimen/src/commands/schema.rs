//! `regimen schema`: prints the JSON Schema of an experiment's parameters.

use anyhow::Result;

use crate::{commands::Done, registry, terminal};

pub(crate) fn schema(experiment: &str) -> Result<Done> {
    let entry = registry::named(experiment)?;
    terminal::print(&format!("{:#}\n", entry.schema()))?;
    Ok(Done::Well)
}
