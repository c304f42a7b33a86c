use std::path::Path;
use std::thread;

use anyhow::{Context, Result};
use experiment::DataPaths;
use journal::{Fold, Role};
use orchestrator::execute::{self, Options, Rerun, Stop, Summary, WorkerCommand};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::arguments::{ListFormat, Run};
use crate::commands::{Done, compare, plan::list, report};
use crate::logging::LogFormat;
use crate::plans::{Planned, plans};
use crate::progress::SweepProgress;
use crate::terminal::say;
use crate::{provenance, registry};

/// `regimen run`: execute what is not finished yet, fold, print the tables.
pub(crate) fn run(arguments: &Run, log_format: LogFormat) -> Result<Done> {
    let plans = plans(&arguments.config)?;
    let subjects = match arguments.report {
        Some(_) => report::subjects(&plans, &arguments.config, &arguments.store.results)?,
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
    let mut failed = 0;
    for planned in plans {
        let summary = execute(arguments, &planned, log_format, &stop)?;
        failed += summary.failed.len();
        write_tables(&arguments.store.results)?;
        if stop.requested() {
            say("interrupted; what was recorded is kept, the same command goes on");
            return Ok(Done::Interrupted);
        }
        compare::show_plan(&planned, &arguments.store.results, &arguments.width)?;
    }
    if let Some(page) = &arguments.report {
        report::write(&arguments.store.results, subjects, page)?;
    }
    Ok(if failed > 0 { Done::SomeFailed } else { Done::Well })
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
    let mut progress = SweepProgress::new(plan);
    let summary = execute::execute(&specs, &options, &registry::entries(), &mut progress, stop)?;
    progress.summarise(&summary);
    Ok(summary)
}

fn options(arguments: &Run, planned: &Planned, log_format: LogFormat) -> Result<Options> {
    let resources = &planned.plan.resources;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let jobs = arguments.jobs.map_or(cores / resources.threads.max(1), usize::from).max(1);
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
