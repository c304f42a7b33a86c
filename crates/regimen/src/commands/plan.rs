//! `regimen plan` and `regimen show`: the runs of a configuration, and the configuration in full.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::thread;

use anyhow::Result;
use journal::Fold;
use orchestrator::execute::JOURNAL;
use orchestrator::needs::{Need, Supply, Wanted, What};
use orchestrator::plan::{Awaited, Estimate, Pace, Plan, PlannedRun, State, label, resolved};
use serde_json::{Value, json};

use crate::arguments::{self, ListFormat};
use crate::commands::Done;
use crate::complaints::in_a_line;
use crate::history::FoldHistory;
use crate::plans::{Absent, Planned, layered, plans};
use crate::preflight;
use crate::progress::{span, thousands};
use crate::terminal::{inert, print, print_lines, program, say};

/// `regimen plan`: one line a run, then what the runs need and how long they take.
pub(crate) fn plan(arguments: &arguments::Plan) -> Result<Done> {
    let plans = layered(plans(&arguments.config, Absent::Told)?);
    list(&plans, &arguments.store, &arguments.data, arguments.format)?;
    Ok(Done::Well)
}

/// Prints the runs of plans to standard output, and counts, needs and times to standard error.
pub(crate) fn list(
    plans: &[Planned],
    store: &arguments::StoreOptions,
    data: &arguments::DataOptions,
    format: ListFormat,
) -> Result<()> {
    let fold = Fold::read(&store.results.join(JOURNAL))?;
    let history = FoldHistory::new(&fold);
    let host = crate::provenance::host();
    let pace = Pace::new(&fold, &host);
    let (mut total, mut wanted) = (Tally::default(), Wanted::default());
    for planned in plans {
        let plan = &planned.plan;
        let mut text = String::new();
        let mut tally = Tally { workers: workers(plan), ..Tally::default() };
        let mut left = Vec::new();
        for run in &plan.runs {
            let state = State::of(run, &history);
            tally.add(&state);
            line(&mut text, plan, run, &state, format)?;
            left.extend(is_left(&state).then_some(run));
        }
        for awaited in &plan.awaiting {
            tally.await_data();
            later(&mut text, plan, awaited, format)?;
        }
        match format {
            ListFormat::Json => print(&text)?,
            ListFormat::Table => print_lines(&text)?,
        }
        tally.estimate = pace.estimate(left.iter().map(|run| &run.spec));
        wanted.add(plan, left.into_iter());
        let by = match planned.needed_by.as_slice() {
            [] => String::new(),
            by => format!(", needed by {}", by.join(", ")),
        };
        say(&format!("{}{by}: {}", plan.sweep, tally.text()));
        say_duplicates(plan);
        total.join(tally);
    }
    if plans.len() > 1 {
        say(&format!("all {} configurations: {}", plans.len(), total.text()));
    }
    say_needs(&preflight::needs(&wanted, plans, data, &store.results));
    Ok(())
}

/// Whether `regimen run` executes a run of this state.
pub(crate) fn is_left(state: &State) -> bool {
    !matches!(state, State::Finished | State::Failed { .. } | State::Blocked { .. })
}

fn line(
    text: &mut String,
    plan: &Plan,
    run: &PlannedRun,
    state: &State,
    format: ListFormat,
) -> Result<()> {
    if format == ListFormat::Json {
        let row = json!({
            "run_id": run.spec.run, "spec_id": run.spec.spec, "sweep": plan.sweep,
            "varies": object(run), "state": state.as_str(), "reason": state.reason(),
        });
        return Ok(writeln!(text, "{row}")?);
    }
    let (id, varies) = (run.spec.run.short(), varies(run));
    let reason = match (state, state.reason()) {
        (_, "") => String::new(),
        (State::Failed { .. }, error) => {
            format!(": {} (see `{} logs {id}`)", in_a_line(error), program())
        }
        (_, reason) => format!(": {}", inert(reason)),
    };
    Ok(writeln!(text, "{id}  {varies}  {}{reason}", state.as_str())?)
}

fn object(run: &PlannedRun) -> BTreeMap<String, Value> {
    run.varies.iter().cloned().collect()
}

fn varies(run: &PlannedRun) -> String {
    let varies = run.varies.iter();
    let all: Vec<String> = varies.map(|(name, value)| format!("{name}={}", label(value))).collect();
    all.join(" ")
}

/// What runs are whose identity depends on what is fetched.
const LATER: &str = "after fetch";

/// A line of a run that has no id yet.
fn later(text: &mut String, plan: &Plan, awaited: &Awaited, format: ListFormat) -> Result<()> {
    let Awaited { run, data } = awaited;
    let reason = format!("its id depends on data set {data}");
    if format == ListFormat::Json {
        let row = json!({
            "run_id": null, "spec_id": run.spec.spec, "sweep": plan.sweep,
            "varies": object(run), "state": LATER, "reason": reason,
        });
        return Ok(writeln!(text, "{row}")?);
    }
    Ok(writeln!(text, "{:10}  {}  {LATER}: {reason}", "-", varies(run))?)
}

/// Runs by state, and how long those that are left take.
#[derive(Default)]
struct Tally {
    runs: usize,
    counts: BTreeMap<usize, (&'static str, usize)>,
    estimate: Estimate,
    workers: usize,
}

impl Tally {
    fn add(&mut self, state: &State) {
        // What is to be done before what is done.
        let rank = match state {
            State::NotRun => 1,
            State::Running => 2,
            State::Interrupted => 3,
            State::Pruned => 4,
            State::Stale { .. } => 5,
            State::Failed { .. } => 6,
            State::Blocked { .. } => 7,
            State::Finished => 8,
        };
        self.runs += 1;
        self.counts.entry(rank).or_insert((state.as_str(), 0)).1 += 1;
    }

    fn await_data(&mut self) {
        self.runs += 1;
        self.counts.entry(0).or_insert((LATER, 0)).1 += 1;
    }

    fn join(&mut self, other: Self) {
        self.runs += other.runs;
        for (rank, (word, count)) in other.counts {
            self.counts.entry(rank).or_insert((word, 0)).1 += count;
        }
        self.estimate = self.estimate.and(other.estimate);
        self.workers = self.workers.max(other.workers);
    }

    /// `48 runs: 46 not run, 2 finished; about 12 min on 2 workers, by 34 runs that finished here`.
    fn text(&self) -> String {
        let plural = if self.runs == 1 { "run" } else { "runs" };
        let mut text = format!("{} {plural}", thousands(self.runs as u64));
        let counts: Vec<String> = self
            .counts
            .values()
            .map(|(word, count)| format!("{} {word}", thousands(*count as u64)))
            .collect();
        if !counts.is_empty() {
            text.push_str(&format!(": {}", counts.join(", ")));
        }
        let Estimate { seconds, from, unknown } = self.estimate;
        if from > 0 {
            let seconds = seconds / self.workers.max(1) as f64;
            let time = if seconds < 1.0 { "1s".into() } else { span(seconds) };
            let bound = match (unknown, seconds < 1.0) {
                (0, true) => "less than ",
                (0, false) => "about ",
                _ => "at least ",
            };
            let runs = if from == 1 { "1 run".into() } else { format!("{from} runs") };
            text.push_str(&format!(
                "; {bound}{time} on {} workers, by {runs} that finished here",
                self.workers
            ));
            if unknown > 0 {
                text.push_str(&format!(" ({unknown} are like none of them)"));
            }
        }
        text
    }
}

/// How many workers execute a plan where nobody says otherwise.
pub(crate) fn workers(plan: &Plan) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    (cores / plan.resources.threads.max(1)).max(1)
}

fn say_duplicates(plan: &Plan) {
    match plan.duplicates {
        0 => {}
        1 => say("1 point of the sweep asks for a run that another point asks for too"),
        n => say(&format!("{n} points of the sweep ask for runs that other points ask for too")),
    }
}

/// Says what is not simply here: every data set, and everything else that is missing.
fn say_needs(needs: &[Need]) {
    for need in needs {
        let is_data = matches!(need.what, What::Data { .. });
        match &need.supply {
            Supply::Missing { .. } if need.prevents() => say(&format!("missing: {need}")),
            Supply::Missing { .. } => say(&format!("warning: {need}")),
            _ if is_data => say(&format!("needs {need}")),
            _ => {}
        }
    }
}

/// `regimen show`: the configuration with every default filled in.
pub(crate) fn show(arguments: &arguments::Show) -> Result<Done> {
    for planned in plans(&arguments.config, Absent::Ignored)? {
        print(&resolved(&planned.config, &planned.plan)?)?;
    }
    if arguments.config.choice.only.is_some() {
        say(
            "`--only` selects runs; no configuration holds it, so give it to the other commands too",
        );
    }
    Ok(Done::Well)
}
