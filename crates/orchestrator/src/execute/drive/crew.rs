//! The workers of a driver.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use experiment::Entry;
use journal::{Cause, Opened, Role, RunSpec};

use super::limits::{Excess, Used, excess};
use crate::execute::log::{self, log_of, worker_log};
use crate::execute::protocol::{Job, Order, Setup};
use crate::execute::schedule::WorkerId;
use crate::execute::usage;
use crate::execute::versions::Versions;
use crate::execute::worker::{ChildWorker, Input, ThreadWorker, Worker};
use crate::execute::{Error, JOURNAL, LiveRun, Notice, Options};

/// How often a busy worker is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// One worker and what it is doing.
struct Member {
    worker: Box<dyn Worker>,
    job: Option<Job>,
    since: Instant,
    progress: Option<(u64, u64)>,
    /// Where its output goes, if it is a process.
    logs: Option<Logs>,
    /// When its memory was over the limit, although perhaps only while a program was started.
    suspect: bool,
    /// Why it was killed.
    end: Option<Excess>,
}

/// Where the output of a worker goes.
#[derive(Debug, Clone)]
struct Logs {
    /// What it prints outside of runs.
    worker: PathBuf,
    /// The size of that when its run began: a library that crashes prints there.
    before: u64,
    /// What its run prints.
    run: Option<PathBuf>,
}

impl Logs {
    /// Bytes that the run printed so far.
    fn printed(&self) -> u64 {
        let loud = log::length(&self.worker).saturating_sub(self.before);
        loud + self.run.as_deref().map_or(0, log::length)
    }

    /// The run is over: all that it printed goes to its log, up to a limit.
    fn finish(&mut self, limit: u64) {
        let Some(run) = self.run.take() else { return };
        log::cut(&self.worker, self.before + limit);
        log::move_tail(&self.worker, self.before, &run);
        log::cut(&run, limit);
    }
}

pub(super) struct Crew<'a> {
    options: &'a Options,
    entries: &'a [Entry],
    driver: String,
    members: BTreeMap<WorkerId, Member>,
    /// Names of workers whose journals grew since they were synced.
    unsynced: BTreeSet<String>,
    /// Graphics processors that no run has.
    gpus: Vec<String>,
    reports: Sender<Input>,
    inbox: Receiver<Input>,
    /// When limits were checked last, and how long that is good for.
    looked: Instant,
    pause: Duration,
}

impl<'a> Crew<'a> {
    pub(super) fn new(options: &'a Options, entries: &'a [Entry], driver: &str) -> Self {
        let (reports, inbox) = channel();
        Self {
            options,
            entries,
            driver: driver.into(),
            members: BTreeMap::new(),
            unsynced: BTreeSet::new(),
            gpus: options.gpus.devices.clone(),
            reports,
            inbox,
            looked: Instant::now(),
            pause: LOOK,
        }
    }

    /// A worker's journal writer.
    pub(super) fn name(&self, worker: WorkerId) -> String {
        format!("{}-w{worker}", self.driver)
    }

    pub(super) fn receive(&self, patience: Duration) -> Result<Input, RecvTimeoutError> {
        self.inbox.recv_timeout(patience)
    }

    pub(super) fn spawn(&mut self, id: WorkerId) -> Result<Notice, Error> {
        let options = self.options;
        let name = self.name(id);
        let setup = Setup {
            store: options.store.clone(),
            opened: Opened {
                writer: name.clone(),
                role: Role::Worker,
                pid: std::process::id(),
                at: crate::execute::attempt::now(),
                ..options.opened.clone()
            },
            cache: options.data.cache.clone(),
            mirror: options.data.mirror.clone(),
            offline: options.data.offline,
            checkpoint_every: options.checkpoint_every,
            versions: Versions::of_program(self.entries, options.engine),
        };
        let line = (id, self.reports.clone());
        let log = worker_log(&options.store, &name);
        let (worker, log): (Box<dyn Worker>, _) = if options.in_process {
            (Box::new(ThreadWorker::spawn(self.entries, setup, line)?), None)
        } else {
            (Box::new(ChildWorker::spawn(&options.worker, &log, setup, line)?), Some(log))
        };
        let member = Member {
            worker,
            job: None,
            since: Instant::now(),
            logs: log.clone().map(|worker| Logs { worker, before: 0, run: None }),
            progress: None,
            suspect: false,
            end: None,
        };
        let pid = member.worker.process();
        self.members.insert(id, member);
        Ok(Notice::WorkerStarted { worker: id, pid, log })
    }

    pub(super) fn assign(&mut self, worker: WorkerId, mut job: Job) {
        self.unsynced.insert(self.name(worker));
        job.means.gpus = match self.options.gpus.each {
            0 => self.gpus.clone(),
            each => self.gpus.drain(..each.min(self.gpus.len())).collect(),
        };
        if let Some(member) = self.members.get_mut(&worker) {
            (member.job, member.since) = (Some(job.clone()), Instant::now());
            member.progress = None;
            member.suspect = false;
            if let Some(logs) = &mut member.logs {
                logs.before = log::length(&logs.worker);
                logs.run = Some(log_of(&self.options.store, job.spec.run, job.attempt));
            }
            member.worker.order(Order::Run(job));
        }
    }

    /// What the worker is executing.
    pub(super) fn job(&self, worker: WorkerId) -> Option<&Job> {
        self.members.get(&worker)?.job.as_ref()
    }

    /// Notes how far a worker is; what it is executing.
    pub(super) fn progressed(&mut self, worker: WorkerId, progress: (u64, u64)) -> Option<&Job> {
        let member = self.members.get_mut(&worker)?;
        member.progress = Some(progress);
        member.job.as_ref()
    }

    /// What is under way.
    pub(super) fn live(&self) -> Vec<LiveRun> {
        let busy = self.members.iter().filter_map(|(id, m)| Some((id, m, m.job.as_ref()?)));
        busy.map(|(&worker, member, job)| LiveRun {
            run: job.spec.run,
            sweep: job.spec.sweep.clone(),
            attempt: job.attempt,
            worker,
            seconds: member.since.elapsed().as_secs_f64(),
            progress: member.progress,
        })
        .collect()
    }

    /// What the worker was executing: it is over.
    pub(super) fn take_job(&mut self, worker: WorkerId) -> Option<Job> {
        self.unsynced.insert(self.name(worker));
        let member = self.members.get_mut(&worker)?;
        if let Some(logs) = &mut member.logs {
            logs.finish(self.options.output);
        }
        let job = member.job.take();
        if self.options.gpus.each > 0 {
            self.gpus.extend(job.iter().flat_map(|job| job.means.gpus.iter().cloned()));
        }
        job
    }

    /// What is being executed.
    pub(super) fn specs(&self) -> impl Iterator<Item = &RunSpec> {
        self.members.values().filter_map(|member| Some(&member.job.as_ref()?.spec))
    }

    /// Workers that are at a run.
    pub(super) fn busy(&self) -> Vec<WorkerId> {
        self.members.iter().filter(|(_, member)| member.job.is_some()).map(|(id, _)| *id).collect()
    }

    /// Workers whose runs read a file that was planned with a sum.
    pub(super) fn reading(&self, name: &str, sum: &str) -> Vec<WorkerId> {
        let reads = |job: &Job| job.spec.data.get(name).is_some_and(|planned| planned == sum);
        let busy = self.members.iter().filter(|(_, m)| m.job.as_ref().is_some_and(reads));
        busy.map(|(&worker, _)| worker).collect()
    }

    pub(super) fn order(&mut self, worker: WorkerId, order: Order) {
        if let Some(member) = self.members.get_mut(&worker) {
            member.worker.order(order);
        }
    }

    pub(super) fn retire(&mut self, worker: WorkerId) {
        if let Some(member) = self.members.get_mut(&worker) {
            member.worker.retire();
        }
    }

    pub(super) fn kill(&mut self, worker: WorkerId) {
        if let Some(member) = self.members.get_mut(&worker) {
            member.worker.kill();
        }
    }

    /// For how long a worker has been at its run.
    pub(super) fn seconds(&self, worker: WorkerId) -> f64 {
        self.members.get(&worker).map_or(0.0, |member| member.since.elapsed().as_secs_f64())
    }

    /// Why a worker is gone, so far as it was the driver that killed it.
    pub(super) fn cause(&self, worker: WorkerId) -> Cause {
        let end = self.members.get(&worker).and_then(|member| member.end.as_ref());
        end.map_or(Cause::Crash, |end| end.cause)
    }

    /// How a worker that is gone ended, or what its run took too much of.
    pub(super) fn how_it_ended(&mut self, worker: WorkerId) -> String {
        let Some(member) = self.members.get_mut(&worker) else { return "ended".into() };
        let how = member.worker.reap();
        match &member.end {
            Some(Excess { reason, .. }) => reason.clone(),
            None => format!("worker {worker} {how}"),
        }
    }

    /// Forgets a worker that is gone.
    pub(super) fn bury(&mut self, worker: WorkerId) {
        self.members.remove(&worker).into_iter().for_each(Member::leave);
    }

    /// The error of a worker that never got ready.
    pub(super) fn unready(&mut self, worker: WorkerId) -> Error {
        let how = self.how_it_ended(worker);
        Error::Unready { how, log: worker_log(&self.options.store, &self.name(worker)) }
    }

    /// How long until limits are to be checked; `None` while nothing can be over one.
    pub(super) fn limits_due_in(&self) -> Option<Duration> {
        let watched = |m: &&Member| m.job.is_some() && m.end.is_none() && m.logs.is_some();
        let mut due = None;
        for member in self.members.values().filter(watched) {
            let end = self.options.time.map(|limit| limit.saturating_sub(member.since.elapsed()));
            let next = self.pause.saturating_sub(self.looked.elapsed());
            let first = end.map_or(next, |end| end.min(next));
            due = Some(due.map_or(first, |due: Duration| due.min(first)));
        }
        due
    }

    /// Kills workers whose run takes too much, and tells which.
    pub(super) fn enforce_limits(&mut self) -> Vec<WorkerId> {
        let start = Instant::now();
        let options = self.options;
        let watched = |m: &&mut Member| m.job.is_some() && m.end.is_none();
        let pids = self.members.values_mut().filter(watched).filter_map(|m| m.worker.process());
        let sizes = match options.memory {
            Some(_) => usage::tree_sizes(&pids.collect()),
            None => BTreeMap::new(),
        };
        let mut killed = Vec::new();
        for (&id, member) in self.members.iter_mut().filter(|(_, m)| watched(m)) {
            let Some(pid) = member.worker.process() else { continue };
            let size = sizes.get(&pid).copied().unwrap_or_default();
            let printed = member.logs.as_ref().map_or(0, Logs::printed);
            let used = Used { size, time: member.since.elapsed(), printed };
            member.end = excess(&used, options, &mut member.suspect);
            if member.end.is_some() {
                member.worker.kill();
                killed.push(id);
            }
        }
        // Where there are many processes, looking at them must not become the work.
        self.pause = LOOK.max(20 * start.elapsed());
        self.looked = Instant::now();
        killed
    }

    /// Makes sure that what workers recorded reached the disk. It is the file that is synced, so
    /// any descriptor will do and no worker need be asked.
    pub(super) fn sync(&mut self, store: &Path) -> Result<(), Error> {
        for name in std::mem::take(&mut self.unsynced) {
            let path = store.join(JOURNAL).join(&name).with_added_extension("journal");
            let synced = File::open(&path).and_then(|file| file.sync_data());
            synced.map_err(Error::store("sync", &path))?;
        }
        // The journals of running runs go on growing.
        let busy = self.members.iter().filter(|(_, m)| m.job.is_some()).map(|(id, _)| *id);
        let busy: Vec<_> = busy.map(|id| self.name(id)).collect();
        self.unsynced.extend(busy);
        Ok(())
    }

    /// Lets all workers go, and waits until they are gone.
    pub(super) fn dismiss(&mut self, at_once: bool) {
        for member in self.members.values_mut() {
            member.worker.retire();
            if at_once {
                member.worker.kill();
            }
        }
        std::mem::take(&mut self.members).into_values().for_each(Member::leave);
    }
}

impl Member {
    /// Waits until the worker is gone.
    fn leave(self) {
        let Self { worker, logs, .. } = self;
        drop(worker);
        if let Some(Logs { worker, .. }) = logs {
            log::remove_if_empty(&worker);
        }
    }
}
