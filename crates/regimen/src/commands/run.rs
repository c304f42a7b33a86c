//! `regimen run`: checks what runs need, executes those that are left, and prints the tables.

mod finished;
mod watched;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use experiment::{DataPaths, Device};
use journal::{Fold, Role};
use orchestrator::execute::{self, Disk, Options, Presence, Rerun, Stop, Summary, WorkerCommand};
use orchestrator::needs::{Need, Supply, Wanted, What};
use orchestrator::plan::{Estimate, Pace, Plan, PlannedRun, State};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use tables::Subject;

use crate::arguments::{ListFormat, Run};
use crate::commands::cluster::Followed;
use crate::commands::plan::{is_left, list, workers};
use crate::commands::report::{self, Shown};
use crate::commands::{Done, cluster, compare};
use crate::gpus::Held;
use crate::history::FoldHistory;
use crate::logging::LogFormat;
use crate::plans::{self, Absent, Planned, layered, plans};
use crate::progress::{Forecast, Progress};
use crate::terminal::say;
use crate::{derived, devices, preflight, provenance, registry};

use finished::Ends;
pub(crate) use watched::Watched;

/// `regimen run`: execute what is not finished yet, fold, print the tables.
pub(crate) fn run(arguments: &Run, log_format: LogFormat) -> Result<Done> {
    let mut plans = layered(plans(&arguments.config, Absent::Told)?);
    if arguments.dry_run {
        list(&plans, &arguments.store, &arguments.data, ListFormat::Table)?;
        return Ok(Done::Well);
    }
    let gpus = gpus(arguments, &plans)?;
    match prepare(arguments, &plans)? {
        Ready::Yes => {}
        Ready::Fetched => plans = layered(self::plans(&arguments.config, Absent::Told)?),
        Ready::No => return Ok(Done::BadInput),
    }
    if plans.iter().all(|planned| planned.plan.runs.is_empty()) {
        return Ok(Done::BadInput);
    }
    let pages = pages(arguments, &plans)?;
    let (mut ends, begun) = (Ends::new(), Instant::now());
    let ended = execute_all(arguments, &plans, &gpus, log_format, &mut ends);
    if let Some(command) = &arguments.on_finish {
        finished::tell(command, arguments, &ends, &ended, begun.elapsed());
    }
    let done = ended?;
    if let Done::Well | Done::SomeFailed = done {
        for (page, subjects) in pages {
            report::write(&arguments.store.results, subjects, &page)?;
        }
    }
    Ok(done)
}

/// The pages that are written at the end, with what they show: the one that is asked for, or those that
/// configurations name.
fn pages(arguments: &Run, plans: &[Planned]) -> Result<Vec<(PathBuf, Vec<Subject>)>> {
    let mut pages: Vec<(PathBuf, Vec<&Planned>)> = Vec::new();
    for planned in plans.iter().filter(|_| !arguments.detach) {
        let named = || planned.config.report.as_ref().map(PathBuf::from);
        let Some(page) = arguments.report.clone().or_else(named) else { continue };
        match pages.iter_mut().find(|(known, _)| *known == page) {
            Some((_, plans)) => plans.push(planned),
            None => pages.push((page, vec![planned])),
        }
    }
    let (choice, store) = (&arguments.config.choice, &arguments.store.results);
    let shown = |plans: Vec<&Planned>| report::subjects(plans, choice, store, Shown::Planned);
    pages.into_iter().map(|(page, plans)| Ok((page, shown(plans)?))).collect()
}

/// Executes plan after plan and prints their tables.
fn execute_all(
    arguments: &Run,
    plans: &[Planned],
    gpus: &Held,
    log_format: LogFormat,
    ends: &mut Ends,
) -> Result<Done> {
    let stop = Stop::new();
    listen(&stop)?;
    let submitted = match &arguments.cluster {
        None => None,
        Some(name) => match cluster::run(arguments, name, plans, log_format, &stop)? {
            Followed::Early(done) => return Ok(done),
            Followed::Over(submitted) => Some(submitted),
        },
    };
    let _presence = Presence::new(&arguments.store.results);
    let mut progress = Progress::new(forecasts(arguments, plans, gpus)?, &arguments.store.results);
    let mut failed = 0;
    for planned in plans {
        let summary = match &submitted {
            // Nothing is left to be executed.
            Some(ids) => cluster::summary(arguments, ids, planned, log_format, &mut progress)?,
            None => execute((arguments, gpus), planned, log_format, &stop, &mut progress)?,
        };
        ends.push(finished::end(planned, &summary));
        // Without a stop, those that are left are outdated.
        failed += summary.failed.len() + summary.blocked.len() + summary.interrupted.len();
        derived::write_tables(&arguments.store.results)?;
        if stop.requested() {
            say("interrupted; what was recorded is kept, the same command goes on");
            return Ok(Done::Interrupted);
        }
        if !planned.is_asked() {
            continue;
        }
        compare::show_plan(planned, &arguments.store.results, &arguments.width)?;
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
        preflight::needs(&wanted, plans, &arguments.data, store)
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
                needs = look(&|run| is_executed(arguments, run, &history));
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

/// Whether a run is executed by this call.
fn is_executed(arguments: &Run, run: &PlannedRun, history: &FoldHistory<'_>) -> bool {
    match State::of(run, history) {
        _ if arguments.force => true,
        State::Failed { .. } | State::Blocked { .. } => arguments.retry_failed,
        state => is_left(&state),
    }
}

/// The graphics processors that this call deals out, once those that the engine computes on are here. Runs on
/// a cluster have those of its nodes.
fn gpus(arguments: &Run, plans: &[Planned]) -> Result<Held> {
    let wants = |planned: &Planned| planned.plan.resources.gpus > 0;
    if !arguments.gpus.is_empty() && !plans.iter().any(wants) {
        say("warning: --gpus: no run wants one; `resources: { gpus: 1 }` says how many each has");
    }
    let asks = |planned: &&Planned| wants(planned) || planned.plan.device() != Device::Cpu;
    let mut asking = plans.iter().filter(asks).peekable();
    if asking.peek().is_none() || arguments.cluster.is_some() {
        return Ok(Held::default());
    }
    let fold = Fold::read(&arguments.store.results.join(execute::JOURNAL))?;
    let history = FoldHistory::new(&fold);
    let is_left = |planned: &&Planned| {
        planned.plan.runs.iter().any(|run| is_executed(arguments, run, &history))
    };
    let left: Vec<&Planned> = asking.filter(is_left).collect();
    left.iter().try_for_each(|planned| devices::check(&planned.plan))?;
    match left.iter().map(|planned| planned.plan.resources.gpus).max() {
        Some(each @ 1..) => Held::take(&arguments.gpus, each),
        _ => Ok(Held::default()),
    }
}

fn execute<'a>(
    (arguments, gpus): (&Run, &Held),
    planned: &'a Planned,
    log_format: LogFormat,
    stop: &Stop,
    progress: &mut Progress<'a>,
) -> Result<Summary> {
    let plan = &planned.plan;
    let options = options(arguments, planned, gpus, log_format)?;
    let specs: Vec<_> = plan.runs.iter().map(|run| run.spec.clone()).collect();
    progress.begin(plan);
    let mut watched = Watched::new(progress);
    let summary = execute::execute(&specs, &options, registry::entries(), &mut watched, stop)?;
    watched.finish(plan, &summary, &options.store)?;
    Ok(summary)
}

/// What is known of each sweep before it begins.
fn forecasts(arguments: &Run, plans: &[Planned], gpus: &Held) -> Result<Vec<Forecast>> {
    let several = plans.len() > 1;
    // One sweep tells of itself soon enough.
    let fold = several.then(|| Fold::read(&arguments.store.results.join(execute::JOURNAL)));
    let fold = fold.transpose()?.unwrap_or_default();
    let (history, host) = (FoldHistory::new(&fold), provenance::host());
    let pace = Pace::new(&fold, &host);
    let forecast = |Planned { plan, .. }: &Planned| {
        let is_left = |run: &&PlannedRun| {
            arguments.force || !matches!(State::of(run, &history), State::Finished)
        };
        let left: Vec<&PlannedRun> = plan.runs.iter().filter(is_left).collect();
        let Estimate { seconds, unknown, .. } = pace.estimate(left.iter().map(|run| &run.spec));
        let known = left.len() - unknown;
        Forecast {
            runs: plan.runs.len(),
            finished: plan.runs.len() - left.len(),
            seconds: (known > 0).then(|| seconds / known as f64),
            jobs: gpus.dealt(&plan.resources).jobs(jobs(arguments, plan)),
        }
    };
    Ok(plans.iter().map(forecast).collect())
}

/// How many runs of a plan are executed at a time.
fn jobs(arguments: &Run, plan: &Plan) -> usize {
    arguments.jobs.map_or_else(|| workers(plan), usize::from).max(1)
}

pub(crate) fn options(
    arguments: &Run,
    planned: &Planned,
    gpus: &Held,
    log_format: LogFormat,
) -> Result<Options> {
    let resources = &planned.plan.resources;
    Ok(Options {
        store: arguments.store.results.clone(),
        jobs: jobs(arguments, &planned.plan),
        gpus: gpus.dealt(resources),
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
        // What was asked for is executed again, not all that it builds on.
        rerun: match (arguments.force && planned.is_asked(), arguments.retry_failed) {
            (true, _) => Rerun::All,
            (false, true) => Rerun::Failed,
            (false, false) => Rerun::Unfinished,
        },
        engine: Some(autodiff::NUMERIC_VERSION),
        shared: None,
        in_process: arguments.in_process,
        worker: worker_command(&plans::own_manifests(&arguments.config.configs), log_format)?,
        opened: provenance::opened(Role::Driver),
        lease: arguments.lease,
        checkpoint_every: arguments.checkpoint_every.unwrap_or(Options::CHECKPOINT_EVERY),
        disk: Disk::default(),
    })
}

pub(crate) fn worker_command(
    manifests: &BTreeSet<PathBuf>,
    log_format: LogFormat,
) -> Result<WorkerCommand> {
    let program = std::env::current_exe().context("finding this program")?;
    let mut args: Vec<OsString> =
        ["worker", "--log-format", log_format.name()].map(Into::into).into();
    for folder in manifests {
        args.extend(["--manifests".into(), folder.into()]);
    }
    Ok(WorkerCommand { program, args })
}

/// The first Ctrl-C stops softly, the second at once. A terminal that goes away stops softly, and may
/// say so more than once; so does a cluster that announces by a signal that it takes its machine back.
///
/// Returns where the number of the first signal is told, 0 before there was one.
pub(crate) fn listen(stop: &Stop) -> Result<Arc<AtomicI32>> {
    let mut listened = vec![SIGINT, SIGTERM, SIGUSR1, SIGUSR2];
    if !is_ignored(SIGHUP) {
        listened.push(SIGHUP);
    }
    let mut signals = Signals::new(listened).context("listening for Ctrl-C")?;
    let stop = stop.clone();
    let first = Arc::new(AtomicI32::new(0));
    let told = first.clone();
    let listener = thread::Builder::new().spawn(move || {
        for signal in signals.forever() {
            let _ = told.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst);
            if !stop.requested() {
                say("stopping; once more to stop at once");
                stop.soft();
            } else if matches!(signal, SIGINT | SIGTERM) {
                stop.hard();
            }
        }
    });
    listener.context("starting a thread that listens for Ctrl-C")?;
    Ok(first)
}

/// Whether a signal was ignored when this program began, as `nohup` arranges.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// `regimen worker`: execute runs for a driver.
pub(crate) fn worker(manifests: &[PathBuf]) -> Result<Done> {
    plans::know(manifests.iter().map(PathBuf::as_path));
    execute::serve(registry::entries(), Some(autodiff::NUMERIC_VERSION))?;
    Ok(Done::Well)
}
