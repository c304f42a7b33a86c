//! Follows sweeps on a cluster until nothing is left of them.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use cluster::{Kind, Scheduler, Step, Submission, Tally, TaskState, next_step};
use journal::Fold;
use orchestrator::execute::{JOURNAL, Standing, Stop};

use super::{Cluster, Sweep, in_store, line, submit};
use crate::commands::Done;
use crate::logging::LogFormat;
use crate::terminal::say;

/// Time between looks at the journal.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// Time between questions to a scheduler, which many ask.
const ASK: Duration = Duration::from_secs(10);
/// How long a scheduler may not answer.
const PATIENCE: Duration = Duration::from_secs(900);
/// Lines of a task's log that are shown.
const LINES: usize = 5;

/// A sweep that is followed.
struct Followed {
    /// Runs that had ended when its tasks were submitted.
    ended: usize,
    tally: Option<Tally>,
    asked: Option<Instant>,
    silent: Option<Instant>,
    said: String,
}

/// How many runs need nothing done any more.
fn ended(standing: &Standing) -> usize {
    let summary = &standing.summary;
    summary.skipped.len() + summary.finished.len() + summary.failed.len()
}

pub(super) fn follow(
    cluster: &Cluster,
    sweeps: &mut [Sweep<'_>],
    store: &Path,
    log_format: LogFormat,
    stop: &Stop,
) -> Result<Option<Done>> {
    let mut fold = Fold::read(&store.join(JOURNAL))?;
    let mut all = Vec::new();
    for sweep in sweeps.iter() {
        let ended = ended(&sweep.frozen.standing(&fold)?);
        let new = Followed { ended, tally: None, asked: None, silent: None, said: String::new() };
        all.push(new);
    }
    loop {
        fold.refresh()?;
        let mut left = 0;
        for (sweep, followed) in sweeps.iter_mut().zip(&mut all) {
            match look(cluster, sweep, followed, (store, log_format), &fold)? {
                Look::Left(some) => left += some,
                Look::Over(done) => return Ok(Some(done)),
            }
        }
        if left == 0 {
            let submissions = sweeps.iter().filter_map(|sweep| sweep.submission.as_ref());
            submissions.for_each(|known| let_go(&*cluster.scheduler, known));
            return Ok(None);
        }
        if stop.requested() {
            let place = in_store(store);
            say(&format!(
                "the jobs go on: `regimen status --watch{place}` follows them, `regimen cancel \
                 SWEEP{place}` ends them, and the same command goes on here"
            ));
            return Ok(Some(Done::Interrupted));
        }
        thread::sleep(EVERY);
    }
}

/// What came of a look at a sweep.
enum Look {
    /// So many runs are left.
    Left(usize),
    /// It ends before all are executed.
    Over(Done),
}

fn look(
    cluster: &Cluster,
    sweep: &mut Sweep<'_>,
    followed: &mut Followed,
    (store, log_format): (&Path, LogFormat),
    fold: &Fold,
) -> Result<Look> {
    let standing = sweep.frozen.standing(fold)?;
    let Some(submission) = sweep.submission.as_ref().filter(|_| standing.left > 0) else {
        tell(sweep, followed, &standing);
        return Ok(Look::Left(standing.left));
    };
    let every = if submission.intent().scheduler == Kind::Local { EVERY } else { ASK };
    if followed.asked.is_none_or(|at| at.elapsed() >= every) {
        followed.asked = Some(Instant::now());
        ask(cluster, submission, followed)?;
    }
    let ended = ended(&standing);
    tell(sweep, followed, &standing);
    let Some(tally) = &followed.tally else { return Ok(Look::Left(standing.left)) };
    let since = ended.saturating_sub(followed.ended);
    match next_step(tally, standing.left, since, submission.is_cancelled()) {
        Step::Wait | Step::Held => {}
        Step::Stop => {
            submission.end()?;
            say(&format!("{}: cancelled; what was recorded is kept", sweep.planned.plan.sweep));
            return Ok(Look::Over(Done::Interrupted));
        }
        Step::GiveUp => {
            submission.end()?;
            say(&format!(
                "{}: no task is left and no run ended: {tally}",
                sweep.planned.plan.sweep
            ));
            show_logs(submission);
            return Ok(Look::Over(Done::SomeFailed));
        }
        Step::Again => {
            submission.end()?;
            say(&format!("{}: no task is left: {tally}", sweep.planned.plan.sweep));
            (followed.ended, followed.tally, followed.asked) = (ended, None, None);
            submit(cluster, sweep, store, log_format)?;
        }
    }
    Ok(Look::Left(standing.left))
}

/// Asks the scheduler where the tasks stand; one that does not answer is asked again for a while.
fn ask(cluster: &Cluster, submission: &Submission, followed: &mut Followed) -> Result<()> {
    match submission.poll(&*cluster.scheduler) {
        Ok(tally) => (followed.tally, followed.silent) = (Some(tally), None),
        Err(error) => {
            // Who does not know whether tasks are at work decides nothing.
            followed.tally = None;
            if followed.silent.is_none() {
                say(&format!("warning: {error}; it is asked again"));
            }
            let silent = followed.silent.get_or_insert_with(Instant::now);
            if silent.elapsed() >= PATIENCE {
                bail!("{} has not answered for {} minutes", cluster.name, PATIENCE.as_secs() / 60);
            }
        }
    }
    Ok(())
}

/// Says where a sweep stands, when that changed.
fn tell(sweep: &Sweep<'_>, followed: &mut Followed, standing: &Standing) {
    let Some(submission) = &sweep.submission else { return };
    let Some(tally) = &followed.tally else { return };
    let (done, failed) = (ended(standing), standing.summary.failed.len());
    let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    let all = sweep.planned.plan.runs.len();
    let text = format!(
        "{}: {done} of {all} runs{failed}; {}",
        sweep.planned.plan.sweep,
        line(submission, tally)
    );
    if text != followed.said && followed.asked.is_some_and(|at| at.elapsed() < EVERY) {
        say(&text);
        followed.said = text;
    }
}

/// The ends of what tasks printed, equal ones once.
fn show_logs(submission: &Submission) {
    let mut shown = Vec::new();
    for task in 0..submission.intent().request.tasks {
        let path = submission.log(task);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let end = lines[lines.len().saturating_sub(LINES)..].join("\n  ");
        if !end.is_empty() && !shown.contains(&end) {
            say(&format!("task {task} ({}):\n  {}", path.display(), crate::terminal::inert(&end)));
            shown.push(end);
        }
    }
    if shown.is_empty() {
        say(&format!("no task printed anything below {}", submission.record().display()));
    }
}

/// Nothing is left to be executed: tasks that only wait would begin for nothing.
pub(super) fn let_go(scheduler: &dyn Scheduler, submission: &Submission) {
    let Ok(tally) = submission.poll(scheduler) else { return };
    let waiting = tally.count(TaskState::Pending) + tally.count(TaskState::Held);
    if waiting > 0
        && tally.count(TaskState::Running) == 0
        && let Some(job) = submission.job()
        && let Err(error) = scheduler.cancel(job, submission.record())
    {
        say(&format!("warning: {error}"));
    }
    if tally.count(TaskState::Running) == 0 {
        let _ = submission.end();
    }
}
