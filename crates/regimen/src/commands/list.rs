//! `regimen list`: the runs of a store, a line each.

use std::fmt::Write;
use std::mem::ManuallyDrop;

use anyhow::{Result, anyhow};
use journal::Fold;
use orchestrator::execute::JOURNAL;
use orchestrator::plan::{Facts, Listing, Only, Stored, label};
use serde_json::{Value, json};
use tables::Listed;

use crate::arguments::{List, ListFormat};
use crate::columns::aligned;
use crate::commands::{Done, status};
use crate::progress::{Screen, span, thousands};
use crate::terminal::{self, inert, print, say};
use crate::{derived, registry};

/// `regimen list`.
pub(crate) fn list(arguments: &List) -> Result<Done> {
    let store = &arguments.store.results;
    if let Some(done) = status::nothing_there(store, false)? {
        return Ok(done);
    }
    let only = arguments.only.as_deref().map(Only::parse).transpose()?;
    let is_table = matches!(arguments.format, ListFormat::Table);
    // Taking large ones down again takes longer than ending without it.
    let tabled = ManuallyDrop::new(if is_table { derived::listed(store) } else { None });
    let fold = match &*tabled {
        Some(_) => Fold::default(),
        None => Fold::read(&store.join(JOURNAL))?,
    };
    let fold = ManuallyDrop::new(fold);
    let mut listing = match &*tabled {
        Some(tabled) => Listing::new(tabled.iter().map(facts), only.as_ref())?,
        None => Listing::new(Facts::of(&fold), only.as_ref())?,
    };
    if let Some(by) = &arguments.sort {
        let (name, descending) = match by.strip_prefix('-') {
            Some(name) => (name, true),
            None => (by.as_str(), false),
        };
        listing
            .sort(name, descending)
            .map_err(|error| anyhow!("argument `--sort {by}`: {error}"))?;
    }
    for name in &arguments.columns {
        listing.know(name).map_err(|error| anyhow!("argument `--columns {name}`: {error}"))?;
    }
    let text = match arguments.format {
        ListFormat::Json => lines(&fold, &listing)?,
        ListFormat::Table => {
            let screen = terminal::screen_of_output();
            table(&listing, &arguments.columns, screen)
        }
    };
    print(&text)?;
    match listing.runs.len() {
        1 => say("1 run"),
        count => say(&format!("{} runs", thousands(count as u64))),
    }
    Ok(Done::Well)
}

/// What a table knows of a run.
fn facts(listed: &Listed) -> Facts<'_> {
    Facts {
        run: listed.run,
        experiment: &listed.experiment,
        sweep: &listed.sweep,
        params: &listed.params,
        seed: listed.seed,
        status: listed.status,
        attempts: listed.attempts,
        seconds: listed.seconds,
        results: &listed.results,
        replaced: !listed.current,
        tags: listed.tags.split_whitespace().collect(),
        note: listed.note.as_deref(),
    }
}

/// A JSON object a line and run.
fn lines(fold: &Fold, listing: &Listing<'_>) -> Result<String> {
    let mut text = String::new();
    for run in &listing.runs {
        let facts = &run.facts;
        let state = &fold.runs[&facts.run];
        let counted = state.counted();
        let row = json!({
            "run_id": facts.run, "spec_id": state.spec.spec, "experiment": facts.experiment,
            "sweep": facts.sweep, "params": run.params(), "seed": facts.seed,
            "state": facts.status.as_str(), "replaced": facts.replaced,
            "attempts": facts.attempts, "tags": facts.tags, "note": facts.note,
            "code": counted.and_then(|attempt| fold.codes.get(attempt.means.code.as_ref()?)),
            "gpus": counted.map(|attempt| attempt.means.gpus.as_slice()).unwrap_or_default(),
            "started_at": counted.and_then(|attempt| attempt.started_at),
            "seconds": facts.seconds, "results": facts.results, "error": state.error(),
        });
        writeln!(text, "{row}")?;
    }
    Ok(text)
}

/// Columns under their names: those that are asked for, or what a run is, how it ended and its main metric.
fn table(listing: &Listing<'_>, columns: &[String], screen: Screen) -> String {
    if listing.runs.is_empty() {
        return String::new();
    }
    let (heads, rows): (Vec<String>, Vec<Vec<String>>) = if columns.is_empty() {
        usual(listing)
    } else {
        let cells = |run: &Stored<'_>| columns.iter().map(|name| cell(run, name)).collect();
        (columns.to_vec(), listing.runs.iter().map(cells).collect())
    };
    let rows: Vec<Vec<String>> = std::iter::once(heads).chain(rows).collect();
    aligned(&rows, screen, usize::MAX)
}

fn usual(listing: &Listing<'_>) -> (Vec<String>, Vec<Vec<String>>) {
    let mut heads = vec!["run", "state", "time", "result", "sweep", "varies"];
    let tagged = listing.runs.iter().any(|run| !run.facts.tags.is_empty());
    heads.extend(tagged.then_some("tags"));
    let row = |run: &Stored<'_>| {
        let facts = &run.facts;
        let replaced = if facts.replaced { ", replaced" } else { "" };
        let state = format!("{}{replaced}", facts.status.as_str());
        let main = registry::named(facts.experiment).ok();
        let main = main.and_then(|entry| entry.metrics.first().map(|metric| &*metric.name));
        let result = main.and_then(|name| facts.results.get_key_value(name));
        let result = result.or(facts.results.first_key_value());
        let result = result.map(|(name, value)| format!("{}={value:.5}", inert(name)));
        let varies = listing.varying(run).iter().map(|name| format!("{name}={} ", cell(run, name)));
        let varies = format!("{}seed={}", varies.collect::<String>(), facts.seed);
        let time = facts.seconds.map(span).unwrap_or_default();
        let mut cells = vec![
            facts.run.short(),
            state,
            time,
            result.unwrap_or_default(),
            inert(facts.sweep),
            varies,
        ];
        cells.extend(tagged.then(|| inert(&facts.tags.join(" "))));
        cells
    };
    (heads.into_iter().map(str::to_owned).collect(), listing.runs.iter().map(row).collect())
}

/// A value as listings show it.
fn cell(run: &Stored<'_>, name: &str) -> String {
    match (name, run.value(name)) {
        ("run", _) => run.facts.run.short(),
        (_, None) => "-".to_owned(),
        // Text that is quoted where it would be read as something else is fit for a terminal.
        (_, Some(Value::Number(number))) => number.to_string(),
        (_, Some(value)) => label(&value),
    }
}
