//! The driver: does what the scheduler decides, and tells it what happens.

mod crew;
mod selection;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use experiment::{Entry, RunId};
use journal::{Assigned, Cause, Event as Fact, Fold, Lost, Opened, Outcome, Role, RunSpec, Writer};

use super::attempt::now;
use super::claims::{Claimant, Claims, Next};
use super::heartbeat::{Counter, Heart};
use super::incarnation::Incarnation;
use super::live::{Board, Live};
use super::plan::{self, Plan};
use super::protocol::{Job, Order, Report};
use super::schedule::{Action, Chunk, End, Event, Failure, RunIndex, Scheduler, WorkerId};
use super::stop::{Stop, Urgency};
use super::{Error, JOURNAL, LOGS, Notice, Observer, Options, PLANS, Summary};
use crew::Crew;
use selection::Selection;

/// How often the driver looks up when nothing happens: stops are noticed, claims tried again.
const LOOK_UP: Duration = Duration::from_millis(100);
/// How often journals are synced and claims looked after.
const ROUND: Duration = Duration::from_secs(1);

/// Executes what is left of `runs` and returns when all of them ended or a stop was obeyed.
///
/// # Errors
/// [`Error`]: the store cannot be read or written, or workers cannot be started. A run that fails
/// is no error. What was recorded before the error stays, and the next call goes on from there.
pub fn execute(
    runs: &[RunSpec],
    options: &Options,
    entries: &[Entry],
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Summary, Error> {
    if options.store.exists() && !options.store.is_dir() {
        return Err(Error::NoFolder { path: options.store.clone() });
    }
    let fold = Fold::read(&options.store.join(JOURNAL))?;
    let selection = Selection::new(runs, options.rerun, &fold);
    observer.notify(&Notice::Skipped(selection.skipped()));
    if selection.wanted(&fold).is_empty() {
        return Ok(selection.summary(&fold));
    }
    prepare(&options.store)?;
    let mut driver = Driver::new(runs, options, entries, fold, observer, stop)?;
    let driven = driver.drive(&selection);
    // Workers first, so that what they still record is in the summary.
    driver.crew.dismiss(stop.urgency() == Urgency::Hard || driven.is_err());
    driver.crew.sync(&options.store)?;
    driver.journal.sync()?;
    driven?;
    driver.fold.refresh()?;
    Ok(selection.summary(&driver.fold))
}

/// Makes the store's folders.
fn prepare(store: &Path) -> Result<(), Error> {
    for name in [JOURNAL, LOGS, PLANS] {
        let folder = store.join(name);
        fs::create_dir_all(&folder).map_err(Error::store("create", &folder))?;
    }
    Ok(())
}

struct Driver<'a> {
    specs: BTreeMap<RunId, &'a RunSpec>,
    /// The attempt of each run that was the next one when the present generation was frozen.
    first: BTreeMap<RunId, u32>,
    options: &'a Options,
    observer: &'a mut dyn Observer,
    stop: &'a Stop,
    fold: Fold,
    journal: Writer,
    me: Claimant,
    _heart: Heart,
    board: Board,
    crew: Crew<'a>,
    scheduler: Scheduler,
    epoch: Instant,
    round: Instant,
    claimed_at: Instant,
    waiting: bool,
    /// Of the generation under way.
    plan: Option<Plan>,
    claims: Option<Claims>,
    /// Claimed chunks, with run -> attempt of every run of theirs that ended.
    held: BTreeMap<Chunk, BTreeMap<RunId, u32>>,
    all_done: bool,
}

impl<'a> Driver<'a> {
    fn new(
        runs: &'a [RunSpec],
        options: &'a Options,
        entries: &'a [Entry],
        fold: Fold,
        observer: &'a mut dyn Observer,
        stop: &'a Stop,
    ) -> Result<Self, Error> {
        let name = driver_name();
        // Before the first claim, so that a claim without a heartbeat is one whose driver left.
        let counter = Counter::create(&options.store, &name)?;
        let opened = Opened {
            writer: name.clone(),
            role: Role::Driver,
            pid: std::process::id(),
            at: now(),
            ..options.opened.clone()
        };
        let start = Instant::now();
        Ok(Self {
            specs: runs.iter().map(|spec| (spec.run, spec)).collect(),
            first: BTreeMap::new(),
            options,
            observer,
            stop,
            fold,
            journal: Writer::create(&options.store.join(JOURNAL), opened)?,
            crew: Crew::new(options, entries, &name),
            board: Board::new(&options.store, &name),
            me: Claimant { driver: name, process: Incarnation::current() },
            _heart: Heart::start(counter),
            scheduler: Scheduler::new(options.jobs, options.retry),
            epoch: start,
            round: start,
            claimed_at: start,
            waiting: false,
            plan: None,
            claims: None,
            held: BTreeMap::new(),
            all_done: false,
        })
    }

    /// Generation after generation, until nothing is wanted any more.
    fn drive(&mut self, selection: &Selection<'_>) -> Result<(), Error> {
        let folder = self.options.store.join(PLANS);
        let id = selection.plan_id();
        loop {
            self.fold.refresh()?;
            let wanted = selection.wanted(&self.fold);
            if wanted.is_empty() || self.stop.requested() {
                return Ok(());
            }
            let newest = plan::newest(&folder, &id)?;
            let next = newest.as_ref().map_or(0, |(generation, _)| generation + 1);
            if let Some((_, plan)) = newest
                && !self.open(plan)?
            {
                self.work_off()?;
            } else {
                plan::freeze(&folder, (&id, next), wanted, self.options.jobs)?;
            }
        }
    }

    /// Makes a generation the present one; whether it was complete already.
    fn open(&mut self, plan: Plan) -> Result<bool, Error> {
        let scope = (plan.name.as_str(), plan.chunks());
        let lease = self.options.lease;
        let mut claims = Claims::open(&self.options.store, scope, self.me.clone(), lease)?;
        let complete = claims.is_complete()?;
        if complete {
            claims.sweep_up()?;
        }
        self.first = plan.runs.iter().copied().collect();
        (self.plan, self.claims, self.all_done) = (Some(plan), Some(claims), complete);
        self.held.clear();
        Ok(complete)
    }

    /// Executes and waits until the present generation is complete or a stop was obeyed.
    fn work_off(&mut self) -> Result<(), Error> {
        self.step(Event::ClaimAgain)?;
        while !self.all_done {
            let limits = self.crew.limits_due_in().unwrap_or(LOOK_UP);
            match self.crew.receive(LOOK_UP.min(limits)) {
                Ok((worker, report)) => self.reported(worker, report)?,
                Err(RecvTimeoutError::Timeout) => self.look_up()?,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            self.obey_stop()?;
            if self.stop.requested() && !self.scheduler.is_busy() {
                return Ok(());
            }
            if self.crew.limits_due_in().is_some_and(|due| due.is_zero()) {
                for worker in self.crew.enforce_limits() {
                    // Even if its run ends before the signal arrives.
                    self.step(Event::Spent(worker))?;
                }
            }
            if self.round.elapsed() >= ROUND {
                self.round = Instant::now();
                self.go_round()?;
            }
        }
        self.claims.as_ref().map_or(Ok(()), Claims::sweep_up)
    }

    fn obey_stop(&mut self) -> Result<(), Error> {
        match self.stop.urgency() {
            Urgency::None => Ok(()),
            urgency => self.step(Event::Stop(urgency)),
        }
    }

    fn look_up(&mut self) -> Result<(), Error> {
        if self.waiting && self.claimed_at.elapsed() >= 2 * LOOK_UP {
            self.step(Event::ClaimAgain)?;
        }
        Ok(())
    }

    /// What is due once a second.
    fn go_round(&mut self) -> Result<(), Error> {
        self.crew.sync(&self.options.store)?;
        self.journal.sync()?;
        self.board.show(&Live { process: self.me.process.clone(), runs: self.crew.live() });
        if self.waiting {
            self.look_up()?;
        }
        for chunk in self.claims.as_mut().map(Claims::superseded).unwrap_or_default() {
            tracing::warn!(chunk, "another driver took the chunk over");
            self.held.remove(&chunk);
            self.step(Event::Superseded(chunk))?;
        }
        Ok(())
    }

    fn step(&mut self, event: Event) -> Result<(), Error> {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for action in self.scheduler.step(event) {
                events.extend(self.act(action)?);
            }
        }
        Ok(())
    }

    /// Does something; what came of it at once, if anything.
    fn act(&mut self, action: Action) -> Result<Option<Event>, Error> {
        match action {
            Action::Claim => return self.claim().map(Some),
            Action::Complete(chunk) => self.complete(chunk)?,
            Action::Spawn(worker) => {
                let notice = self.crew.spawn(worker)?;
                self.observer.notify(&notice);
            }
            Action::Assign { worker, run } => self.assign(worker, run)?,
            Action::Lost { worker, chunk, again } => self.lost(worker, chunk, again)?,
            Action::Interrupt(worker) => self.crew.order(worker, Order::Interrupt),
            Action::Retire(worker) => self.crew.retire(worker),
            Action::Kill(worker) => self.crew.kill(worker),
            Action::GiveUp(worker) => return Err(self.crew.unready(worker)),
        }
        Ok(None)
    }

    fn claim(&mut self) -> Result<Event, Error> {
        let (Some(claims), Some(plan)) = (&mut self.claims, &self.plan) else {
            return Ok(Event::NothingToClaim);
        };
        self.claimed_at = Instant::now();
        let next = claims.next(self.epoch.elapsed())?;
        let Next::Mine { chunk, attempt } = next else {
            self.all_done = next == Next::AllDone;
            if !self.waiting && !self.all_done && !self.scheduler.is_busy() {
                self.observer.notify(&Notice::Waiting);
            }
            self.waiting = true;
            return Ok(Event::NothingToClaim);
        };
        self.waiting = false;
        if attempt > 1 {
            // What the earlier holder finished is adopted.
            self.fold.refresh()?;
        }
        let mut ended = BTreeMap::new();
        let mut runs = Vec::new();
        for index in plan.chunk(chunk) {
            let (run, first) = plan.runs[index];
            match selection::ended_since(&self.fold, run, first) {
                Some(attempt) => drop(ended.insert(run, attempt)),
                None if self.specs.contains_key(&run) => runs.push(index),
                None => {}
            }
        }
        if !ended.is_empty() {
            self.observer.notify(&Notice::Adopted(ended.len()));
        }
        self.held.insert(chunk, ended);
        Ok(Event::Claimed { chunk, runs })
    }

    fn complete(&mut self, chunk: Chunk) -> Result<(), Error> {
        let Some(ended) = self.held.remove(&chunk) else { return Ok(()) };
        // Whoever reads the list finds what it promises, also after a loss of power.
        self.crew.sync(&self.options.store)?;
        self.journal.sync()?;
        if let Some(claims) = &mut self.claims
            && !claims.publish(chunk, ended)?
        {
            tracing::warn!(chunk, "another driver finished the chunk first");
        }
        Ok(())
    }

    fn run_at(&self, index: RunIndex) -> Option<(&'a RunSpec, u32)> {
        let (run, first) = *self.plan.as_ref()?.runs.get(index)?;
        let seen = self.fold.runs.get(&run).map_or(1, journal::RunState::next_attempt);
        Some((*self.specs.get(&run)?, first.max(seen)))
    }

    fn assign(&mut self, worker: WorkerId, index: RunIndex) -> Result<(), Error> {
        let Some((spec, attempt)) = self.run_at(index) else { return Ok(()) };
        let name = self.crew.name(worker);
        let assigned = Assigned { spec: spec.clone(), attempt, worker: name, at: now() };
        self.journal.append(&Fact::Assigned(assigned))?;
        self.crew.assign(worker, Job { spec: spec.clone(), attempt });
        if !self.options.in_process {
            let _span = tracing::info_span!("run", run = %spec.run, attempt).entered();
            tracing::info!(worker, "started");
        }
        self.observer.notify(&Notice::Started { run: spec.run, attempt, worker });
        Ok(())
    }

    fn reported(&mut self, worker: WorkerId, report: Option<Report>) -> Result<(), Error> {
        match report {
            None => {
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
            Some(Report::Ended { outcome, seconds, retained }) => {
                if retained > self.options.retain {
                    tracing::info!(worker, retained, "retires");
                    self.step(Event::Spent(worker))?;
                }
                self.ended(worker, outcome, seconds)
            }
            Some(Report::Unrecorded { error }) => {
                Err(Error::Unrecorded { worker: format!("worker {worker}"), error })
            }
        }
    }

    fn ended(&mut self, worker: WorkerId, outcome: Outcome, seconds: f64) -> Result<(), Error> {
        let end = match &outcome {
            Outcome::Finished => End::Finished,
            Outcome::Failed { .. } => End::Failed(self.failure(worker, None)?),
            Outcome::Interrupted | Outcome::Paused { .. } => End::Interrupted,
        };
        let Some(Job { spec, attempt }) = self.crew.take_job(worker) else { return Ok(()) };
        let again =
            matches!(end, End::Failed(failure) if self.scheduler.tries_again(worker, failure));
        if end != End::Interrupted && !again {
            self.tick_off(self.scheduler.chunk_of(worker), spec.run, attempt);
        }
        if !self.options.in_process {
            let _span = tracing::info_span!("run", run = %spec.run, attempt).entered();
            super::attempt::log_end(&outcome, seconds);
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

    fn lost(&mut self, worker: WorkerId, chunk: Option<Chunk>, again: bool) -> Result<(), Error> {
        // Its output is cut only once it prints no more.
        let error = format!("worker {worker} {}", self.crew.how_it_ended(worker));
        let Some(Job { spec, attempt }) = self.crew.take_job(worker) else { return Ok(()) };
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

    /// Notes that a run of a held chunk ended.
    fn tick_off(&mut self, chunk: Option<Chunk>, run: RunId, attempt: u32) {
        if let Some(held) = chunk.and_then(|chunk| self.held.get_mut(&chunk)) {
            held.insert(run, attempt);
        }
    }
}

/// A name that no other driver of any store has.
fn driver_name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let host: String = host.chars().map(plain).take(32).collect();
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let nanos = (now() * 1e6) as u64;
    format!("{host}-{}-{nanos:x}-{number}", std::process::id())
}
