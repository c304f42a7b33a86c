//! The workers of a driver.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use experiment::Entry;
use journal::{Cause, Opened, Role};

use crate::execute::protocol::{Job, Order, Setup};
use crate::execute::schedule::WorkerId;
use crate::execute::usage::{self, GroupSize};
use crate::execute::worker::{ChildWorker, Input, ThreadWorker, Worker, log_of};
use crate::execute::{Error, JOURNAL, LiveRun, Notice, Options};

/// How often a busy worker is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// One worker and what it is doing.
struct Member {
    worker: Box<dyn Worker>,
    job: Option<Job>,
    since: Instant,
    progress: Option<(u64, u64)>,
    /// Where its output goes, and the size of that when its run began.
    log: Option<(PathBuf, u64)>,
    /// When its memory was over the limit, although perhaps only while a program was started.
    suspect: bool,
    /// Why it was killed.
    end: Option<Excess>,
}

impl Member {
    /// Bytes its run printed so far.
    fn printed(&self) -> u64 {
        let Some((path, before)) = &self.log else { return 0 };
        fs::metadata(path).map_or(0, |log| log.len().saturating_sub(*before))
    }

    /// Cuts off what its run printed above the limit.
    fn cut_log(&self, limit: u64) {
        let Some((path, before)) = self.log.as_ref().filter(|_| self.printed() > limit) else {
            return;
        };
        let cut = File::options().write(true).open(path);
        if let Err(error) = cut.and_then(|log| log.set_len(before + limit)) {
            tracing::warn!(path = %path.display(), %error, "cutting the log");
        }
    }
}

/// What a run took too much of.
struct Excess {
    cause: Cause,
    reason: String,
}

pub(super) struct Crew<'a> {
    options: &'a Options,
    entries: &'a [Entry],
    driver: String,
    members: BTreeMap<WorkerId, Member>,
    /// Names of workers whose journals grew since they were synced.
    unsynced: BTreeSet<String>,
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
        };
        let line = (id, self.reports.clone());
        let log = log_of(&options.store, &name);
        let (worker, log): (Box<dyn Worker>, _) = if options.in_process {
            (Box::new(ThreadWorker::spawn(self.entries, setup, line)), None)
        } else {
            (Box::new(ChildWorker::spawn(&options.worker, &log, setup, line)?), Some(log))
        };
        let member = Member {
            worker,
            job: None,
            since: Instant::now(),
            log: log.clone().map(|log| (log, 0)),
            progress: None,
            suspect: false,
            end: None,
        };
        let pid = member.worker.process();
        self.members.insert(id, member);
        Ok(Notice::WorkerStarted { worker: id, pid, log })
    }

    pub(super) fn assign(&mut self, worker: WorkerId, job: Job) {
        self.unsynced.insert(self.name(worker));
        if let Some(member) = self.members.get_mut(&worker) {
            (member.job, member.since) = (Some(job.clone()), Instant::now());
            member.progress = None;
            member.suspect = false;
            if let Some((path, before)) = &mut member.log {
                *before = fs::metadata(path).map_or(*before, |log| log.len());
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
        member.cut_log(self.options.output);
        member.job.take()
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

    /// Why a worker is gone, so far as it was the driver that killed it.
    pub(super) fn cause(&self, worker: WorkerId) -> Cause {
        let end = self.members.get(&worker).and_then(|member| member.end.as_ref());
        end.map_or(Cause::Crash, |end| end.cause)
    }

    /// How a worker that is gone ended, and why.
    pub(super) fn how_it_ended(&mut self, worker: WorkerId) -> String {
        let Some(member) = self.members.get_mut(&worker) else { return "is unknown".into() };
        let how = member.worker.reap();
        match &member.end {
            Some(Excess { reason, .. }) => format!("{how}: {reason}"),
            None => how,
        }
    }

    /// Forgets a worker that is gone.
    pub(super) fn bury(&mut self, worker: WorkerId) {
        self.members.remove(&worker);
    }

    /// The error of a worker that never got ready.
    pub(super) fn unready(&mut self, worker: WorkerId) -> Error {
        let how = self.how_it_ended(worker);
        let log = log_of(&self.options.store, &self.name(worker));
        Error::Unready { worker: format!("worker {worker}"), how, log }
    }

    /// How long until limits are to be checked; `None` while nothing can be over one.
    pub(super) fn limits_due_in(&self) -> Option<Duration> {
        let watched = |m: &&Member| m.job.is_some() && m.end.is_none() && m.log.is_some();
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
            Some(_) => usage::group_sizes(&pids.collect()),
            None => BTreeMap::new(),
        };
        let mut killed = Vec::new();
        for (&id, member) in self.members.iter_mut().filter(|(_, m)| watched(m)) {
            let Some(pid) = member.worker.process() else { continue };
            let size = sizes.get(&pid).copied().unwrap_or_default();
            member.end = excess(member, size, options);
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
        self.members.clear();
    }
}

/// What a run takes too much of, if anything.
fn excess(member: &mut Member, size: GroupSize, options: &Options) -> Option<Excess> {
    let (elapsed, printed) = (member.since.elapsed(), member.printed());
    if let Some(limit) = options.memory.filter(|limit| size.bytes > *limit) {
        // A program that is being started shares all memory with the worker for a moment.
        if size.processes == 1 || member.suspect {
            let found = size.bytes;
            let reason = format!("resident size {found} bytes is over the limit of {limit} bytes");
            return Some(Excess { cause: Cause::Memory, reason });
        }
        member.suspect = true;
    } else {
        member.suspect = false;
    }
    if let Some(limit) = options.time.filter(|limit| elapsed > *limit) {
        let (spent, limit) = (elapsed.as_secs_f64(), limit.as_secs_f64());
        let reason = format!("{spent:.1} s are over the limit of {limit} s");
        return Some(Excess { cause: Cause::Time, reason });
    }
    (printed > options.output).then(|| {
        let limit = options.output;
        let reason = format!("{printed} bytes of output are over the limit of {limit} bytes");
        Excess { cause: Cause::Output, reason }
    })
}
