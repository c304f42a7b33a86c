//! Notices of what happens during execution, and the trait that receives them.

use std::path::PathBuf;

use experiment::RunId;
use journal::Outcome;

/// Something that happened while runs are executed.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// This many runs need no execution.
    Skipped(usize),
    /// A run was given to a worker.
    Started {
        /// The run.
        run: RunId,
        /// Which attempt.
        attempt: u32,
        /// The worker's number in this call, from 1.
        worker: u32,
    },
    /// A run told how far it is.
    Progress {
        /// The run.
        run: RunId,
        /// Done, in the run's own unit.
        done: u64,
        /// Of how many.
        total: u64,
    },
    /// An attempt ended in its worker.
    Ended {
        /// The run.
        run: RunId,
        /// Which attempt.
        attempt: u32,
        /// How; the error is inside.
        outcome: Outcome,
        /// Wall-clock seconds.
        seconds: f64,
    },
    /// A worker went away with its run.
    Lost {
        /// The run.
        run: RunId,
        /// Which attempt.
        attempt: u32,
        /// What happened.
        error: String,
    },
    /// An attempt failed or its worker went away, and the run is tried again.
    Again {
        /// The run.
        run: RunId,
        /// Which attempt is over.
        attempt: u32,
        /// What happened.
        error: String,
    },
    /// A run is not attempted, because one that it needs has no results.
    Blocked {
        /// The run.
        run: RunId,
        /// The attempt that it would have been.
        attempt: u32,
        /// Which it needs and what became of that.
        why: String,
    },
    /// Something is wrong with a run although it goes on.
    Warned {
        /// The run.
        run: RunId,
        /// Which attempt.
        attempt: u32,
        /// What.
        text: String,
    },
    /// A file changed while runs read it: they count only if it is as it was when they end.
    Changing {
        /// In words.
        why: String,
    },
    /// A file that runs read is not as it was when they were planned: those runs are left as they
    /// are.
    Outdated {
        /// In words, for example `train.py changed since the sweep was planned`.
        why: String,
    },
    /// Claims cannot be read or written; that is tried again.
    Unreachable {
        /// In words.
        why: String,
    },
    /// The store could not be reached for so long that others may take over what this driver had claimed:
    /// its runs stop at a checkpoint, and it claims again once the store is back.
    GivenBack {
        /// In words.
        why: String,
    },
    /// Another driver, or an earlier one, did so many of the runs.
    Adopted(usize),
    /// Nothing is left to start here; other drivers still work.
    Waiting,
    /// Time passed: told about once a second while runs are executed or waited for.
    Tick,
    /// A worker started.
    WorkerStarted {
        /// Its number, from 1.
        worker: u32,
        /// Its process id; `None` for a thread.
        pid: Option<u32>,
        /// Where what it prints outside of runs goes; `None` for a thread.
        log: Option<PathBuf>,
    },
}

/// Receives notices of what happens during execution.
pub trait Observer {
    /// Called from the driver's thread; what it does delays scheduling.
    fn notify(&mut self, notice: &Notice);
}

impl<F: FnMut(&Notice)> Observer for F {
    fn notify(&mut self, notice: &Notice) {
        self(notice);
    }
}
