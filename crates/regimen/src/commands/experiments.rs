//! `regimen experiments`: what this program can run.

use anyhow::Result;
use serde_json::json;

use crate::arguments::ListFormat;
use crate::commands::Done;
use crate::registry;
use crate::terminal::{print, print_lines};

/// `regimen experiments`.
pub(crate) fn experiments(format: ListFormat) -> Result<Done> {
    for entry in registry::entries() {
        let tools = entry.tools();
        if matches!(format, ListFormat::Json) {
            let metrics = entry.metrics.iter().map(
                |metric| json!({"name": metric.name, "unit": metric.unit, "better": metric.better}),
            );
            let tools =
                tools.iter().map(|tool| json!({"name": tool.name, "summary": tool.summary}));
            let line = json!({
                "name": entry.name, "version": entry.version, "summary": entry.summary,
                "metrics": metrics.collect::<Vec<_>>(), "tools": tools.collect::<Vec<_>>(),
            });
            print(&format!("{line}\n"))?;
            continue;
        }
        print_lines(&format!("{}\n    {}\n", entry.name, entry.summary))?;
        for tool in tools {
            print_lines(&format!("    regimen {} {}: {}\n", entry.name, tool.name, tool.summary))?;
        }
    }
    Ok(Done::Well)
}
