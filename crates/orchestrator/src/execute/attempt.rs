//! One attempt at one run, inside a worker.

use std::any::Any;
use std::cell::RefCell;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use experiment::{Entry, Error as RunError, Run, RunContext};
use journal::{Ended, Event, Outcome, RunSpec, Started, Timestamp, Writer};

use super::protocol::{Job, Report, Setup};
use super::sink::{JournalSink, Tell};
use super::usage;

/// Executes attempts one after the other and records them in a journal of its own.
pub(crate) struct Workbench<'e> {
    entries: &'e [Entry],
    setup: Setup,
    journal: Writer,
    interrupt: Arc<AtomicBool>,
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
        let resident = usage::resident();
        Ok(Self { entries, setup, journal, interrupt, shared, resident })
    }

    /// Executes a run; its end is recorded when this returns [`Report::Ended`].
    pub(crate) fn execute(&mut self, job: &Job, tell: Tell<'_>) -> Report {
        let attempt = job.attempt;
        let _span = tracing::info_span!("run", run = %job.spec.run, attempt).entered();
        if !self.shared {
            usage::reset_peak_memory();
            // The log is a convenience: a full disk shows in the journal.
            let _ = writeln!(io::stderr(), "=== run {} attempt {attempt}", job.spec.run);
        }
        self.record(job, tell).unwrap_or_else(|error| {
            tracing::error!(%error, "not recorded");
            Report::Unrecorded { error }
        })
    }

    fn record(&mut self, job: &Job, tell: Tell<'_>) -> Result<Report, String> {
        let Job { spec, attempt, pause } = job;
        let (clock, cpu) = (Instant::now(), usage::cpu_seconds(self.shared));
        let started = Started { spec: spec.clone(), attempt: *attempt, at: now() };
        self.journal.append(&Event::Started(started)).map_err(|e| chain(&e))?;
        tracing::info!("started");
        let mut sink = JournalSink::new(
            &mut self.journal,
            (spec.run, *attempt),
            self.setup.store.join(super::ARTIFACTS).join(spec.run.to_string()),
            self.interrupt.clone(),
            self.setup.checkpoint_every,
            tell,
        )
        .pausing(pause.clone());
        let done = guarded(|| run(self.entries, spec, &self.setup, &mut sink));
        let flushed = sink.flush();
        if let Some(error) = sink.unrecorded.take() {
            return Err(error);
        }
        flushed.map_err(|e| chain(&e))?;
        let outcome = outcome(done, sink.reached, self.interrupt.load(Ordering::Relaxed));
        let results = std::mem::take(&mut sink.results);
        let seconds = clock.elapsed().as_secs_f64();
        let ended = Ended {
            run: spec.run,
            attempt: *attempt,
            outcome: outcome.clone(),
            results,
            seconds,
            cpu_seconds: usage::cpu_seconds(self.shared) - cpu,
            peak_memory_bytes: usage::peak_memory(),
            at: now(),
        };
        sink.journal.append(&Event::Ended(ended)).map_err(|e| chain(&e))?;
        if outcome == Outcome::Finished {
            sink.remove_checkpoint();
        }
        log_end(&outcome, seconds);
        let retained = if self.shared { 0 } else { usage::resident() };
        Ok(Report::Ended { outcome, seconds, retained: retained.saturating_sub(self.resident) })
    }
}

fn run(
    entries: &[Entry],
    spec: &RunSpec,
    setup: &Setup,
    sink: &mut JournalSink<'_>,
) -> Result<(), RunError> {
    let context = || format!("experiment {} version {}", spec.experiment, spec.experiment_version);
    let entry = entries
        .iter()
        .find(|e| e.name == spec.experiment && e.version == spec.experiment_version)
        .ok_or_else(|| RunError::other(context(), "not part of this program"))?;
    let params = serde_json::from_str(&spec.params).map_err(|e| RunError::other("params", e))?;
    let bound = entry.bind_json(&params).map_err(|e| RunError::other("params", e))?;
    let context = RunContext {
        id: spec.run,
        seed: spec.seed,
        threads: spec.threads,
        device: spec.device,
        data: setup.data(),
    };
    entry.set_threads(spec.threads);
    bound.run(&mut Run::new(context, sink))
}

fn outcome(
    done: Result<Result<(), RunError>, String>,
    rung: Option<(u64, f64)>,
    asked_to_stop: bool,
) -> Outcome {
    match done {
        Ok(Ok(())) => Outcome::Finished,
        Ok(Err(RunError::Interrupted)) if let Some((step, value)) = rung => {
            Outcome::Paused { step, value }
        }
        Ok(Err(RunError::Interrupted)) if asked_to_stop => Outcome::Interrupted,
        Ok(Err(RunError::Interrupted)) => {
            Outcome::Failed { error: "interrupted without having been asked to stop".into() }
        }
        Ok(Err(error)) => Outcome::Failed { error: error.chain() },
        Err(error) => Outcome::Failed { error },
    }
}

/// Says how an attempt ended, in the span of its run.
pub(crate) fn log_end(outcome: &Outcome, seconds: f64) {
    match outcome {
        Outcome::Finished => tracing::info!(seconds, "finished"),
        Outcome::Failed { error } => tracing::info!(seconds, error, "failed"),
        Outcome::Interrupted => tracing::info!(seconds, "interrupted"),
        Outcome::Paused { step, value } => tracing::info!(seconds, step, value, "paused"),
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
        assert_eq!(outcome(interrupted(), None, true), Outcome::Interrupted);
        assert!(matches!(outcome(interrupted(), None, false), Outcome::Failed { .. }));
    }

    #[test]
    fn a_run_pauses_at_a_rung_unless_it_came_to_its_end() {
        let paused = Outcome::Paused { step: 3, value: 0.5 };
        assert_eq!(outcome(Ok(Err(RunError::Interrupted)), Some((3, 0.5)), true), paused);
        assert_eq!(outcome(Ok(Ok(())), Some((3, 0.5)), false), Outcome::Finished);
    }
}
