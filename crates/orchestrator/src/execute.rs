//! Plan to results: claims, scheduling, workers.
//!
//! [`execute`] freezes the runs as a plan, claims chunks of it beside any other driver on the same
//! store, and has workers execute them. The store's layout:
//!
//! ```text
//! journal/<writer>.journal    what happened: one segment a driver, one a worker
//! artifacts/<run id>/         files that the attempt published which finished the run
//! attempts/<run id>/          files and checkpoints of attempts that do not count, or not yet
//! logs/<run id>.<attempt>.log what an attempt printed, once it printed something
//! logs/<worker>.log           what a worker printed outside of runs
//! code/<id>/                  what differs from a commit, and packages, of programs that runs start
//! plans/, claims/, done/      who executes what
//! ```

mod artifact;
mod attempt;
mod checkpoint;
mod claims;
mod code;
mod compact;
mod disk;
mod drive;
mod error;
mod folder;
mod frozen;
mod heartbeat;
mod incarnation;
mod lease;
mod live;
mod log;
mod mark;
mod observer;
mod plan;
mod processes;
mod protocol;
mod publish;
mod remove;
mod schedule;
mod scratch;
mod search;
mod serve;
mod sink;
mod stop;
mod threads;
mod usage;
mod versions;
mod worker;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use experiment::{DataPaths, RunId};
use journal::Opened;
use serde::{Deserialize, Serialize};

use crate::config::{Retry, Search};

pub use artifact::verify_artifact;
pub use compact::compact;
pub use disk::Disk;
pub use drive::{Standing, execute};
pub use error::Error;
pub use frozen::{Frozen, Shared};
pub use live::{LiveRun, Presence, Seen, Watch, ask_to_stop, live};
pub use log::{log_of, logs_of};
pub use mark::{Mark, mark};
pub use observer::{Notice, Observer};
pub use remove::{Removed, remove, unreferenced};
pub use serve::serve;
pub use stop::Stop;

/// The store's folder of journals.
pub const JOURNAL: &str = "journal";
/// The store's folder of artifacts.
pub const ARTIFACTS: &str = "artifacts";
/// The store's folder of what runs and workers printed.
pub const LOGS: &str = "logs";
const PLANS: &str = "plans";

/// Refuses what is no store.
fn store_folder(store: &std::path::Path) -> Result<(), Error> {
    if store.is_dir() { Ok(()) } else { Err(Error::NoFolder { path: store.into() }) }
}

/// Which runs are executed although they were before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rerun {
    /// None: only those that never ran, were interrupted, or whose driver went away.
    #[default]
    Unfinished,
    /// Those that failed, too.
    Failed,
    /// All.
    All,
}

/// A program that calls [`serve`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The program, usually this one.
    pub program: PathBuf,
    /// Its arguments, usually `worker`.
    pub args: Vec<OsString>,
}

/// Graphics processors that are dealt out to runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gpus {
    /// Those there are, as `CUDA_VISIBLE_DEVICES` names them.
    pub devices: Vec<String>,
    /// How many a run has to itself; where that is none, all runs share all of them.
    pub each: usize,
}

impl Gpus {
    /// Of so many runs at a time, those that there are devices for; at least one.
    #[must_use]
    pub fn jobs(&self, jobs: usize) -> usize {
        self.devices.len().checked_div(self.each).map_or(jobs, |most| jobs.min(most)).max(1)
    }
}

/// How runs are executed.
#[derive(Debug, Clone)]
pub struct Options {
    /// The store's folder; created when missing.
    pub store: PathBuf,
    /// Workers at a time, at least one.
    pub jobs: usize,
    /// Graphics processors.
    pub gpus: Gpus,
    /// Resident size in bytes at which a worker is killed, together with the programs its run
    /// started; memory that they share counts for each. Not enforced in this process.
    pub memory: Option<u64>,
    /// Time after which a run's worker is killed. Not enforced in this process.
    pub time: Option<Duration>,
    /// Bytes of a run's output at which its worker is killed. Not enforced in this process.
    pub output: u64,
    /// How often a run is tried again after a failure.
    pub retry: Retry,
    /// Which runs go on past which step; all of them when absent.
    pub search: Option<Search>,
    /// A worker that holds so many bytes more after a run than before its first one retires.
    pub retain: u64,
    /// Where data files lie.
    pub data: DataPaths,
    /// Which runs are executed again.
    pub rerun: Rerun,
    /// Numeric version of this program's engine, where it has one: runs that were planned with another
    /// one are refused.
    pub engine: Option<u32>,
    /// The sweep as it was frozen, where this call is one of several that execute it.
    pub shared: Option<Shared>,
    /// Threads of this process instead of child processes: for debugging and trivial runs.
    pub in_process: bool,
    /// How a worker process is started.
    pub worker: WorkerCommand,
    /// Provenance for journals; writer, role, process id and time are filled in.
    pub opened: Opened,
    /// How long a driver's heartbeat may stand still before others take its work over; where nothing is
    /// said, 15 s on one machine and 90 s in a store that several hosts share.
    pub lease: Option<Duration>,
    /// Age of a checkpoint at which a run should write another one.
    pub checkpoint_every: Duration,
    /// The file system under claims and heartbeats, usually the default.
    pub disk: Disk,
}

impl Options {
    /// What a worker may usually retain.
    pub const RETAIN: u64 = 512 << 20;
    /// The lease of a store that several hosts share.
    pub const SHARED_LEASE: Duration = lease::SHARED;
    /// The usual age of a checkpoint.
    pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(20);

    /// Workers of all calls that execute the sweep.
    fn sharers(&self) -> usize {
        self.shared.as_ref().map_or(self.jobs, |shared| shared.workers)
    }
}

/// Where the runs stand after [`execute`]. Each is in exactly one of the lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Finished before; nothing was done.
    pub skipped: Vec<RunId>,
    /// Finished now, here or by another driver.
    pub finished: Vec<RunId>,
    /// Failed, now or (when not tried again) before.
    pub failed: Vec<RunId>,
    /// Not attempted, because a run that they need has no results.
    pub blocked: Vec<RunId>,
    /// At a rung of a search that did not let them go on.
    pub pruned: Vec<RunId>,
    /// None of these: to be gone on with another time, or outdated.
    pub interrupted: Vec<RunId>,
}
