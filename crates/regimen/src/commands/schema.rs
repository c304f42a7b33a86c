use anyhow::Result;

use crate::{commands::Done, registry, terminal};

pub(crate) fn schema(experiment: &str) -> Result<Done> {
    let entry = registry::named(experiment)?;
    terminal::print(&format!("{:#}\n", entry.schema()))?;
    Ok(Done::Well)
}
