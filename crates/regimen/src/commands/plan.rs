use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Result;
use journal::Fold;
use orchestrator::plan::{Plan, State, resolved};
use serde_json::{Value, json};

use crate::arguments::{self, ListFormat};
use crate::commands::Done;
use crate::complaints::in_a_line;
use crate::history::FoldHistory;
use crate::plans::plans;
use crate::terminal::{print, say};

/// `regimen plan`: one line a run.
pub(crate) fn plan(arguments: &arguments::Plan) -> Result<Done> {
    let fold = Fold::read(&arguments.store.results.join("journal"))?;
    for planned in plans(&arguments.config)? {
        list(&planned.plan, &fold, arguments.format)?;
    }
    Ok(Done::Well)
}

/// Prints the runs of a plan to standard output and counts them on standard error.
pub(crate) fn list(plan: &Plan, fold: &Fold, format: ListFormat) -> Result<()> {
    let history = FoldHistory::new(fold);
    let mut text = String::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for run in &plan.runs {
        let state = State::of(&run.spec, &history);
        *counts.entry(state.as_str()).or_default() += 1;
        if format == ListFormat::Json {
            let varies: BTreeMap<_, _> = run.varies.iter().cloned().collect();
            let row = json!({
                "run_id": run.spec.run, "spec_id": run.spec.spec, "sweep": plan.sweep,
                "varies": varies, "state": state.as_str(), "reason": state.reason(),
            });
            writeln!(text, "{row}")?;
            continue;
        }
        let varies: Vec<String> =
            run.varies.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect();
        let reason = match (&state, state.reason()) {
            (_, "") => String::new(),
            (State::Failed { .. }, error) => {
                let id = run.spec.run.short();
                format!(": {} (see `regimen logs {id}`)", in_a_line(error))
            }
            (_, reason) => format!(": {}", reason.escape_debug()),
        };
        writeln!(
            text,
            "{}  {}  {}{reason}",
            run.spec.run.short(),
            varies.join(" "),
            state.as_str()
        )?;
    }
    print(&text)?;
    let counts: Vec<String> = counts.iter().map(|(state, n)| format!("{n} {state}")).collect();
    say(&format!("{}: {} runs ({})", plan.sweep, plan.runs.len(), counts.join(", ")));
    if plan.duplicates > 0 {
        say(&format!(
            "{} points of the sweep ask for a run that is there already",
            plan.duplicates
        ));
    }
    Ok(())
}

/// A value as listings show it.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.escape_debug().to_string())
}

/// `regimen show`: the configuration with every default filled in.
pub(crate) fn show(arguments: &arguments::Show) -> Result<Done> {
    for planned in plans(&arguments.config)? {
        print(&resolved(&planned.config, &planned.plan)?)?;
    }
    Ok(Done::Well)
}
