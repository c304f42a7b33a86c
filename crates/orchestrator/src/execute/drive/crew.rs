//! The workers of a driver.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use experiment::Entry;
use journal::{Opened, Role};

use crate::execute::protocol::{Job, Order, Setup};
use crate::execute::schedule::WorkerId;
use crate::execute::worker::{ChildWorker, Input, ThreadWorker, Worker, log_of};
use crate::execute::{Error, JOURNAL, LiveRun, Notice, Options, usage};

/// One worker and what it is doing.
struct Member {
    worker: Box<dyn Worker>,
    job: Option<Job>,
    since: Instant,
    progress: Option<(u64, u64)>,
    /// Why it was killed, and how it ended.
    end: Option<String>,
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
        let notice = Notice::WorkerStarted { worker: id, pid: worker.process(), log };
        self.members.insert(
            id,
            Member { worker, job: None, since: Instant::now(), progress: None, end: None },
        );
        Ok(notice)
    }

    pub(super) fn assign(&mut self, worker: WorkerId, job: Job) {
        self.unsynced.insert(self.name(worker));
        if let Some(member) = self.members.get_mut(&worker) {
            (member.job, member.since) = (Some(job.clone()), Instant::now());
            member.progress = None;
            member.worker.order(Order::Run(job));
        }
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
        self.members.get_mut(&worker)?.job.take()
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

    /// How a worker that is gone ended, and why.
    pub(super) fn how_it_ended(&mut self, worker: WorkerId) -> String {
        let Some(member) = self.members.get_mut(&worker) else { return "is unknown".into() };
        let how = member.worker.reap();
        match member.end.take() {
            Some(reason) => format!("{how}: {reason}"),
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

    /// Kills workers whose run takes too much.
    pub(super) fn enforce_limits(&mut self, options: &Options) {
        for member in self.members.values_mut().filter(|m| m.job.is_some() && m.end.is_none()) {
            let Some(pid) = member.worker.process() else { continue };
            let resident = usage::resident(pid).unwrap_or(0);
            let elapsed = member.since.elapsed();
            let reason = match (options.memory, options.time) {
                (Some(limit), _) if resident > limit => {
                    format!("resident size {resident} bytes is over the limit of {limit} bytes")
                }
                (_, Some(limit)) if elapsed > limit => {
                    let (spent, limit) = (elapsed.as_secs_f64(), limit.as_secs_f64());
                    format!("{spent:.1} s are over the limit of {limit} s")
                }
                _ => continue,
            };
            member.end = Some(reason);
            member.worker.kill();
        }
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
