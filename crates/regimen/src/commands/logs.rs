//! `regimen logs`: prints the log of a run, and follows it as it grows.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use cluster::Submission;
use experiment::RunId;
use journal::{AttemptState, Fold, RunState, Status};
use orchestrator::execute::{self, log_of};

use crate::arguments::Logs;
use crate::commands::Done;
use crate::runs::find;
use crate::terminal::{print, say};

/// Time between looks with `--follow`.
const EVERY: Duration = Duration::from_millis(200);
/// How long a run that nobody seems to be executing is followed: its driver may be about to try
/// again, or to say so.
const PATIENCE: Duration = Duration::from_secs(3);
/// `regimen logs`: what a run printed, or the tasks of a sweep on a cluster.
pub(crate) fn logs(arguments: &Logs) -> Result<Done> {
    let store = &arguments.store.results;
    let all = cluster::submissions(store)?;
    let named = |known: &Submission| {
        [&known.intent().sweep, &known.intent().name].contains(&&arguments.run)
    };
    if let Some(submission) = all.into_iter().rfind(named) {
        return tasks(&submission, arguments.path);
    }
    let mut fold = Fold::read(&store.join(execute::JOURNAL))?;
    let run = find(&fold, &arguments.run, store)?;
    let state = &fold.runs[&run];
    let attempt = which(state, arguments.attempt)?;
    let path = log_of(store, run, attempt);
    if arguments.path {
        print(&format!("{}\n", path.display()))?;
        return Ok(Done::Well);
    }
    if arguments.attempt.is_none() && attempt > 1 {
        say(&format!("attempt {attempt}; --attempt N shows an earlier one"));
    }
    let printed = if arguments.follow {
        follow(store, &mut fold, (run, attempt), arguments.attempt.is_some())
    } else {
        show(&path, 0)
    };
    match printed {
        // A reader that went away is no error.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Done::Well),
        Ok(0) => say(&nothing(store, &fold.runs[&run], attempt)),
        printed => drop(printed?),
    }
    Ok(Done::Well)
}

/// What each task of a submission printed.
fn tasks(submission: &Submission, only_path: bool) -> Result<Done> {
    for task in 0..submission.intent().request.tasks {
        let path = submission.log(task);
        if only_path {
            print(&format!("{}\n", path.display()))?;
            continue;
        }
        say(&format!("task {task}: {}", path.display()));
        match show(&path, 0) {
            // A reader that went away is no error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Done::Well),
            Ok(0) => say("it printed nothing"),
            printed => drop(printed?),
        }
    }
    Ok(Done::Well)
}

/// The attempt that is asked for, or the latest.
fn which(state: &RunState, asked: Option<u32>) -> Result<u32> {
    let latest = state.attempts.last().map_or(1, |attempt| attempt.number);
    match asked {
        Some(number) if (1..=latest).contains(&number) => Ok(number),
        Some(number) => Err(anyhow!("wanted an attempt from 1 to {latest}, found {number}")),
        None => Ok(latest),
    }
}

/// Why there is nothing to show.
fn nothing(store: &Path, state: &RunState, attempt: u32) -> String {
    if let (true, Some(why)) = (state.attempts.is_empty(), state.error()) {
        return format!("run {} was not attempted: {why}", state.spec.run.short());
    }
    let tried = latest_of(state, attempt);
    let yet = if tried.map(AttemptState::status) == Some(Status::Running) { " so far" } else { "" };
    let worker = tried
        .map(|tried| store.join(execute::LOGS).join(&*tried.writer).with_added_extension("log"));
    // Older versions kept one log a worker.
    let worker = worker
        .filter(|log| log.is_file())
        .map_or(String::new(), |log| format!("; {} is what its worker printed", log.display()));
    format!("attempt {attempt} at run {} printed nothing{yet}{worker}", state.spec.run.short())
}

fn latest_of(state: &RunState, number: u32) -> Option<&AttemptState> {
    state.attempts.iter().rfind(|attempt| attempt.number == number)
}

/// Writes what a log holds from `from` on to standard output; how much that was.
fn show(path: &Path, from: u64) -> io::Result<u64> {
    let mut log = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        log => log?,
    };
    log.seek(SeekFrom::Start(from))?;
    let mut out = io::stdout().lock();
    let mut buffer = vec![0; 1 << 16];
    let mut shown = 0;
    loop {
        match log.read(&mut buffer)? {
            0 => break,
            read => {
                out.write_all(&buffer[..read])?;
                shown += read as u64;
            }
        }
    }
    out.flush()?;
    Ok(shown)
}

/// Shows a log as it grows, and those of later attempts unless one was asked for, until the run
/// ended; how much that was.
fn follow(
    store: &Path,
    fold: &mut Fold,
    (run, mut attempt): (RunId, u32),
    only: bool,
) -> io::Result<u64> {
    let (mut shown, mut all) = (0, 0);
    let mut idle: Option<Instant> = None;
    loop {
        // First, so that what is printed before the end is shown after it was seen.
        let _ = fold.refresh();
        let state = &fold.runs[&run];
        let over = latest_of(state, attempt).is_none_or(|a| a.status() != Status::Running);
        let printed = show(&log_of(store, run, attempt), shown)?;
        (shown, all) = (shown + printed, all + printed);
        let later = state.attempts.iter().map(|a| a.number).find(|number| *number > attempt);
        if over && only {
            return Ok(all);
        }
        if let Some(later) = later.filter(|_| over) {
            say(&format!("attempt {later}"));
            (attempt, shown, idle) = (later, 0, None);
            continue;
        }
        if over && matches!(state.status(), Status::Finished | Status::Pruned) {
            return Ok(all);
        }
        if execute::live(store).values().flatten().any(|live| live.run == run) {
            idle = None;
        } else if idle.get_or_insert_with(Instant::now).elapsed() >= PATIENCE {
            if !over {
                say("nobody seems to be executing it any more");
            }
            return Ok(all);
        }
        thread::sleep(EVERY);
    }
}
