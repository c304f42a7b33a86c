//! Claims on chunks, and the runs in them.

use std::time::{Duration, Instant};

use experiment::RunId;
use journal::{Assigned, Event as Fact, Means, Status};

use super::{Driver, rungs, selection};
use crate::execute::attempt::now;
use crate::execute::claims::Next;
use crate::execute::folder::Earlier;
use crate::execute::protocol::{Job, Pause};
use crate::execute::schedule::{Chunk, Event, WorkerId};
use crate::execute::search::Search;
use crate::execute::{Error, Notice, Options, Rerun, folder};

/// Chunks that are over within this time are published together: the disk is waited for once.
const TOGETHER: Duration = Duration::from_millis(100);

impl<'a> Driver<'a> {
    pub(super) fn claim(&mut self) -> Result<Event, Error> {
        let Some(generation) = &mut self.generation else { return Ok(Event::NothingToClaim) };
        self.claimed_at = Instant::now();
        if !self.given_back.is_empty() {
            // They might be among the runs of what is claimed.
            return Ok(Event::NothingToClaim);
        }
        let now = self.epoch.elapsed();
        let next = match self.heart.wake().and_then(|()| generation.claims.next(now)) {
            Ok(next) => next,
            Err(error) => {
                self.troubled(error)?;
                return Ok(Event::NothingToClaim);
            }
        };
        if generation.over.is_empty() {
            self.trouble = None;
        } else if !matches!(next, Next::Mine { .. }) {
            self.publish()?;
            if self.generation.as_ref().is_some_and(|generation| generation.over.is_empty()) {
                return self.claim();
            }
        }
        let Next::Mine { chunk, attempt } = next else {
            self.nothing_to_claim(next == Next::AllDone);
            return Ok(Event::NothingToClaim);
        };
        self.waiting = false;
        if attempt > 1 {
            // What the earlier holder finished is adopted.
            self.look_back()?;
        }
        let Some(generation) = &mut self.generation else { return Ok(Event::NothingToClaim) };
        let (mut runs, adopted) = generation.hold(chunk, &self.fold);
        if adopted > 0 {
            self.observer.notify(&Notice::Adopted(adopted));
        }
        runs.retain(|run| self.specs.contains_key(run));
        let rests = |run: &&RunId| rungs::rests_since(&self.fold, **run, generation.first(**run));
        let resting = runs.iter().filter(rests).copied().collect();
        Ok(Event::Claimed { chunk, runs, resting })
    }

    /// The search as the journal tells it.
    pub(super) fn restored(&self) -> Result<Option<Search<'a>>, Error> {
        let Options { search, retry, .. } = self.options;
        Ok(rungs::restore(search.as_ref(), *retry, self.selection, &self.fold)?)
    }

    /// Notes that others hold what is left, or that everything is done.
    fn nothing_to_claim(&mut self, all_done: bool) {
        let Some(generation) = &mut self.generation else { return };
        generation.all_done = all_done;
        // What we hold ourselves, nobody else is waited for.
        let is_idle = generation.held.is_empty() && !self.scheduler.is_busy();
        if !self.waiting && !all_done && is_idle {
            self.observer.notify(&Notice::Waiting);
        }
        self.waiting = true;
    }

    /// Takes in what others recorded.
    pub(super) fn look_back(&mut self) -> Result<(), Error> {
        self.fold.refresh()?;
        self.scheduler.restore(self.restored()?);
        Ok(())
    }

    pub(super) fn complete(&mut self, chunk: Chunk) -> Result<(), Error> {
        let Some(generation) = &mut self.generation else { return Ok(()) };
        generation.over.extend(generation.held.remove(&chunk).map(|ended| (chunk, ended)));
        if generation.published_at.elapsed() >= TOGETHER { self.publish() } else { Ok(()) }
    }

    /// Publishes the chunks that are over.
    pub(super) fn publish(&mut self) -> Result<(), Error> {
        let Some(generation) = &mut self.generation else { return Ok(()) };
        generation.published_at = Instant::now();
        if generation.over.is_empty() {
            return Ok(());
        }
        // Whoever reads the list finds what it promises, also after a loss of power.
        self.crew.sync(&self.options.store)?;
        self.journal.sync()?;
        let mut failed = None;
        for (chunk, ended) in std::mem::take(&mut generation.over) {
            match generation.claims.publish(chunk, ended.clone()) {
                Ok(true) => {}
                Ok(false) => tracing::warn!(chunk, "another driver finished the chunk first"),
                Err(error) => {
                    generation.over.push((chunk, ended));
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(()), |error| self.troubled(error))
    }

    /// Notes that a run of a held chunk ended.
    pub(super) fn tick_off(&mut self, chunk: Option<Chunk>, run: RunId, attempt: u32) {
        if let Some(generation) = &mut self.generation {
            generation.tick_off(chunk, run, attempt);
        }
    }

    /// The attempt that a run is about to begin.
    fn next_attempt(&self, run: RunId) -> u32 {
        let first = self.first(run);
        let seen = self.fold.runs.get(&run).map_or(1, journal::RunState::next_attempt);
        let begun = self.begun.get(&run).map_or(1, |attempt| attempt + 1);
        first.max(seen).max(begun)
    }

    /// Whether a run that is about to begin ended since its chunk was claimed, by a worker that outlived
    /// its driver; it is adopted then.
    pub(super) fn adopts(&mut self, worker: WorkerId, run: RunId) -> Result<bool, Error> {
        let is_running = |state: &journal::RunState| state.status() == Status::Running;
        if self.begun.contains_key(&run) || !self.fold.runs.get(&run).is_some_and(is_running) {
            return Ok(false);
        }
        self.look_back()?;
        let first = self.first(run);
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

    pub(super) fn assign(&mut self, worker: WorkerId, run: RunId) -> Result<(), Error> {
        let Some(&spec) = self.specs.get(&run) else { return Ok(()) };
        let attempt = self.next_attempt(run);
        let pause = self.scheduler.begins(run);
        let earlier = self.earlier((spec.run, attempt), pause.as_ref())?;
        let name = self.crew.name(worker);
        let assigned = Assigned { spec: spec.clone(), attempt, worker: name, at: now() };
        self.journal.append(&Fact::Assigned(assigned))?;
        self.begun.insert(spec.run, attempt);
        let replaces = self.options.rerun == Rerun::All;
        let needed = self.needed(spec);
        let code = self.codes.of(spec, &mut self.journal)?;
        let means = Means { code, gpus: Vec::new() };
        let job = Job { spec: spec.clone(), attempt, pause, earlier, replaces, means, needed };
        self.crew.assign(worker, job);
        if !self.options.in_process {
            let _span = tracing::info_span!("run", run = %spec.run, attempt).entered();
            tracing::info!(worker, "started");
        }
        self.observer.notify(&Notice::Started { run: spec.run, attempt, worker });
        Ok(())
    }
}
