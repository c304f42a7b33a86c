use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};
use experiment::{DataPaths, RunId};
use journal::{Fold, Outcome, Role, RunState};
use orchestrator::execute::{self, Notice, Observer, Options, Rerun, Stop, Summary, WorkerCommand};
use orchestrator::needs::{Need, Supply, Wanted, What};
use orchestrator::plan::{PlannedRun, State};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::arguments::{ListFormat, Run};
use crate::commands::plan::{first_line, is_left, list, workers};
use crate::commands::{Done, compare, report};
use crate::history::FoldHistory;
use crate::logging::LogFormat;
use crate::plans::{Absent, Planned, plans};
use crate::progress::SweepProgress;
use crate::terminal::say;
use crate::{preflight, provenance, registry};

/// `regimen run`: execute what is not finished yet, fold, print the tables.
pub(crate) fn run(arguments: &Run, log_format: LogFormat) -> Result<Done> {
    let mut plans = plans(&arguments.config, Absent::Told)?;
    if arguments.dry_run {
        list(&plans, &arguments.store, &arguments.data, ListFormat::Table)?;
        return Ok(Done::Well);
    }
    match prepare(arguments, &plans)? {
        Ready::Yes => {}
        Ready::Fetched => plans = self::plans(&arguments.config, Absent::Told)?,
        Ready::No => return Ok(Done::BadInput),
    }
    if plans.iter().all(|planned| planned.plan.runs.is_empty()) {
        return Ok(Done::BadInput);
    }
    let subjects = match arguments.report {
        Some(_) => report::subjects(&plans, &arguments.config.choice, None)?,
        None => Vec::new(),
    };
    let stop = Stop::new();
    listen(&stop)?;
    let mut failed = 0;
    for planned in plans {
        let summary = execute(arguments, &planned, log_format, &stop)?;
        failed += summary.failed.len();
        write_tables(&arguments.store.results)?;
        if stop.requested() {
            say("interrupted; what was recorded is kept, the same command goes on");
            return Ok(Done::Interrupted);
        }
        match compare::show_plan(&planned.plan, &arguments.store.results) {
            Err(error) if compare::nothing(&error) => say(&error.to_string()),
            shown => shown?,
        }
    }
    if let Some(page) = &arguments.report {
        report::write(&arguments.store.results, subjects, page)?;
    }
    Ok(if failed > 0 { Done::SomeFailed } else { Done::Well })
}

/// Whether runs can begin.
enum Ready {
    Yes,
    /// Data sets were fetched that plans were waiting for.
    Fetched,
    No,
}

/// Looks once at what the runs need, fetches what is missing, and says what cannot be had.
fn prepare(arguments: &Run, plans: &[Planned]) -> Result<Ready> {
    let store = &arguments.store.results;
    let look = |executed: &dyn Fn(&PlannedRun) -> bool| {
        let mut wanted = Wanted::default();
        for Planned { plan, .. } in plans {
            wanted.add(plan, plan.runs.iter().filter(|run| executed(run)));
        }
        preflight::needs(&wanted, &arguments.data, store)
    };
    let is_here = |needs: &[Need]| needs.iter().all(|need| need.supply == Supply::Here);
    let mut needs = look(&|_| true);
    if !is_here(&needs) {
        let no_store = |need: &Need| need.prevents() && matches!(need.what, What::Store(_));
        match Fold::read(&store.join(execute::JOURNAL)) {
            // What is wrong with the store is among the needs.
            Err(_) if needs.iter().any(no_store) => {}
            fold => {
                // Runs that are not executed need nothing.
                let fold = fold?;
                let history = FoldHistory::new(&fold);
                needs = look(&|run| match State::of(&run.spec, &history) {
                    _ if arguments.force => true,
                    State::Failed { .. } => arguments.retry_failed,
                    state => is_left(&state),
                });
            }
        }
    }
    if !needs.iter().any(Need::prevents) {
        preflight::fetch(&mut needs, &arguments.data);
    }
    for need in needs.iter().filter(|need| matches!(need.supply, Supply::Missing { .. })) {
        let word = if need.prevents() { "error" } else { "warning" };
        say(&format!("{word}: {need}"));
    }
    let waited = plans.iter().any(|planned| !planned.plan.awaiting.is_empty());
    Ok(match (needs.iter().any(Need::prevents), waited) {
        (true, _) => Ready::No,
        (false, true) => Ready::Fetched,
        (false, false) => Ready::Yes,
    })
}

fn execute(
    arguments: &Run,
    planned: &Planned,
    log_format: LogFormat,
    stop: &Stop,
) -> Result<Summary> {
    let plan = &planned.plan;
    let options = options(arguments, planned, log_format)?;
    let specs: Vec<_> = plan.runs.iter().map(|run| run.spec.clone()).collect();
    let mut watched = Watched::new(SweepProgress::new(plan));
    let summary = execute::execute(&specs, &options, &registry::entries(), &mut watched, stop)?;
    watched.progress.summarise(&summary);
    watched.say_earlier(&summary, &options.store)?;
    if let Some(search) = plan.search.as_ref().filter(|_| watched.never_paused(&summary)) {
        say(&format!(
            "warning: `search` compared nothing: no run recorded `{}` at step {} or later",
            search.metric, search.first
        ));
    }
    Ok(summary)
}

/// Shows a sweep, and remembers what happened to its runs.
struct Watched {
    progress: SweepProgress,
    failed: HashSet<RunId>,
    started: bool,
    paused: bool,
}

impl Watched {
    fn new(progress: SweepProgress) -> Self {
        Self { progress, failed: HashSet::new(), started: false, paused: false }
    }

    /// Whether runs were executed and none came to a rung of a search.
    fn never_paused(&self, summary: &Summary) -> bool {
        self.started && !self.paused && summary.pruned.is_empty() && !summary.finished.is_empty()
    }

    /// Says which runs failed in earlier calls and why, equal errors once.
    fn say_earlier(&self, summary: &Summary, store: &Path) -> Result<()> {
        let earlier = summary.failed.iter().filter(|run| !self.failed.contains(run));
        let earlier: Vec<RunId> = earlier.copied().collect();
        if earlier.is_empty() {
            return Ok(());
        }
        let fold = Fold::read(&store.join(execute::JOURNAL))?;
        let mut errors: BTreeMap<String, Vec<RunId>> = BTreeMap::new();
        for run in &earlier {
            let error = fold.runs.get(run).and_then(RunState::error).unwrap_or_default();
            errors.entry(first_line(error)).or_default().push(*run);
        }
        let (count, are) = (earlier.len(), if earlier.len() == 1 { "run" } else { "runs" });
        say(&format!("{count} {are} failed before; `--retry-failed` runs them again:"));
        for (error, runs) in errors {
            let some: Vec<String> = runs.iter().take(3).map(RunId::short).collect();
            let more = if runs.len() > 3 { ", …" } else { "" };
            say(&format!("  {} of them ({}{more}): {error}", runs.len(), some.join(", ")));
        }
        Ok(())
    }
}

impl Observer for Watched {
    fn notify(&mut self, notice: &Notice) {
        match notice {
            Notice::Started { run, .. } => {
                self.started = true;
                self.failed.remove(run);
            }
            Notice::Ended { run, outcome: Outcome::Failed { .. }, .. }
            | Notice::Lost { run, .. } => drop(self.failed.insert(*run)),
            Notice::Ended { outcome: Outcome::Paused { .. }, .. } => self.paused = true,
            _ => {}
        }
        self.progress.notify(notice);
    }
}

fn options(arguments: &Run, planned: &Planned, log_format: LogFormat) -> Result<Options> {
    let resources = &planned.plan.resources;
    let jobs = arguments.jobs.map_or_else(|| workers(&planned.plan), usize::from).max(1);
    Ok(Options {
        store: arguments.store.results.clone(),
        jobs,
        memory: resources.memory,
        time: resources.time,
        output: resources.output,
        retry: resources.retry,
        search: planned.plan.search.clone(),
        retain: Options::RETAIN,
        data: DataPaths {
            // Runs that need no data set need no cache.
            cache: datasets::default_cache().unwrap_or_default(),
            mirror: arguments.data.mirror.clone(),
            offline: arguments.data.offline,
        },
        rerun: match (arguments.force, arguments.retry_failed) {
            (true, _) => Rerun::All,
            (false, true) => Rerun::Failed,
            (false, false) => Rerun::Unfinished,
        },
        in_process: arguments.in_process,
        worker: worker_command(log_format)?,
        opened: provenance::opened(Role::Driver),
        lease: arguments.lease.unwrap_or(Options::LEASE),
        checkpoint_every: arguments.checkpoint_every.unwrap_or(Options::CHECKPOINT_EVERY),
    })
}

fn worker_command(log_format: LogFormat) -> Result<WorkerCommand> {
    let program = std::env::current_exe().context("finding this program")?;
    let args = ["worker", "--log-format", log_format.name()].map(Into::into).to_vec();
    Ok(WorkerCommand { program, args })
}

/// Folds the journals of the store into its tables, unless they are up to date.
pub(crate) fn write_tables(store: &Path) -> Result<()> {
    let journal = store.join(execute::JOURNAL);
    let entries = registry::entries();
    let defaults = |name: &str| entries.iter().find(|e| e.name == name).map(|e| e.defaults());
    if tables::are_current(&journal, store, &defaults)? {
        return Ok(());
    }
    loop {
        let fold = Fold::read(&journal)?;
        match tables::write_tables(&fold, store, &defaults) {
            // Somebody compacted the journals meanwhile.
            Err(tables::Error::Journal(error)) if error.is_gone() => {}
            written => {
                fold.problems.iter().for_each(|problem| tracing::warn!("{problem}"));
                return Ok(written.map(drop)?);
            }
        }
    }
}

/// The first Ctrl-C stops softly, the second at once.
fn listen(stop: &Stop) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("listening for Ctrl-C")?;
    let stop = stop.clone();
    thread::spawn(move || {
        for _ in signals.forever() {
            if stop.requested() {
                stop.hard();
            } else {
                say("stopping; once more to stop at once");
                stop.soft();
            }
        }
    });
    Ok(())
}

/// `regimen worker`: execute runs for a driver.
pub(crate) fn worker() -> Result<Done> {
    execute::serve(&registry::entries())?;
    Ok(Done::Well)
}
