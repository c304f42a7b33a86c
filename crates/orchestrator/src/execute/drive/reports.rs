//! What workers tell, and what becomes of it.

use experiment::RunId;
use journal::{Cause, Event as Fact, Lost, Outcome};

use super::{Driver, selection};
use crate::execute::attempt::{log_end, now};
use crate::execute::protocol::{Job, Pause, Report};
use crate::execute::schedule::{Chunk, End, Event, Failure, WorkerId};
use crate::execute::{Error, Notice};

impl Driver<'_> {
    pub(super) fn reported(
        &mut self,
        worker: WorkerId,
        report: Option<Report>,
    ) -> Result<(), Error> {
        match report {
            None => {
                // Before the end of a worker that may be due to the same signal.
                self.obey_stop()?;
                let cause = self.crew.cause(worker);
                let failure = self.failure(worker, Some(cause))?;
                self.step(Event::Gone(worker, failure))?;
                self.crew.bury(worker);
                Ok(())
            }
            Some(Report::Ready) => self.step(Event::Ready(worker)),
            Some(Report::Progress { done, total }) => {
                if let Some(job) = self.crew.progressed(worker, (done, total)) {
                    self.observer.notify(&Notice::Progress { run: job.spec.run, done, total });
                }
                Ok(())
            }
            Some(Report::Warned { text }) => {
                if let Some(job) = self.crew.job(worker) {
                    let (run, attempt) = (job.spec.run, job.attempt);
                    self.observer.notify(&Notice::Warned { run, attempt, text });
                }
                Ok(())
            }
            Some(Report::Ended { outcome, cause, seconds, retained }) => {
                if retained > self.options.retain {
                    tracing::info!(worker, retained, "retires");
                    self.step(Event::Spent(worker))?;
                }
                self.ended(worker, (outcome, cause), seconds)
            }
            Some(Report::Unable { error }) => {
                Err(Error::Unable { worker: format!("worker {worker}"), error })
            }
        }
    }

    fn ended(
        &mut self,
        worker: WorkerId,
        (outcome, cause): (Outcome, Option<Cause>),
        seconds: f64,
    ) -> Result<(), Error> {
        let end = match &outcome {
            Outcome::Finished => End::Finished,
            Outcome::Failed { .. } => End::Failed(self.failure(worker, cause)?),
            // Nobody else asked for it than `outdated`.
            Outcome::Interrupted if !self.stop.requested() => {
                self.left.extend(self.crew.job(worker).map(|job| job.spec.run));
                End::Outdated
            }
            Outcome::Interrupted => End::Interrupted,
            Outcome::Outdated { name, why } => {
                self.outdated(worker, name, why)?;
                End::Outdated
            }
            Outcome::Paused { step, value } => {
                let Some(run) = self.crew.job(worker).map(|job| job.spec.run) else {
                    return Ok(());
                };
                End::Paused { goes_on: self.came_to_rung(run, (*step, *value))? }
            }
        };
        let Some(Job { spec, attempt, pause, .. }) = self.crew.take_job(worker) else {
            return Ok(());
        };
        let again =
            matches!(end, End::Failed(failure) if self.scheduler.tries_again(worker, failure));
        if !matches!(end, End::Interrupted | End::Outdated) && !again {
            self.tick_off(self.scheduler.chunk_of(worker), spec.run, attempt);
        }
        if outcome == Outcome::Finished
            && let Some(Pause { metric, step }) = pause
        {
            tracing::debug!(run = %spec.run, metric, step, "finished before its next rung");
        }
        if !self.options.in_process {
            let _span = tracing::info_span!("run", run = %spec.run, attempt).entered();
            log_end(&outcome, seconds);
        }
        let run = spec.run;
        self.observer.notify(&match outcome {
            Outcome::Failed { error } if again => Notice::Again { run, attempt, error },
            outcome => Notice::Ended { run, attempt, outcome, seconds },
        });
        self.step(Event::Ended(worker, end))
    }

    /// Why the worker's run failed, if it did, and how often it failed so before in this call.
    fn failure(&mut self, worker: WorkerId, cause: Option<Cause>) -> Result<Failure, Error> {
        let mut failure = Failure { cause, earlier: 0 };
        let Some(job) = self.crew.job(worker) else { return Ok(failure) };
        if self.options.retry.after(cause) > 0 {
            let (run, attempt) = (job.spec.run, job.attempt);
            // Also for the number of the next attempt.
            self.fold.refresh()?;
            let first = self.first.get(&run).copied().unwrap_or(1);
            let earlier = first..attempt;
            failure.earlier = selection::failed_before(&self.fold, run, earlier, cause);
        }
        Ok(failure)
    }

    pub(super) fn lost(
        &mut self,
        worker: WorkerId,
        chunk: Option<Chunk>,
        again: bool,
    ) -> Result<(), Error> {
        // Its output is cut only once it prints no more.
        let error = self.crew.how_it_ended(worker);
        let Some(Job { spec, attempt, .. }) = self.crew.take_job(worker) else { return Ok(()) };
        let (run, cause, at) = (spec.run, self.crew.cause(worker), now());
        self.journal.append(&Fact::Lost(Lost { run, attempt, error: error.clone(), cause, at }))?;
        if !again {
            self.tick_off(chunk, run, attempt);
        }
        let _span = tracing::info_span!("run", %run, attempt).entered();
        tracing::info!(error, "failed");
        self.observer.notify(&if again {
            Notice::Again { run, attempt, error }
        } else {
            Notice::Lost { run, attempt, error }
        });
        Ok(())
    }

    /// Notes that a run went with its worker during a stop.
    pub(super) fn cut(&mut self, worker: WorkerId) -> Result<(), Error> {
        let error = self.crew.how_it_ended(worker);
        let seconds = self.crew.seconds(worker);
        let Some(Job { spec, attempt, .. }) = self.crew.take_job(worker) else { return Ok(()) };
        let (run, cause, at) = (spec.run, Cause::Stop, now());
        self.journal.append(&Fact::Lost(Lost { run, attempt, error, cause, at }))?;
        let outcome = Outcome::Interrupted;
        let _span = tracing::info_span!("run", %run, attempt).entered();
        log_end(&outcome, seconds);
        self.observer.notify(&Notice::Ended { run, attempt, outcome, seconds });
        Ok(())
    }

    /// Notes that a run of a held chunk ended.
    pub(super) fn tick_off(&mut self, chunk: Option<Chunk>, run: RunId, attempt: u32) {
        if let Some(held) = chunk.and_then(|chunk| self.held.get_mut(&chunk)) {
            held.insert(run, attempt);
        }
    }
}
