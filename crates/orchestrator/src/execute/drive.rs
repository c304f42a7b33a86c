//! The driver: does what the scheduler decides, and tells it what happens.

mod blocked;
mod chunks;
mod crew;
mod files;
mod generation;
mod limits;
mod reports;
mod rungs;
mod selection;
mod standing;
mod trouble;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use experiment::{Entry, RunId};
use journal::{Fold, Opened, Outcome, Role, RunSpec, Writer};

use super::attempt::now;
use super::claims::{Claimant, Claims};
use super::code::Codes;
use super::heartbeat::{self, Counter, Heart};
use super::incarnation::Incarnation;
use super::lease::Lease;
use super::live::Board;
use super::plan::{self, Plan};
use super::protocol::Order;
use super::schedule::{Action, End, Event, Scheduler, WorkerId};
use super::stop::{Stop, Urgency};
use super::versions::Versions;
use super::{Error, JOURNAL, LOGS, Notice, Observer, Options, PLANS, Summary, folder, scratch};
use crew::Crew;
use generation::Generation;
use selection::Selection;

pub(crate) use selection::next_attempts;
pub use standing::Standing;

/// How often the driver looks up when nothing happens: stops are noticed, claims tried again.
const LOOK_UP: Duration = Duration::from_millis(100);
/// How often others are shown what is under way.
const SHOW: Duration = Duration::from_millis(250);
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
    // A link that leads nowhere is not there for `exists`.
    if fs::symlink_metadata(&options.store).is_ok() && !options.store.is_dir() {
        return Err(Error::NoFolder { path: options.store.clone() });
    }
    let versions = Versions::of_program(entries, options.engine);
    refuse("this sweep", &versions, &Versions::of_runs(runs))?;
    let mut fold = Fold::read(&options.store.join(JOURNAL))?;
    folder::settle(&options.store, &fold);
    let selection = Selection::new(runs, options, &fold);
    remember_request(runs, &fold, options)?;
    observer.notify(&Notice::Skipped(selection.skipped()));
    let mut search = rungs::restore(options.search.as_ref(), options.retry, &selection, &fold)?;
    let wanted = selection.wanted(&fold, search.as_mut());
    if wanted.is_empty() {
        return Ok(selection.summary(&fold));
    }
    prepare(&options.store)?;
    if !blocked::note(runs, &wanted, &mut fold, options, observer)? {
        return Ok(selection.summary(&fold));
    }
    let mut driver = Driver::new(&selection, options, entries, fold, observer, stop)?;
    let driven = driver.drive();
    // Workers first, so that what they still record is in the summary.
    driver.crew.dismiss(stop.urgency() == Urgency::Hard || driven.is_err());
    driver.crew.sync(&options.store)?;
    driver.journal.sync()?;
    driven?;
    driver.fold.refresh()?;
    folder::settle(&options.store, &driver.fold);
    Ok(selection.summary(&driver.fold))
}

/// Refuses what was planned with other versions.
fn refuse(what: &str, program: &Versions, planned: &Versions) -> Result<(), Error> {
    match program.refuse(planned) {
        Some(versions) => Err(Error::OtherVersion { what: what.into(), versions }),
        None => Ok(()),
    }
}

/// Notes that runs are asked for whose requests other runs have answered since, so that it is these
/// that count again.
fn remember_request(runs: &[RunSpec], fold: &Fold, options: &Options) -> Result<(), Error> {
    let superseded = fold.superseded();
    let mut again: Vec<RunId> =
        runs.iter().map(|spec| spec.run).filter(|run| superseded.contains(run)).collect();
    again.sort_unstable();
    again.dedup();
    if again.is_empty() {
        return Ok(());
    }
    let opened = opened(options, &driver_name());
    let mut journal = Writer::create(&options.store.join(JOURNAL), opened)?;
    journal.append(&journal::Event::Requested(journal::Requested { runs: again, at: now() }))?;
    Ok(journal.sync()?)
}

fn opened(options: &Options, writer: &str) -> Opened {
    Opened {
        writer: writer.into(),
        role: Role::Driver,
        pid: std::process::id(),
        at: now(),
        ..options.opened.clone()
    }
}

/// Makes the store's folders.
fn prepare(store: &Path) -> Result<(), Error> {
    for name in [JOURNAL, LOGS, PLANS] {
        let folder = store.join(name);
        fs::create_dir_all(&folder).map_err(Error::store("create", &folder))?;
    }
    // What those left that were killed.
    heartbeat::clear_dead(store);
    scratch::clear_dead();
    Ok(())
}

struct Driver<'a> {
    selection: &'a Selection<'a>,
    specs: BTreeMap<RunId, &'a RunSpec>,
    /// The latest attempt of each run that was started here.
    begun: HashMap<RunId, u32>,
    /// Files that are not as they were planned, with the sums they were planned with.
    gone: BTreeSet<(String, String)>,
    /// Runs that are not executed because of that.
    left: BTreeSet<RunId>,
    /// Likewise, while runs that read them are under way.
    changing: BTreeSet<(String, String)>,
    files_at: Instant,
    entries: &'a [Entry],
    options: &'a Options,
    observer: &'a mut dyn Observer,
    stop: &'a Stop,
    fold: Fold,
    journal: Writer,
    me: Claimant,
    heart: Heart,
    lease: Lease,
    board: Board,
    shown: Instant,
    crew: Crew<'a>,
    scheduler: Scheduler<'a>,
    codes: Codes<'a>,
    /// How runs ended that their workers told of, until the scheduler has decided what becomes of them.
    told: BTreeMap<WorkerId, (Outcome, f64)>,
    epoch: Instant,
    round: Instant,
    claimed_at: Instant,
    waiting: bool,
    /// Since when the store cannot be reached.
    trouble: Option<Instant>,
    /// Workers whose runs stop because their claims were given back.
    given_back: BTreeSet<WorkerId>,
    generation: Option<Generation>,
}

impl<'a> Driver<'a> {
    fn new(
        selection: &'a Selection<'a>,
        options: &'a Options,
        entries: &'a [Entry],
        fold: Fold,
        observer: &'a mut dyn Observer,
        stop: &'a Stop,
    ) -> Result<Self, Error> {
        let name = driver_name();
        // Before the first claim, so that a claim without a heartbeat is one whose driver left.
        let counter = Counter::create_on(&options.disk, &options.store, &name)?;
        let opened = opened(options, &name);
        let start = Instant::now();
        let runs = selection.specs();
        Ok(Self {
            selection,
            specs: runs.iter().map(|spec| (spec.run, spec)).collect(),
            begun: HashMap::new(),
            gone: BTreeSet::new(),
            left: BTreeSet::new(),
            changing: BTreeSet::new(),
            files_at: start,
            entries,
            options,
            observer,
            stop,
            fold,
            journal: Writer::create(&options.store.join(JOURNAL), opened)?,
            crew: Crew::new(options, entries, &name),
            board: Board::new(&options.store, &name),
            shown: start,
            me: Claimant { driver: name, process: Incarnation::current() },
            heart: Heart::start(counter)?,
            lease: Lease::of(&options.store, options.lease),
            codes: Codes::new(entries, &options.store),
            scheduler: Scheduler::new(options.gpus.jobs(options.jobs), options.retry),
            epoch: start,
            round: start,
            claimed_at: start,
            waiting: false,
            trouble: None,
            given_back: BTreeSet::new(),
            told: BTreeMap::new(),
            generation: None,
        })
    }

    /// Generation after generation, until nothing is wanted any more.
    fn drive(&mut self) -> Result<(), Error> {
        let folder = self.options.store.join(PLANS);
        let id = self.selection.plan_id();
        loop {
            self.fold.refresh()?;
            let mut search = self.restored()?;
            let mut wanted = self.selection.wanted(&self.fold, search.as_mut());
            self.scheduler.restore(search);
            wanted.retain(|(run, _)| !self.left.contains(run) && !self.is_blocked(*run));
            if wanted.is_empty() || self.stop.requested() {
                return Ok(());
            }
            let newest = self.patiently(|_| plan::newest(&folder, &id))?;
            let next = newest.as_ref().map_or(0, |(generation, _)| generation + 1);
            let versions = Versions::of_program(self.entries, self.options.engine);
            if let Some((_, Some(plan))) = &newest
                && let Some(planned) = &plan.versions
            {
                let path = folder.join(&plan.name);
                refuse(&format!("the plan {}", path.display()), &versions, planned)?;
            }
            if let Some((_, Some(plan))) = newest
                && !self.patiently(|driver| driver.open(plan.clone()))?
            {
                self.work_off()?;
            } else {
                let versions = Versions::of_runs(self.selection.specs());
                let workers = self.options.sharers();
                plan::freeze(&folder, (&id, next), wanted, (workers, versions))?;
            }
        }
    }

    /// Makes a generation the present one; whether it was complete already.
    fn open(&mut self, plan: Plan) -> Result<bool, Error> {
        let scope = (plan.name.as_str(), plan.chunks());
        // Others may have come since.
        self.lease = Lease::of(&self.options.store, self.options.lease);
        let place = (self.options.store.as_path(), self.options.disk.clone());
        let mut claims = Claims::open(place, scope, self.me.clone(), self.lease)?;
        let complete = claims.is_complete()?;
        if complete {
            claims.sweep_up()?;
        }
        self.generation = Some(Generation::new(plan, claims, complete));
        Ok(complete)
    }

    /// Executes and waits until the present generation is complete or a stop was obeyed.
    fn work_off(&mut self) -> Result<(), Error> {
        self.step(Event::ClaimAgain)?;
        self.show();
        while self.generation.as_ref().is_some_and(|generation| !generation.all_done) {
            let limits = self.crew.limits_due_in().unwrap_or(LOOK_UP);
            match self.crew.receive(LOOK_UP.min(limits)) {
                Ok((worker, report)) => self.reported(worker, report)?,
                Err(RecvTimeoutError::Timeout) => self.look_up()?,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            self.obey_stop()?;
            if self.stop.requested() && !self.scheduler.is_busy() {
                return self.publish();
            }
            if self.crew.limits_due_in().is_some_and(|due| due.is_zero()) {
                for worker in self.crew.enforce_limits() {
                    // Even if its run ends before the signal arrives.
                    self.step(Event::Spent(worker))?;
                }
            }
            if self.shown.elapsed() >= SHOW {
                self.show();
            }
            if self.round.elapsed() >= ROUND {
                self.round = Instant::now();
                self.go_round()?;
            }
        }
        let generation = self.generation.as_ref();
        match generation.map_or(Ok(()), |generation| generation.claims.sweep_up()) {
            // The next driver does so.
            Err(error) if error.is_passing() => Ok(()),
            swept => swept,
        }
    }

    /// The attempt of a run that was the next one when the present generation was frozen.
    fn first(&self, run: RunId) -> u32 {
        self.generation.as_ref().map_or(1, |generation| generation.first(run))
    }

    fn obey_stop(&mut self) -> Result<(), Error> {
        match self.stop.urgency() {
            Urgency::None => Ok(()),
            urgency => self.step(Event::Stop(urgency)),
        }
    }

    fn look_up(&mut self) -> Result<(), Error> {
        if self.waiting && self.claimed_at.elapsed() >= self.pause() {
            self.step(Event::ClaimAgain)?;
        }
        Ok(())
    }

    /// Lets others see what is under way.
    fn show(&mut self) {
        self.shown = Instant::now();
        self.board.show(&self.me.process, self.crew.live());
    }

    /// What is due once a second.
    fn go_round(&mut self) -> Result<(), Error> {
        self.observer.notify(&Notice::Tick);
        self.look_at_heart()?;
        self.publish()?;
        self.crew.sync(&self.options.store)?;
        self.journal.sync()?;
        self.look_at_files();
        if self.waiting {
            self.look_up()?;
        }
        if self.scheduler.searches() {
            self.look_back()?;
            self.step(Event::LookedBack)?;
        }
        for chunk in self.generation.as_mut().map(Generation::superseded).unwrap_or_default() {
            tracing::warn!(chunk, "another driver took the chunk over");
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
            Action::Assign { worker, run } => {
                if self.leaves(run) || self.waits(run)? {
                    return Ok(Some(Event::Ended(worker, End::Outdated)));
                }
                if self.adopts(worker, run)? {
                    return Ok(Some(Event::Ended(worker, End::Finished)));
                }
                self.assign(worker, run)?;
            }
            Action::Released { worker, chunk, fate } => self.released(worker, chunk, fate)?,
            Action::Interrupt(worker) => self.crew.order(worker, Order::Interrupt),
            Action::Retire(worker) => self.crew.retire(worker),
            Action::Kill(worker) => self.crew.kill(worker),
            Action::GiveUp(worker) => return Err(self.crew.unready(worker)),
        }
        Ok(None)
    }
}

/// A name that no other driver of any store has.
pub(crate) fn driver_name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let host: String = host.chars().map(plain).take(32).collect();
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let nanos = (now() * 1e6) as u64;
    format!("{host}-{}-{nanos:x}-{number}", std::process::id())
}
