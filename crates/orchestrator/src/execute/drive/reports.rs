//! What workers tell, and what becomes of it.

use journal::{Cause, Event as Fact, Lost, Outcome};

use super::{Driver, selection};
use crate::execute::attempt::{log_end, now};
use crate::execute::protocol::{Job, Pause, Report};
use crate::execute::schedule::{Chunk, End, Event, Failure, Fate, WorkerId};
use crate::execute::{Error, Notice};

impl Driver<'_> {
    pub(super) fn reported(
        &mut self,
        worker: WorkerId,
        report: Option<Report>,
    ) -> Result<(), Error> {
        let is_over = matches!(report, None | Some(Report::Ended { .. }));
        let was_given_back = is_over && self.given_back.remove(&worker);
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
                self.ended(worker, (outcome, cause), seconds, was_given_back)
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
        was_given_back: bool,
    ) -> Result<(), Error> {
        let end = match &outcome {
            Outcome::Finished => End::Finished,
            Outcome::Failed { .. } => End::Failed(self.failure(worker, cause)?),
            Outcome::Interrupted if was_given_back => End::Interrupted,
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
            Outcome::Paused { step, value } => End::Paused { step: *step, value: *value },
        };
        self.told.insert(worker, (outcome, seconds));
        self.step(Event::Ended(worker, end))
    }

    /// A worker's run is under way no more: ticks it off and tells, and records it where its worker could
    /// not.
    pub(super) fn released(
        &mut self,
        worker: WorkerId,
        chunk: Option<Chunk>,
        fate: Fate,
    ) -> Result<(), Error> {
        let told = self.told.remove(&worker);
        let lost = told.is_none();
        let (outcome, seconds) = match told {
            Some(told) => told,
            None => (self.lost(worker, fate)?, self.crew.seconds(worker)),
        };
        let Some(Job { spec, attempt, pause, .. }) = self.crew.take_job(worker) else {
            return Ok(());
        };
        let run = spec.run;
        if matches!(fate, Fate::Over | Fate::Rests) {
            self.tick_off(chunk, run, attempt);
        }
        if outcome == Outcome::Finished
            && let Some(Pause { metric, step }) = pause
        {
            tracing::debug!(%run, metric, step, "finished before its next rung");
        }
        if !self.options.in_process {
            let _span = tracing::info_span!("run", %run, attempt).entered();
            log_end(&outcome, seconds);
        }
        self.observer.notify(&match outcome {
            Outcome::Failed { error } if fate == Fate::Again => {
                Notice::Again { run, attempt, error }
            }
            Outcome::Failed { error } if lost => Notice::Lost { run, attempt, error },
            outcome => Notice::Ended { run, attempt, outcome, seconds },
        });
        Ok(())
    }

    /// Records that a run went with its worker; how it ended because of that.
    fn lost(&mut self, worker: WorkerId, fate: Fate) -> Result<Outcome, Error> {
        let Some(job) = self.crew.job(worker) else { return Ok(Outcome::Interrupted) };
        let (run, attempt, at) = (job.spec.run, job.attempt, now());
        // Its output is cut only once it prints no more.
        let error = self.crew.how_it_ended(worker);
        let (cause, outcome) = match fate {
            Fate::Later => (Cause::Stop, Outcome::Interrupted),
            _ => (self.crew.cause(worker), Outcome::Failed { error: error.clone() }),
        };
        self.journal.append(&Fact::Lost(Lost { run, attempt, error, cause, at }))?;
        Ok(outcome)
    }

    /// Why the worker's run failed, if it did, and how often it failed so before in this call.
    fn failure(&mut self, worker: WorkerId, cause: Option<Cause>) -> Result<Failure, Error> {
        let mut failure = Failure { cause, earlier: 0 };
        let Some(job) = self.crew.job(worker) else { return Ok(failure) };
        if self.options.retry.tries_again(cause, 0) {
            let (run, attempt) = (job.spec.run, job.attempt);
            // Also for the number of the next attempt.
            self.fold.refresh()?;
            let first = self.first(run);
            failure.earlier = selection::failed_before(&self.fold, run, first..attempt, cause);
        }
        Ok(failure)
    }
}
