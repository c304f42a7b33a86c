//! Workers as the driver holds them: child processes, or threads of this one.

use std::fs::File;
use std::io::{self, BufReader};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use experiment::Entry;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::attempt::{Workbench, chain};
use super::incarnation::Incarnation;
use super::protocol::{Job, Order, Report, Setup, receive, send};
use super::schedule::WorkerId;
use super::{Error, WorkerCommand, processes, scratch, threads};

/// What a worker sends to its driver; `None` once it is gone.
pub(crate) type Input = (WorkerId, Option<Report>);

/// A worker in the hands of its driver. Dropping it lets it end after its present run.
pub(crate) trait Worker {
    /// Gives an order. That a worker is gone shows in its reports, not here.
    fn order(&mut self, order: Order);
    /// Ends it at once, where that is possible.
    fn kill(&mut self);
    /// It gets no more orders.
    fn retire(&mut self);
    /// Its process, unless it shares ours.
    fn process(&self) -> Option<u32>;
    /// How it ended, once it is gone.
    fn reap(&mut self) -> String;
}

/// A child process that speaks over a socket.
pub(crate) struct ChildWorker {
    child: Child,
    reaped: bool,
    socket: UnixStream,
    /// What holds the temporary folders of its runs.
    scratch: PathBuf,
    /// Processes that were killed with it.
    killed: Vec<u32>,
}

impl ChildWorker {
    /// Starts `command`; what it prints outside of runs goes to `log`.
    pub(crate) fn spawn(
        command: &WorkerCommand,
        log: &Path,
        setup: Setup,
        (id, reports): (WorkerId, Sender<Input>),
    ) -> Result<Self, Error> {
        let spawn = |source| Error::Spawn { program: command.program.clone(), source };
        let output = File::options().create(true).append(true).open(log);
        let output = output.map_err(Error::store("open", log))?;
        let (socket, theirs) = UnixStream::pair().map_err(spawn)?;
        let child = Command::new(&command.program)
            .args(&command.args)
            // Handed over as standard input, and moved away from there before anything else
            // happens: no other child that is started meanwhile can inherit it.
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(output.try_clone().map_err(spawn)?))
            .stderr(Stdio::from(output))
            // Ctrl-C on the terminal is for the driver alone.
            .process_group(0)
            .spawn()
            .map_err(spawn)?;
        let reader = socket.try_clone().map_err(spawn)?;
        threads::start("reports", move || forward_reports(reader, id, &reports))?;
        let scratch = scratch::folder_of(&Incarnation::of(child.id()));
        let mut worker = Self { child, reaped: false, socket, scratch, killed: Vec::new() };
        worker.order(Order::Setup(setup));
        Ok(worker)
    }
}

fn forward_reports(socket: UnixStream, id: WorkerId, reports: &Sender<Input>) {
    let mut socket = BufReader::new(socket);
    // A worker that sends rubbish is treated like one that is gone.
    while let Ok(Some(report)) = receive(&mut socket) {
        if reports.send((id, Some(report))).is_err() {
            return;
        }
    }
    // Nobody listens when the driver is done.
    let _ = reports.send((id, None));
}

impl Worker for ChildWorker {
    fn order(&mut self, order: Order) {
        if let Err(error) = send(&mut self.socket, &order) {
            tracing::debug!(%error, pid = self.child.id(), "order not delivered");
        }
    }

    fn kill(&mut self) {
        // With whatever the run started. Until the child is reaped, its id is its own.
        if !self.reaped {
            self.killed = processes::kill_tree(self.child.id());
        }
    }

    fn retire(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    fn process(&self) -> Option<u32> {
        Some(self.child.id())
    }

    fn reap(&mut self) -> String {
        // A child that closed its socket is about to end; one that is not gets no more time.
        let patience = Instant::now() + Duration::from_secs(2);
        while !self.reaped && self.is_running() && Instant::now() < patience {
            thread::sleep(Duration::from_millis(1));
        }
        // Of a child that is gone, what it started is below it no longer, but perhaps in its group.
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| !self.reaped) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let status = self.child.wait();
        self.reaped = true;
        processes::wait_until_gone(&std::mem::take(&mut self.killed));
        scratch::clear(&self.scratch);
        status.map_or_else(|error| error.to_string(), describe)
    }
}

impl ChildWorker {
    /// Whether the child has not ended yet; it is not reaped, so that its group can be killed.
    fn is_running(&self) -> bool {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        pid.is_some_and(|pid| matches!(waitid(WaitId::Pid(pid), options), Ok(None)))
    }
}

impl Drop for ChildWorker {
    fn drop(&mut self) {
        self.retire();
        self.reap();
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => match signal_hook::low_level::signal_name(signal) {
            Some(name) => format!("was killed by {name}"),
            None => format!("was killed by signal {signal}"),
        },
        (None, Some(code)) => format!("ended with exit code {code}"),
        (None, None) => "ended".into(),
    }
}

/// A thread of this process. It cannot be killed: limits are not enforced.
pub(crate) struct ThreadWorker {
    orders: Option<Sender<Job>>,
    interrupt: Arc<AtomicBool>,
    gone: Box<dyn Fn()>,
}

impl ThreadWorker {
    pub(crate) fn spawn(
        entries: &[Entry],
        setup: Setup,
        (id, reports): (WorkerId, Sender<Input>),
    ) -> Result<Self, Error> {
        let (orders, jobs) = channel();
        let interrupt = Arc::new(AtomicBool::new(false));
        let (entries, flag, sender) = (entries.to_vec(), interrupt.clone(), reports.clone());
        threads::start("runs", move || {
            let tell = |report| drop(sender.send((id, report)));
            match Workbench::new(&entries, setup, flag, true) {
                Ok(bench) => work(bench, &jobs, &|report| tell(Some(report))),
                Err(error) => tell(Some(Report::Unable { error: chain(&error) })),
            }
            tell(None);
        })?;
        Ok(Self {
            orders: Some(orders),
            interrupt,
            gone: Box::new(move || drop(reports.send((id, None)))),
        })
    }
}

impl Worker for ThreadWorker {
    fn order(&mut self, order: Order) {
        match order {
            Order::Setup(_) => {}
            Order::Run(job) => {
                if let Some(orders) = &self.orders {
                    // A thread that is gone reports so by itself.
                    let _ = orders.send(job);
                }
            }
            Order::Interrupt => self.interrupt.store(true, Ordering::Relaxed),
        }
    }

    fn kill(&mut self) {
        // The thread goes on until its run notices; the driver does not wait for it.
        self.interrupt.store(true, Ordering::Relaxed);
        self.retire();
        (self.gone)();
    }

    fn retire(&mut self) {
        self.orders = None;
    }

    fn process(&self) -> Option<u32> {
        None
    }

    fn reap(&mut self) -> String {
        "ended".into()
    }
}

/// Executes jobs until there are no more or one cannot be recorded.
pub(crate) fn work(mut bench: Workbench<'_>, jobs: &Receiver<Job>, tell: &dyn Fn(Report)) {
    tell(Report::Ready);
    while let Ok(job) = jobs.recv() {
        let report = bench.execute(&job, tell);
        let over = matches!(report, Report::Unable { .. });
        tell(report);
        if over {
            return;
        }
    }
}

/// Makes an io error of the protocol.
pub(crate) fn protocol(error: &io::Error) -> Error {
    Error::Protocol(error.to_string())
}
