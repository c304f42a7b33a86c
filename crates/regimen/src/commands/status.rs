use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Result;
use journal::Fold;
use serde_json::json;

use crate::arguments::{ListFormat, Status};
use crate::commands::Done;
use crate::terminal::{print, say};

/// `regimen status`: how many runs of each sweep stand where.
pub(crate) fn status(arguments: &Status) -> Result<Done> {
    let fold = Fold::read(&arguments.store.results.join("journal"))?;
    let mut sweeps: BTreeMap<(&str, &str), BTreeMap<&str, usize>> = BTreeMap::new();
    for run in fold.runs.values() {
        let sweep = sweeps.entry((&run.spec.experiment, &run.spec.sweep)).or_default();
        *sweep.entry(run.status().as_str()).or_default() += 1;
    }
    let mut text = String::new();
    for ((experiment, sweep), counts) in sweeps {
        if arguments.format == ListFormat::Json {
            let row = json!({ "experiment": experiment, "sweep": sweep, "runs": counts });
            writeln!(text, "{row}")?;
        } else {
            let counts: Vec<String> =
                counts.iter().map(|(state, n)| format!("{n} {state}")).collect();
            writeln!(text, "{experiment}  {}  {}", sweep.escape_debug(), counts.join(", "))?;
        }
    }
    print(&text)?;
    fold.problems.iter().for_each(|problem| say(&format!("warning: {problem}")));
    Ok(Done::Well)
}
