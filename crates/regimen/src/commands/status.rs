use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use experiment::{RunId, SpecId};
use journal::Fold;
use orchestrator::execute::{self, LiveRun};
use orchestrator::plan::{Only, PlannedRun};
use serde_json::json;

use crate::arguments::{ConfigOptions, ListFormat, Status};
use crate::commands::{Done, report};
use crate::plans::{Absent, plans};
use crate::terminal::{print, say};

/// Time between looks with `--watch`.
const EVERY: Duration = Duration::from_secs(1);
/// Clears a terminal and goes to its upper left corner.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// `regimen status`: how many runs of each sweep stand where, and what is under way.
pub(crate) fn status(arguments: &Status) -> Result<Done> {
    let store = &arguments.store.results;
    let mut fold = Fold::read(&store.join(execute::JOURNAL))?;
    let counted = counted(arguments, &fold)?;
    let text = |fold: &Fold, format| text(fold, store, format, counted.as_ref());
    let mut shown = text(&fold, arguments.format)?;
    print(&shown)?;
    while arguments.watch && is_under_way(store) {
        thread::sleep(EVERY);
        fold.refresh()?;
        let now = text(&fold, arguments.format)?;
        if now != shown {
            let clear = if std::io::stdout().is_terminal() { CLEAR } else { "" };
            print(&format!("{clear}{now}"))?;
            shown = now;
        }
    }
    fold.problems.iter().for_each(|problem| say(&format!("warning: {problem}")));
    Ok(Done::Well)
}

/// The runs that are counted; all of them where nothing else is said.
fn counted(arguments: &Status, fold: &Fold) -> Result<Option<BTreeSet<RunId>>> {
    let Status { configs, choice, .. } = arguments;
    if !configs.is_empty() {
        let options = ConfigOptions { configs: configs.clone(), choice: choice.clone() };
        let plans = plans(&options, Absent::Ignored)?;
        let planned = || plans.iter().flat_map(|planned| &planned.plan.runs);
        let mut counted: BTreeSet<RunId> = planned().map(|run| run.spec.run).collect();
        // Those that answered a request with other code, data or versions.
        let here = |run: &&PlannedRun| fold.runs.contains_key(&run.spec.run);
        let asked: HashSet<SpecId> =
            planned().filter(|run| !here(run)).map(|run| run.spec.spec).collect();
        let older = fold.runs.values().filter(|run| asked.contains(&run.spec.spec));
        counted.extend(older.map(|run| run.spec.run));
        return Ok(Some(counted));
    }
    if !choice.set.is_empty() {
        report::refuse(choice)?;
    }
    let only = choice.only.as_deref().map(Only::parse).transpose()?;
    let runs = fold.runs.values().map(|run| &*run.spec);
    Ok(only.map(|only| only.choose(runs)).transpose()?)
}

/// Whether a driver is at work.
fn is_under_way(store: &Path) -> bool {
    !execute::live(store).is_empty()
}

fn text(
    fold: &Fold,
    store: &Path,
    format: ListFormat,
    counted: Option<&BTreeSet<RunId>>,
) -> Result<String> {
    let mut sweeps: BTreeMap<(&str, &str), BTreeMap<&str, usize>> = BTreeMap::new();
    let is_counted = |run: &RunId| counted.is_none_or(|counted| counted.contains(run));
    for run in fold.runs.values().filter(|run| is_counted(&run.spec.run)) {
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
