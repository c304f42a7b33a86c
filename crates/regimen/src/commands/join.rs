//! `regimen join`: executes runs of a submitted sweep as one task of a cluster.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail};
use cluster::Submission;
use journal::{Fold, Outcome, Role};
use orchestrator::execute::{self, Frozen, JOURNAL, Notice, Stop};
use signal_hook::consts::SIGUSR1;

use crate::arguments::Join;
use crate::commands::Done;
use crate::commands::cluster::{SWEEP, same_version, scheduler_of};
use crate::commands::run::{listen, worker_command};
use crate::logging::LogFormat;
use crate::terminal::say;
use crate::{gpus, plans, provenance, registry};

/// How often in a row a task is executed again of which no run ended.
const MOST_IDLE: u32 = 50;

/// `regimen join`: no configuration is read and nothing is planned or fetched here.
pub(crate) fn join(arguments: &Join, log_format: LogFormat) -> Result<Done> {
    let store = &arguments.store.results;
    let stop = Stop::new();
    // Before anything takes time: a signal may come at once.
    let signal = listen(&stop)?;
    let submission = Submission::named(store, &arguments.submission).with_context(|| {
        let host = provenance::host();
        format!("{host} does not see what was submitted: is {} shared?", store.display())
    })?;
    let frozen = Frozen::read(&submission.record().join(SWEEP))?;
    let opened = provenance::opened(Role::Driver);
    same_version(&frozen, &opened.version, &opened.commit)?;
    say(&format!("task {} of {} on {}", arguments.task, arguments.submission, opened.host));
    if submission.is_cancelled() {
        say("cancelled; nothing is executed");
        return Ok(Done::Well);
    }
    std::env::set_current_dir(&frozen.folder)
        .with_context(|| format!("going to {} on {}", frozen.folder.display(), opened.host))?;
    plans::know(frozen.manifests.iter().map(PathBuf::as_path));
    data_is_here(&frozen, &opened.host)?;
    let jobs = submission.intent().request.jobs as usize;
    let worker = worker_command(&frozen.manifests, log_format)?;
    let mut options =
        frozen.options(store, (jobs, Some(autodiff::NUMERIC_VERSION)), worker, opened);
    options.gpus = gpus::of_task(options.gpus.each).with_context(|| options.opened.host.clone())?;
    let mut ended = 0;
    let mut observer = |notice: &Notice| observe(notice, &mut ended);
    let entries = registry::entries();
    let summary = execute::execute(&frozen.runs, &options, entries, &mut observer, &stop)?;
    say(&format!(
        "{ended} runs ended here; of all {}, {} finished, {} failed, {} are left",
        frozen.runs.len(),
        summary.skipped.len() + summary.finished.len(),
        summary.failed.len(),
        summary.interrupted.len()
    ));
    // By itself a scheduler executes again what it preempts, and nothing that somebody cancels; what
    // it only announces is the end of the task's time. (USR2 comes before the end that a Grid Engine
    // makes of a task, whatever the reason.)
    let is_time = signal.load(Ordering::SeqCst) == SIGUSR1;
    if is_time && frozen.standing(&Fold::read(&store.join(JOURNAL))?)?.left > 0 {
        return queue_again(&submission, arguments.task, ended);
    }
    Ok(Done::Well)
}

/// Says what runs of this task come to, and counts those that ended.
fn observe(notice: &Notice, ended: &mut usize) {
    match notice {
        Notice::Ended { run, attempt, outcome: Outcome::Failed { error }, .. }
        | Notice::Lost { run, attempt, error } => {
            *ended += 1;
            say(&format!("{} attempt {attempt} failed: {error}", run.short()));
        }
        Notice::Ended { outcome: Outcome::Finished | Outcome::Paused { .. }, .. } => *ended += 1,
        Notice::Again { run, attempt, error } => {
            say(&format!("{} attempt {attempt} failed and is tried again: {error}", run.short()));
        }
        Notice::Outdated { why } | Notice::Changing { why } => say(&format!("warning: {why}")),
        Notice::Unreachable { why } => {
            say(&format!("warning: the store cannot be reached: {why}; trying again"));
        }
        Notice::GivenBack { why } => say(&format!(
            "warning: the claims on the store are given back, because {why}; runs under way stop at a \
             checkpoint"
        )),
        _ => {}
    }
}

/// Refuses to begin without the data: every run would fail.
fn data_is_here(frozen: &Frozen, host: &str) -> Result<()> {
    let sets = frozen.runs.iter().flat_map(|run| run.data.keys());
    let sets: BTreeSet<&String> = sets.filter(|name| !name.contains(':')).collect();
    let store = datasets::Store::new(&frozen.cache, frozen.mirror.as_deref(), true);
    for name in sets {
        if store.path(name).is_err() && !store.is_mirrored(name).unwrap_or(false) {
            bail!(
                "{host} does not see data set {name} in {}: REGIMEN_CACHE names a folder that all \
                 nodes share",
                frozen.cache.display()
            );
        }
    }
    Ok(())
}

/// Asks for another turn, unless the sweep was cancelled or turns come to nothing.
fn queue_again(submission: &Submission, task: u32, ended: usize) -> Result<Done> {
    if submission.is_cancelled() {
        return Ok(Done::Well);
    }
    let path = submission.record().join(format!("{task}.idle"));
    let before = fs::read_to_string(&path).ok().and_then(|count| count.trim().parse().ok());
    let idle = if ended > 0 { 0 } else { before.unwrap_or(0) + 1 };
    fs::write(&path, format!("{idle}\n")).with_context(|| format!("writing {}", path.display()))?;
    if idle > MOST_IDLE {
        say(&format!("{MOST_IDLE} turns without a run that ended; this was the last"));
        return Ok(Done::SomeFailed);
    }
    let scheduler = scheduler_of(submission);
    let Some(itself) = scheduler.itself() else {
        say("runs are left, and nothing says which task of which job this is");
        return Ok(Done::Well);
    };
    say("runs are left; another turn is asked for");
    Ok(scheduler.requeue(&itself)?.map_or(Done::Well, Done::Again))
}
