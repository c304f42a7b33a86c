//! What a driver does while the store cannot be reached.
//!
//! A network file system may fail for a while (ESTALE, EIO). The driver tries again for a time that is
//! shorter than the lease. Then others may take its work over: it stops its runs at their next
//! checkpoints, lets go of its claims, and claims again once the store is back. If that does not happen
//! within the same time, it ends with the error.

use std::thread;
use std::time::{Duration, Instant};

use super::generation::Generation;
use super::{Driver, LOOK_UP};
use crate::execute::attempt::chain;
use crate::execute::protocol::Order;
use crate::execute::schedule::Event;
use crate::execute::{Error, Notice};

/// Between two tries at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Driver<'_> {
    fn patience(&self) -> Duration {
        self.lease.patience()
    }

    /// How long to wait before claims are tried again.
    pub(super) fn pause(&self) -> Duration {
        let since = self.trouble.map_or(Duration::ZERO, |since| since.elapsed());
        (since / 4).clamp(2 * LOOK_UP, LONGEST_PAUSE)
    }

    /// Takes note of an error that may pass; gives the claims back, or the error, when it has not passed
    /// for too long.
    pub(super) fn troubled(&mut self, error: Error) -> Result<(), Error> {
        if !error.is_passing() {
            return Err(error);
        }
        self.waiting = true;
        let Some(since) = self.trouble else {
            self.trouble = Some(Instant::now());
            self.observer.notify(&Notice::Unreachable { why: chain(&error) });
            return Ok(());
        };
        if since.elapsed() < self.patience() {
            return Ok(());
        }
        let holds_nothing = self.generation.as_ref().is_none_or(Generation::holds_nothing);
        if holds_nothing && !self.scheduler.is_busy() {
            return Err(error);
        }
        self.give_back(chain(&error))
    }

    /// Gives the claims back if the heartbeat cannot be written, so that others are about to take them.
    pub(super) fn look_at_heart(&mut self) -> Result<(), Error> {
        let failing = self.heart.failing().filter(|failing| *failing >= self.patience());
        let holds = self.generation.as_ref().is_some_and(|generation| !generation.held.is_empty());
        let Some(failing) = failing.filter(|_| holds) else { return Ok(()) };
        let seconds = failing.as_secs_f64();
        self.give_back(format!("the heartbeat could not be written for {seconds:.0} s"))
    }

    /// Lets go of every claim, and stops the runs in them.
    fn give_back(&mut self, why: String) -> Result<(), Error> {
        self.observer.notify(&Notice::GivenBack { why });
        self.trouble = Some(Instant::now());
        self.waiting = true;
        self.heart.rest();
        let held = self.generation.as_mut().map(Generation::give_back).unwrap_or_default();
        for chunk in held {
            self.step(Event::Superseded(chunk))?;
        }
        for worker in self.crew.busy() {
            self.crew.order(worker, Order::Interrupt);
            // It would stop every run from now on.
            self.step(Event::Spent(worker))?;
            self.given_back.insert(worker);
        }
        Ok(())
    }

    /// Does something while no run is under way, again and again for as long as a store that fails may
    /// come back.
    pub(super) fn patiently<T>(
        &mut self,
        mut what: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (since, mut pause) = (Instant::now(), LOOK_UP);
        loop {
            match what(self) {
                Err(error)
                    if error.is_passing()
                        && since.elapsed() < self.patience()
                        && !self.stop.requested() =>
                {
                    tracing::warn!(error = chain(&error), "tried again");
                    thread::sleep(pause);
                    pause = LONGEST_PAUSE.min(2 * pause);
                }
                done => return done,
            }
        }
    }
}
