//! One attempt at one run, inside a worker.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use experiment::{
    Entry, Error as RunError, Needed, NeededRun, ReadValues, Run, RunContext, RunId, Values,
};
use journal::{Cause, Ended, Event, Fold, MetricRow, Outcome, RunSpec, Started, Timestamp, Writer};

use super::folder::Folder;
use super::protocol::{Job, Report, Setup};
use super::scratch::{self, Scratch};
use super::sink::{JournalSink, Outdated, Places, Tell};
use super::{log, processes, usage};

/// Within this time a signal to all processes of a job has come to each of them.
const SIGNALS_ARRIVE: Duration = Duration::from_millis(250);

/// Executes attempts one after the other and records them in a journal of its own.
pub(crate) struct Workbench<'e> {
    entries: &'e [Entry],
    setup: Setup,
    journal: Writer,
    interrupt: Arc<AtomicBool>,
    /// Set when a signal came that ends other programs.
    signalled: Arc<AtomicBool>,
    scratch: Scratch,
    /// Whether other workers share this process.
    shared: bool,
    /// Resident size before the first run, in bytes.
    resident: u64,
}

impl<'e> Workbench<'e> {
    pub(crate) fn new(
        entries: &'e [Entry],
        setup: Setup,
        interrupt: Arc<AtomicBool>,
        shared: bool,
    ) -> Result<Self, journal::Error> {
        notice_places_of_panics();
        let journal = Writer::create(&setup.store.join(super::JOURNAL), setup.opened.clone())?;
        let (scratch, resident) = (Scratch::create(), usage::resident());
        let signalled = Arc::default();
        Ok(Self { entries, setup, journal, interrupt, signalled, scratch, shared, resident })
    }

    /// With a flag that signals set.
    pub(crate) fn signalled_by(self, signalled: Arc<AtomicBool>) -> Self {
        Self { signalled, ..self }
    }

    /// Executes a run; its end is recorded when this returns [`Report::Ended`].
    pub(crate) fn execute(&mut self, job: &Job, tell: Tell<'_>) -> Report {
        let (run, attempt) = (job.spec.run, job.attempt);
        let store = &self.setup.store;
        let logs =
            (log::worker_log(store, &self.setup.opened.writer), log::log_of(store, run, attempt));
        let before = if self.shared { 0 } else { log::length(&logs.0) };
        let report = {
            let _span = tracing::info_span!("run", %run, attempt).entered();
            if !self.shared {
                usage::reset_peak_memory();
            }
            self.record(job, &logs.1, tell).unwrap_or_else(|error| {
                tracing::error!(%error, "not recorded");
                Report::Unable { error }
            })
        };
        if !self.shared {
            log::move_tail(&logs.0, before, &logs.1);
        }
        report
    }

    fn record(&mut self, job: &Job, log: &Path, tell: Tell<'_>) -> Result<Report, String> {
        let Job { spec, attempt, pause, earlier, replaces, means, .. } = job;
        let (clock, cpu) = (Instant::now(), usage::cpu_seconds(self.shared));
        let fits = |e: &&Entry| e.name == spec.experiment && e.version == spec.experiment_version;
        let Some(entry) = self.entries.iter().find(fits) else {
            let (name, version) = (&spec.experiment, spec.experiment_version);
            return Err(format!("experiment {name} version {version}: not part of this program"));
        };
        let started = Started {
            spec: spec.clone(),
            attempt: *attempt,
            means: Box::new(means.clone()),
            at: now(),
        };
        self.journal.append(&Event::Started(started)).map_err(|e| chain(&e))?;
        tracing::info!("started");
        let look = || outdated(entry, spec);
        let id = (spec.run, *attempt);
        let folder = Folder::new(&self.setup.store, id, &self.setup.opened.writer, earlier.clone());
        let mut sink = JournalSink::new(
            &mut self.journal,
            id,
            Places { folder, log: log.into() },
            (self.interrupt.clone(), self.setup.checkpoint_every),
            tell,
            &look,
        )
        .pausing(pause.clone());
        self.signalled.store(false, Ordering::Relaxed);
        let place = self.scratch.of(spec.run, *attempt);
        let call = |sink: &mut JournalSink<'_>| match sink.paused_before()? {
            true => Err(RunError::Interrupted),
            false => run(entry, job, &self.setup, place.clone(), sink),
        };
        let done = attempt_at(call, (&place, self.shared), &mut sink);
        let flushed = sink.flush();
        if let Some(error) = sink.unrecorded.take() {
            return Err(error);
        }
        flushed.map_err(|e| chain(&e))?;
        let asked =
            || [&self.interrupt, &self.signalled].iter().any(|flag| flag.load(Ordering::Relaxed));
        let done = unless_stopped(done, &asked);
        let cause = cause(&done);
        let outcome = match sink.outdated.clone() {
            Some((name, why)) => Outcome::Outdated { name, why },
            None => outcome(done, sink.reached, asked())?,
        };
        let results = std::mem::take(&mut sink.results);
        let warnings = std::mem::take(&mut sink.warnings);
        let seconds = clock.elapsed().as_secs_f64();
        let ended = Ended {
            run: spec.run,
            attempt: *attempt,
            outcome: outcome.clone(),
            cause,
            results,
            warnings,
            seconds,
            cpu_seconds: usage::cpu_seconds(self.shared) - cpu,
            peak_memory_bytes: usage::peak_memory(),
            at: now(),
        };
        sink.journal.append(&Event::Ended(ended)).map_err(|e| chain(&e))?;
        if outcome == Outcome::Finished {
            sink.count(*replaces);
        }
        log_end(&outcome, seconds);
        let retained = if self.shared { 0 } else { usage::resident() };
        let retained = retained.saturating_sub(self.resident);
        Ok(Report::Ended { outcome, cause, seconds, retained })
    }
}

/// A file that is not as it was when the run was planned. Data sets are verified where they are
/// opened.
pub(crate) fn outdated(entry: &Entry, spec: &RunSpec) -> Option<Outdated> {
    spec.data.iter().find_map(|(name, planned)| {
        let file = name.split_once(':').map_or(name.as_str(), |(_, file)| file);
        let why = match entry.file_sum(name)? {
            Ok(found) if found.sum == *planned => return None,
            Ok(found) => {
                let newest = found
                    .newest
                    .map_or(String::new(), |newest| format!(" ({newest} was written last)"));
                format!("{file} changed since the sweep was planned{newest}")
            }
            Err(why) => format!("{file} changed since the sweep was planned: {why}"),
        };
        Some((name.clone(), why))
    })
}

fn run(
    entry: &Entry,
    job: &Job,
    setup: &Setup,
    scratch: PathBuf,
    sink: &mut JournalSink<'_>,
) -> Result<(), RunError> {
    let spec = &job.spec;
    let params = serde_json::from_str(&spec.params).map_err(|e| RunError::other("params", e))?;
    let bound = entry.bind_json(&params).map_err(|e| RunError::other("params", e))?;
    let context = RunContext {
        id: spec.run,
        seed: spec.seed,
        threads: spec.threads,
        device: spec.device,
        data: setup.data(),
    };
    let engine = entry.engine();
    (engine.set_threads)(spec.threads);
    let gpus = &job.means.gpus;
    let run = Run::new(context, sink).with_scratch(scratch).with_gpus(gpus.clone());
    let mut run = run.with_needed(needed(job, setup));
    let mut done = Ok(());
    (engine.on)(spec.device, gpus, &mut || done = bound.run(&mut run))
        .map_err(|why| RunError::other(format!("the device {}", spec.device), why))?;
    done
}

/// The runs that a run builds on.
fn needed(job: &Job, setup: &Setup) -> BTreeMap<String, Needed> {
    let one = |(name, about): (&String, &NeededRun)| {
        let folder = setup.store.join(super::ARTIFACTS).join(about.run.to_string());
        // A program that is given its path runs elsewhere.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let (journal, run) = (setup.store.join(super::JOURNAL), about.run);
        let values: ReadValues = Arc::new(move || values(&journal, run));
        (name.clone(), Needed::new(name, about.clone(), folder, values))
    };
    job.needed.iter().map(one).collect()
}

/// What a run recorded step by step.
fn values(journal: &Path, run: RunId) -> Result<Values, Box<dyn std::error::Error + Send + Sync>> {
    let fold = Fold::read(journal)?;
    let state = fold.runs.get(&run).ok_or("it is not in the journal any more")?;
    let row = |row: MetricRow| (row.step, row.metric, row.value);
    Ok(state.metrics()?.into_iter().map(row).collect())
}

/// Calls an experiment, unless what it reads is not as it was planned.
fn attempt_at<'j>(
    call: impl FnOnce(&mut JournalSink<'j>) -> Result<(), RunError>,
    (scratch, shared): (&Path, bool),
    sink: &mut JournalSink<'j>,
) -> Done {
    if sink.look().is_some() {
        return Ok(Ok(()));
    }
    let done = guarded(|| call(sink));
    end(scratch, shared);
    // A program may have read a file late.
    sink.look();
    done
}

/// Sees to it that nothing of an attempt outlives it.
fn end(scratch: &Path, shared: bool) {
    if !shared {
        processes::end_all_below();
    }
    // Only programs ask for one.
    if scratch.symlink_metadata().is_ok() {
        if shared {
            processes::end_all_of(scratch);
        }
        scratch::remove(scratch);
    }
}

/// What came of calling an experiment: a panic is its message and place.
type Done = Result<Result<(), RunError>, String>;

/// A program that was killed by a signal to all processes of a job has not failed by itself.
fn unless_stopped(done: Done, asked: &dyn Fn() -> bool) -> Done {
    if !matches!(done, Ok(Err(RunError::Crashed { .. }))) {
        return done;
    }
    // Its own signal may have come first.
    let patience = Instant::now() + SIGNALS_ARRIVE;
    while !asked() && Instant::now() < patience {
        thread::sleep(Duration::from_millis(5));
    }
    if asked() { Ok(Err(RunError::Interrupted)) } else { done }
}

fn cause(done: &Done) -> Option<Cause> {
    matches!(done, Ok(Err(RunError::Crashed { .. }))).then_some(Cause::Crash)
}

/// How an attempt ended, or why it cannot be said to have failed.
fn outcome(done: Done, rung: Option<(u64, f64)>, asked_to_stop: bool) -> Result<Outcome, String> {
    let failed = |error: String| Outcome::Failed { error };
    Ok(match done {
        Ok(Ok(())) => Outcome::Finished,
        Ok(Err(RunError::Interrupted)) if let Some((step, value)) = rung => {
            Outcome::Paused { step, value }
        }
        Ok(Err(RunError::Interrupted)) if asked_to_stop => Outcome::Interrupted,
        Ok(Err(RunError::Interrupted)) => {
            failed("interrupted without having been asked to stop".into())
        }
        Ok(Err(error @ RunError::Machine { .. })) => return Err(error.chain()),
        Ok(Err(error)) => failed(error.chain()),
        Err(error) => failed(error),
    })
}

/// Says how an attempt ended, in the span of its run.
pub(crate) fn log_end(outcome: &Outcome, seconds: f64) {
    match outcome {
        Outcome::Finished => tracing::info!(seconds, "finished"),
        Outcome::Failed { error } => tracing::info!(seconds, error, "failed"),
        Outcome::Interrupted => tracing::info!(seconds, "interrupted"),
        Outcome::Paused { step, value } => tracing::info!(seconds, step, value, "paused"),
        Outcome::Outdated { why, .. } => tracing::info!(seconds, why, "outdated"),
    }
}

thread_local! {
    /// Where this thread panicked last.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps the place of a panic, which its payload does not carry, beside what the hook does anyway.
fn notice_places_of_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let earlier = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PLACE.set(info.location().map(ToString::to_string));
            earlier(info);
        }));
    });
}

/// Calls `body`; a panic inside becomes its message and place.
fn guarded<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    PLACE.set(None);
    // What `body` left half done is its sink, which only appends whole frames.
    panic::catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let message = message_of(payload.as_ref());
        match PLACE.take() {
            Some(place) => format!("panicked at {place}: {message}"),
            None => format!("panicked: {message}"),
        }
    })
}

fn message_of(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// An error with its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Seconds since the Unix epoch.
pub(crate) fn now() -> Timestamp {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message_and_place() {
        notice_places_of_panics();
        let caught = guarded(|| panic!("index {} of {}", 3, 2)).unwrap_err();
        assert!(caught.starts_with("panicked at "), "{caught}");
        assert!(caught.contains("attempt.rs:"), "{caught}");
        assert!(caught.ends_with("index 3 of 2"), "{caught}");
        assert_eq!(guarded(|| 5), Ok(5));
    }

    #[test]
    fn an_unasked_interruption_is_a_failure() {
        let interrupted = || Ok(Err(RunError::Interrupted));
        assert_eq!(outcome(interrupted(), None, true), Ok(Outcome::Interrupted));
        assert!(matches!(outcome(interrupted(), None, false), Ok(Outcome::Failed { .. })));
    }

    #[test]
    fn a_program_that_a_signal_to_the_whole_job_killed_is_interrupted() {
        let crashed = || {
            let context = "x was killed by SIGTERM".into();
            Ok(Err(RunError::Crashed { context, source: "no words".into() }))
        };
        let done = unless_stopped(crashed(), &|| true);
        assert!(matches!(done, Ok(Err(RunError::Interrupted))));
        let done = unless_stopped(crashed(), &|| false);
        assert_eq!(cause(&done), Some(Cause::Crash));
    }

    #[test]
    fn a_run_pauses_at_a_rung_unless_it_came_to_its_end() {
        let paused = Outcome::Paused { step: 3, value: 0.5 };
        assert_eq!(outcome(Ok(Err(RunError::Interrupted)), Some((3, 0.5)), true), Ok(paused));
        assert_eq!(outcome(Ok(Ok(())), Some((3, 0.5)), false), Ok(Outcome::Finished));
    }
}
