//! Claims on chunks, and the runs in them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use experiment::RunId;
use journal::{Assigned, Event as Fact, RunSpec, Status};

use super::{Driver, rungs, selection};
use crate::execute::attempt::now;
use crate::execute::claims::Next;
use crate::execute::folder::Earlier;
use crate::execute::protocol::{Job, Pause};
use crate::execute::schedule::{Chunk, Event, RunIndex, WorkerId};
use crate::execute::{Error, Notice, Rerun, folder};

/// Chunks that are over within this time are published together: the disk is waited for once.
const TOGETHER: Duration = Duration::from_millis(100);

impl<'a> Driver<'a> {
    pub(super) fn claim(&mut self) -> Result<Event, Error> {
        let Some(claims) = &mut self.claims else {
            return Ok(Event::NothingToClaim);
        };
        self.claimed_at = Instant::now();
        if !self.given_back.is_empty() {
            // They might be among the runs of what is claimed.
            return Ok(Event::NothingToClaim);
        }
        let now = self.epoch.elapsed();
        let next = match self.heart.wake().and_then(|()| claims.next(now)) {
            Ok(next) => next,
            Err(error) => {
                self.troubled(error)?;
                return Ok(Event::NothingToClaim);
            }
        };
        if self.over.is_empty() {
            self.trouble = None;
        } else if !matches!(next, Next::Mine { .. }) {
            self.publish()?;
            if self.over.is_empty() {
                return self.claim();
            }
        }
        let Next::Mine { chunk, attempt } = next else {
            self.all_done = next == Next::AllDone;
            // What we hold ourselves, nobody else is waited for.
            let is_idle = self.held.is_empty() && !self.scheduler.is_busy();
            if !self.waiting && !self.all_done && is_idle {
                self.observer.notify(&Notice::Waiting);
            }
            self.waiting = true;
            return Ok(Event::NothingToClaim);
        };
        self.waiting = false;
        if attempt > 1 {
            // What the earlier holder finished is adopted.
            self.look_back()?;
        }
        let (mut ended, mut runs, mut parked) = (BTreeMap::new(), Vec::new(), Vec::new());
        let Some(plan) = &self.plan else { return Ok(Event::NothingToClaim) };
        for index in plan.chunk(chunk) {
            let (run, first) = plan.runs[index];
            if let Some(attempt) = selection::ended_since(&self.fold, run, first) {
                ended.insert(run, attempt);
            } else if self.rests_since(run, first) {
                parked.push(index);
            } else if self.specs.contains_key(&run) {
                runs.push(index);
            }
        }
        if !ended.is_empty() {
            self.observer.notify(&Notice::Adopted(ended.len()));
        }
        self.held.insert(chunk, ended);
        Ok(Event::Claimed { chunk, runs, parked })
    }

    /// Takes in what others recorded.
    pub(super) fn look_back(&mut self) -> Result<(), Error> {
        self.fold.refresh()?;
        if let Some(policy) = &self.options.search {
            let policy = (policy, self.options.retry);
            self.search = Some(rungs::restore(policy, self.selection, &self.fold)?);
        }
        Ok(())
    }

    /// Whether a run came to a rung since the generation was frozen, and does not go on.
    fn rests_since(&self, run: RunId, first: u32) -> bool {
        let stays = self.search.as_ref().is_some_and(|search| !search.goes_on(run));
        stays && rungs::rests_since(&self.fold, run, first)
    }

    /// Runs of ours that rest at a rung although the search lets them go on.
    pub(super) fn promotions(&self, promoted: impl Fn(RunId) -> bool) -> Event {
        let run = |index: RunIndex| self.plan.as_ref().map(|plan| plan.runs[index].0);
        let parked = self.scheduler.parked();
        Event::Promoted(parked.filter(|index| run(*index).is_some_and(&promoted)).collect())
    }

    /// A run came to a rung: lets others go on that are among the best now; whether it does itself.
    pub(super) fn came_to_rung(
        &mut self,
        run: RunId,
        (step, value): (u64, f64),
    ) -> Result<bool, Error> {
        let Some(search) = &mut self.search else { return Ok(false) };
        search.record(run, step, value);
        search.rests(run);
        self.promote()?;
        Ok(self.search.as_ref().is_some_and(|search| search.goes_on(run)))
    }

    /// A run failed and is not tried again: it comes to no rung any more, and none waits for it.
    pub(super) fn falls_out(&mut self, run: RunId) -> Result<(), Error> {
        let Some(search) = &mut self.search else { return Ok(()) };
        search.ends(run);
        self.promote()
    }

    /// Lets runs go on that are among the best now.
    fn promote(&mut self) -> Result<(), Error> {
        let Some(search) = &mut self.search else { return Ok(()) };
        let promoted: BTreeSet<RunId> = search.promote().into_iter().collect();
        if !promoted.is_empty() {
            let event = self.promotions(|run| promoted.contains(&run));
            self.step(event)?;
        }
        Ok(())
    }

    pub(super) fn complete(&mut self, chunk: Chunk) -> Result<(), Error> {
        self.over.extend(self.held.remove(&chunk).map(|ended| (chunk, ended)));
        if self.published_at.elapsed() >= TOGETHER { self.publish() } else { Ok(()) }
    }

    /// Publishes the chunks that are over.
    pub(super) fn publish(&mut self) -> Result<(), Error> {
        self.published_at = Instant::now();
        if self.over.is_empty() {
            return Ok(());
        }
        // Whoever reads the list finds what it promises, also after a loss of power.
        self.crew.sync(&self.options.store)?;
        self.journal.sync()?;
        for (chunk, ended) in std::mem::take(&mut self.over) {
            let Some(claims) = &mut self.claims else { continue };
            match claims.publish(chunk, ended.clone()) {
                Ok(true) => {}
                Ok(false) => tracing::warn!(chunk, "another driver finished the chunk first"),
                Err(error) => {
                    self.over.push((chunk, ended));
                    self.troubled(error)?;
                }
            }
        }
        Ok(())
    }

    fn run_at(&self, index: RunIndex) -> Option<(&'a RunSpec, u32)> {
        let (run, first) = *self.plan.as_ref()?.runs.get(index)?;
        let seen = self.fold.runs.get(&run).map_or(1, journal::RunState::next_attempt);
        let begun = self.begun.get(&run).map_or(1, |attempt| attempt + 1);
        Some((*self.specs.get(&run)?, first.max(seen).max(begun)))
    }

    /// Whether a run that is about to begin ended since its chunk was claimed, by a worker that outlived
    /// its driver; it is adopted then.
    pub(super) fn adopts(&mut self, worker: WorkerId, index: RunIndex) -> Result<bool, Error> {
        let run = self.plan.as_ref().and_then(|plan| plan.runs.get(index));
        let Some(&(run, first)) = run.filter(|(run, _)| !self.begun.contains_key(run)) else {
            return Ok(false);
        };
        let state = self.fold.runs.get(&run);
        if state.is_none_or(|state| state.status() != Status::Running) {
            return Ok(false);
        }
        self.look_back()?;
        let Some(attempt) = selection::ended_since(&self.fold, run, first) else {
            return Ok(false);
        };
        self.tick_off(self.scheduler.chunk_of(worker), run, attempt);
        self.observer.notify(&Notice::Adopted(1));
        Ok(true)
    }

    /// The attempts before one that left files, newest first. Files in the run's own place are set aside
    /// where no attempt finished: then they are of none that counts.
    fn earlier(
        &mut self,
        (run, attempt): (RunId, u32),
        pause: Option<&Pause>,
    ) -> Result<Vec<Earlier>, Error> {
        let store = &self.options.store;
        if folder::has_place(store, run) {
            self.fold.refresh()?;
            let state = self.fold.runs.get(&run);
            if state.is_none_or(|state| state.status() != Status::Finished) {
                let aside = folder::set_aside(store, run);
                aside.map_err(Error::store("set aside the files of a run in", store))?;
            }
        }
        if attempt == 1 || !folder::has_attempts(store, run) {
            return Ok(Vec::new());
        }
        // What our own workers recorded is not in it yet.
        self.fold.refresh()?;
        let Some(state) = self.fold.runs.get(&run) else { return Ok(Vec::new()) };
        let attempts = state.attempts.iter().rev().filter(|earlier| earlier.number < attempt);
        let earlier = attempts.map(|attempt| {
            let passed = pause.map(|pause| rungs::passed(state, attempt, pause)).transpose()?;
            Ok(Earlier { passed: passed.flatten(), ..Earlier::of(attempt) })
        });
        earlier.collect()
    }

    pub(super) fn assign(&mut self, worker: WorkerId, index: RunIndex) -> Result<(), Error> {
        let Some((spec, attempt)) = self.run_at(index) else { return Ok(()) };
        let pause = self.search.as_mut().and_then(|search| {
            search.began(spec.run);
            search.pause(spec.run)
        });
        let earlier = self.earlier((spec.run, attempt), pause.as_ref())?;
        let name = self.crew.name(worker);
        let assigned = Assigned { spec: spec.clone(), attempt, worker: name, at: now() };
        self.journal.append(&Fact::Assigned(assigned))?;
        self.begun.insert(spec.run, attempt);
        let replaces = self.options.rerun == Rerun::All;
        let needed = self.needed(spec);
        let job = Job { spec: spec.clone(), attempt, pause, earlier, replaces, needed };
        self.crew.assign(worker, job);
        if !self.options.in_process {
            let _span = tracing::info_span!("run", run = %spec.run, attempt).entered();
            tracing::info!(worker, "started");
        }
        self.observer.notify(&Notice::Started { run: spec.run, attempt, worker });
        Ok(())
    }
}
