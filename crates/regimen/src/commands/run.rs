use std::fs;
use std::thread;

use anyhow::{Context, Result};
use experiment::DataPaths;
use journal::{Fold, Role};
use orchestrator::execute::{self, Options, Presence, Rerun, Stop, Summary, WorkerCommand};
use orchestrator::plan::Plan;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::arguments::{ListFormat, Run};
use crate::commands::{Done, compare, plan::list, report};
use crate::logging::LogFormat;
use crate::plans::{Planned, plans};
use crate::progress::{Forecast, Progress};
use crate::terminal::say;
use crate::{derived, history, provenance, registry};

/// `regimen run`: execute what is not finished yet, fold, print the tables.
pub(crate) fn run(arguments: &Run, log_format: LogFormat) -> Result<Done> {
    let plans = plans(&arguments.config)?;
    let subjects = match arguments.report {
        Some(_) => report::subjects(&plans, &arguments.config)?,
        None => Vec::new(),
    };
    let journal = arguments.store.results.join(execute::JOURNAL);
    if arguments.dry_run {
        let fold = Fold::read(&journal)?;
        plans.iter().try_for_each(|planned| list(&planned.plan, &fold, ListFormat::Table))?;
        return Ok(Done::Well);
    }
    let stop = Stop::new();
    listen(&stop)?;
    let _presence = Presence::new(&arguments.store.results);
    let mut progress = Progress::new(forecasts(arguments, &plans)?, &arguments.store.results);
    let mut failed = 0;
    for planned in &plans {
        let summary = execute(arguments, planned, log_format, &stop, &mut progress)?;
        // Without a stop, those that are left are outdated.
        failed += summary.failed.len() + summary.interrupted.len();
        derived::write_tables(&arguments.store.results)?;
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

fn execute<'a>(
    arguments: &Run,
    planned: &'a Planned,
    log_format: LogFormat,
    stop: &Stop,
    progress: &mut Progress<'a>,
) -> Result<Summary> {
    let plan = &planned.plan;
    let options = options(arguments, planned, log_format)?;
    let specs: Vec<_> = plan.runs.iter().map(|run| run.spec.clone()).collect();
    progress.begin(plan);
    let summary = execute::execute(&specs, &options, &registry::entries(), progress, stop)?;
    progress.finish(&summary);
    Ok(summary)
}

/// What is known of each sweep before it begins.
fn forecasts(arguments: &Run, plans: &[Planned]) -> Result<Vec<Forecast>> {
    let several = plans.len() > 1;
    // One sweep tells of itself soon enough.
    let fold = several.then(|| Fold::read(&arguments.store.results.join(execute::JOURNAL)));
    let fold = fold.transpose()?;
    let host = provenance::host();
    let forecast = |Planned { plan, .. }: &Planned| {
        let past = fold.as_ref().map(|fold| history::past(fold, plan, &host));
        let (finished, seconds) = past.unwrap_or_default();
        let finished = if arguments.force { 0 } else { finished };
        Forecast { runs: plan.runs.len(), finished, seconds, jobs: jobs(arguments, plan) }
    };
    Ok(plans.iter().map(forecast).collect())
}

/// How many runs of a plan are executed at a time.
fn jobs(arguments: &Run, plan: &Plan) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    arguments.jobs.map_or(cores / plan.resources.threads.max(1), usize::from).max(1)
}

fn options(arguments: &Run, planned: &Planned, log_format: LogFormat) -> Result<Options> {
    let resources = &planned.plan.resources;
    Ok(Options {
        store: arguments.store.results.clone(),
        jobs: jobs(arguments, &planned.plan),
        memory: resources.memory,
        time: resources.time,
        output: resources.output,
        retry: resources.retry,
        search: planned.plan.search.clone(),
        retain: Options::RETAIN,
        data: DataPaths {
            cache: datasets::default_cache()?,
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

/// The first Ctrl-C stops softly, the second at once. A terminal that goes away stops softly, and may
/// say so more than once.
fn listen(stop: &Stop) -> Result<()> {
    let mut listened = vec![SIGINT, SIGTERM];
    if !is_ignored(SIGHUP) {
        listened.push(SIGHUP);
    }
    let mut signals = Signals::new(listened).context("listening for Ctrl-C")?;
    let stop = stop.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            if !stop.requested() {
                say("stopping; once more to stop at once");
                stop.soft();
            } else if signal != SIGHUP {
                stop.hard();
            }
        }
    });
    Ok(())
}

/// Whether a signal was ignored when this program began, as `nohup` arranges.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// `regimen worker`: execute runs for a driver.
pub(crate) fn worker() -> Result<Done> {
    execute::serve(&registry::entries())?;
    Ok(Done::Well)
}
