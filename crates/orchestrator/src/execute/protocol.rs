//! What driver and worker say to each other: one JSON object a line, over a socket.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::time::Duration;

use experiment::DataPaths;
use journal::{Opened, Outcome, RunSpec};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// From the driver.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Comes first, once.
    Setup(Setup),
    Run(Job),
    /// Checkpoint and stop the run under way.
    Interrupt,
}

/// From the worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// The worker's journal is open.
    Ready,
    Progress {
        done: u64,
        total: u64,
    },
    /// The attempt's end is recorded.
    Ended {
        outcome: Outcome,
        seconds: f64,
        /// Bytes by which the worker's resident size grew since before its first run; 0 for a
        /// thread.
        retained: u64,
    },
    /// The worker cannot record and ends.
    Unrecorded {
        error: String,
    },
}

/// What a worker must know before its first run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub store: PathBuf,
    pub opened: Opened,
    pub cache: PathBuf,
    pub mirror: Option<PathBuf>,
    pub offline: bool,
    pub checkpoint_every: Duration,
}

impl Setup {
    pub(crate) fn data(&self) -> DataPaths {
        DataPaths { cache: self.cache.clone(), mirror: self.mirror.clone(), offline: self.offline }
    }
}

/// One attempt at one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub spec: RunSpec,
    pub attempt: u32,
    /// Where it has to pause, if anywhere.
    pub pause: Option<Pause>,
}

/// A rung of a search: the run pauses once it recorded the metric at this step or later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pause {
    pub metric: String,
    pub step: u64,
}

/// Writes one message with one write(2).
pub(crate) fn send(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    to.write_all(&line)
}

/// Reads one message; `None` once the other side is gone.
pub(crate) fn receive<M: DeserializeOwned>(from: &mut impl BufRead) -> io::Result<Option<M>> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        // Nothing, or a message whose sender died while writing it.
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&line)?))
}
