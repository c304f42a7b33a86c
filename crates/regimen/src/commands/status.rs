use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use journal::Fold;
use orchestrator::execute::{self, LiveRun};
use serde_json::json;

use crate::arguments::{ListFormat, Status};
use crate::commands::Done;
use crate::terminal::{print, say};

/// Time between looks with `--watch`.
const EVERY: Duration = Duration::from_secs(1);
/// Clears a terminal and goes to its upper left corner.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// `regimen status`: how many runs of each sweep stand where, and what is under way.
pub(crate) fn status(arguments: &Status) -> Result<Done> {
    let store = &arguments.store.results;
    let mut fold = Fold::read(&store.join(execute::JOURNAL))?;
    let mut shown = text(&fold, store, arguments.format)?;
    print(&shown)?;
    while arguments.watch && is_under_way(store) {
        thread::sleep(EVERY);
        fold.refresh()?;
        let now = text(&fold, store, arguments.format)?;
        if now != shown {
            let clear = if std::io::stdout().is_terminal() { CLEAR } else { "" };
            print(&format!("{clear}{now}"))?;
            shown = now;
        }
    }
    fold.problems.iter().for_each(|problem| say(&format!("warning: {problem}")));
    Ok(Done::Well)
}

/// Whether a driver is at work.
fn is_under_way(store: &Path) -> bool {
    !execute::live(store).is_empty()
}

fn text(fold: &Fold, store: &Path, format: ListFormat) -> Result<String> {
    let mut sweeps: BTreeMap<(&str, &str), BTreeMap<&str, usize>> = BTreeMap::new();
    for run in fold.runs.values() {
        let sweep = sweeps.entry((&run.spec.experiment, &run.spec.sweep)).or_default();
        *sweep.entry(run.status().as_str()).or_default() += 1;
    }
    let live = execute::live(store);
    let mut text = String::new();
    for ((experiment, sweep), counts) in sweeps {
        if format == ListFormat::Json {
            let live: Vec<&LiveRun> =
                live.values().flatten().filter(|run| run.sweep == sweep).collect();
            let row = json!({
                "experiment": experiment, "sweep": sweep, "runs": counts, "live": live,
            });
            writeln!(text, "{row}")?;
        } else {
            let counts: Vec<String> =
                counts.iter().map(|(state, n)| format!("{n} {state}")).collect();
            writeln!(text, "{experiment}  {}  {}", sweep.escape_debug(), counts.join(", "))?;
        }
    }
    if format == ListFormat::Table {
        live.values().flatten().try_for_each(|run| writeln!(text, "  {}", line(run)))?;
    }
    Ok(text)
}

/// A run under way: how far, how fast, how long still.
fn line(run: &LiveRun) -> String {
    let mut line = format!("{}  attempt {}  {:.0} s", run.run.short(), run.attempt, run.seconds);
    if let Some((done, total)) = run.progress {
        line.push_str(&format!("  {done} of {total}"));
    }
    if let (Some(rate), Some(left)) = (run.rate(), run.seconds_left()) {
        line.push_str(&format!("  {rate:.1}/s  {left:.0} s left"));
    }
    line
}
