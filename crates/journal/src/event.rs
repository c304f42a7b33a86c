//! The events that a journal records.

use std::collections::BTreeMap;

use experiment::{Device, RunId, SpecId};
use serde::{Deserialize, Serialize};

/// Seconds since the Unix epoch by the writer's own clock. Compared only to tell which of several
/// answers to one request was asked for last.
pub type Timestamp = f64;

/// One fact. Frames hold exactly one event each; unknown fields are skipped by older readers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The first frame of every segment.
    Opened(Opened),
    /// An attempt at a run began.
    Started(Started),
    /// Values of metrics, in the order they were recorded.
    Metrics(Metrics),
    /// Rows of a table of the run's own.
    Rows(Rows),
    /// A file was published in the run's artifact folder.
    Artifact(Artifact),
    /// A checkpoint is about to be published; what was recorded before it belongs to it.
    Checkpoint(Checkpoint),
    /// The attempt continues from a checkpoint of an earlier one.
    Resumed(Resumed),
    /// The attempt is over.
    Ended(Ended),
    /// By a driver: the run was given to a worker.
    Assigned(Assigned),
    /// By a driver: the worker is gone and with it the attempt.
    Lost(Lost),
    /// By a driver: finished runs were asked for again.
    Requested(Requested),
    /// By a driver: the run cannot be attempted, because one that it needs has no results.
    Blocked(Blocked),
    /// By `remove`: attempts do not count any more. Nothing else of them does either, wherever it stands.
    Removed(Removed),
    /// By `tag` and `note`: what somebody says of runs.
    Marked(Marked),
    /// By a driver: which code programs of runs are.
    Code(Code),
    /// By `compact`: a frame of another segment that is there no longer.
    Copied(Copied),
}

impl Event {
    /// The run and the attempt that it is of, and the worker that made it where that is not its writer.
    pub(crate) fn attempt(&self) -> Option<(RunId, u32, Option<&str>)> {
        Some(match self {
            Self::Started(it) => (it.spec.run, it.attempt, None),
            Self::Metrics(it) => (it.run, it.attempt, None),
            Self::Rows(it) => (it.run, it.attempt, None),
            Self::Artifact(it) => (it.run, it.attempt, None),
            Self::Checkpoint(it) => (it.run, it.attempt, None),
            Self::Resumed(it) => (it.run, it.attempt, None),
            Self::Ended(it) => (it.run, it.attempt, None),
            Self::Assigned(it) => (it.spec.run, it.attempt, Some(&it.worker)),
            Self::Opened(_)
            | Self::Lost(_)
            | Self::Requested(_)
            | Self::Blocked(_)
            | Self::Removed(_)
            | Self::Marked(_)
            | Self::Code(_)
            | Self::Copied(_) => return None,
        })
    }
}

/// What kind of process writes a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Schedules runs.
    Driver,
    /// Executes runs.
    Worker,
}

/// Who writes a segment, and with what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Name of the writer, unique in the store; the segment's file name without extension.
    pub writer: String,
    /// Kind of process.
    pub role: Role,
    /// Host name.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// Version of regimen.
    pub version: String,
    /// Commit regimen was built from; empty when unknown.
    pub commit: String,
    /// BLAS library and core name.
    pub blas: String,
    /// Processor model.
    pub cpu: String,
    /// When.
    pub at: Timestamp,
}

/// What a run is: everything its row in the tables says before it has results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    /// Identity of the computation.
    pub run: RunId,
    /// Identity of the request.
    pub spec: SpecId,
    /// Name of the experiment.
    pub experiment: String,
    /// Version of the experiment.
    pub experiment_version: u32,
    /// Every parameter, as canonical JSON.
    pub params: String,
    /// Seed.
    pub seed: u64,
    /// Name of the sweep that asked for the run; no part of its identity.
    pub sweep: String,
    /// Device class.
    pub device: Device,
    /// Threads the run may use.
    pub threads: usize,
    /// Numeric version of the engine; absent in records of versions that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<u32>,
    /// Checksums of the data sets and files that the run reads, by name; empty in records of
    /// versions that did not keep them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
    /// The runs that it builds on, by the names its configuration gives them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<String, RunId>,
}

/// What an attempt is executed with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Means {
    /// Graphics processors that it has to itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<String>,
    /// The id of the code of its programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// An attempt began. Attempts of one run are numbered from 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// What is attempted.
    pub spec: RunSpec,
    /// Which attempt.
    pub attempt: u32,
    /// What it is executed with.
    #[serde(default)]
    pub means: Box<Means>,
    /// When.
    pub at: Timestamp,
}

/// One value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricRow {
    /// Step.
    pub step: u64,
    /// Name.
    pub metric: String,
    /// Value; NaN and infinities are kept.
    pub value: f64,
}

/// Values of metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Run.
    pub run: RunId,
    /// Attempt.
    pub attempt: u32,
    /// Values; stored by column.
    #[serde(with = "crate::columns")]
    pub rows: Vec<MetricRow>,
}

/// Rows of a table of the run's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// Run.
    pub run: RunId,
    /// Attempt.
    pub attempt: u32,
    /// Name of the table.
    pub table: String,
    /// Each row as a JSON object.
    pub rows: Vec<String>,
}

/// A published file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Run.
    pub run: RunId,
    /// Attempt.
    pub attempt: u32,
    /// File name inside the run's artifact folder.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Checksum.
    pub sha256: String,
}

/// A checkpoint. Checkpoints of an attempt are numbered from 1; its file names attempt and number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Run.
    pub run: RunId,
    /// Attempt.
    pub attempt: u32,
    /// Number within the attempt.
    pub number: u32,
}

/// The attempt continues from a checkpoint: its record is that of `from_attempt` up to checkpoint
/// `number`, followed by its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// Run.
    pub run: RunId,
    /// Attempt that continues.
    pub attempt: u32,
    /// Attempt that left the checkpoint.
    pub from_attempt: u32,
    /// Number of the checkpoint within that attempt.
    pub number: u32,
    /// The journal writer of that attempt: two workers may have begun one of the same number. Absent in
    /// records of versions that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_writer: Option<String>,
}

impl Resumed {
    /// Whether it is an attempt of this number and writer that it continues.
    pub(crate) fn is_from(&self, attempt: u32, writer: &str) -> bool {
        attempt == self.from_attempt && self.from_writer.as_deref().is_none_or(|w| w == writer)
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With its results.
    Finished,
    /// With an error.
    Failed {
        /// The error with its chain of sources.
        error: String,
    },
    /// Because it was asked to stop; it goes on in a later attempt.
    Interrupted,
    /// At a rung of a search; it goes on in a later attempt if it is promoted.
    Paused {
        /// Step at which the metric of the search was recorded.
        step: u64,
        /// The metric's value there.
        value: f64,
    },
    /// Something that the run reads is not as it was when the run was planned: what the attempt
    /// recorded does not count, unless a later one goes on from its checkpoint.
    Outdated {
        /// What changed, by its name in [`RunSpec::data`].
        name: String,
        /// In words, for example `train.py changed since the sweep was planned`.
        why: String,
    },
}

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Run.
    pub run: RunId,
    /// Attempt.
    pub attempt: u32,
    /// How.
    pub outcome: Outcome,
    /// What ended it from outside, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Final metrics.
    pub results: BTreeMap<String, f64>,
    /// What was wrong although the run went on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Wall-clock seconds of the attempt.
    pub seconds: f64,
    /// CPU seconds of the attempt.
    pub cpu_seconds: f64,
    /// High-water mark of the resident size during the attempt, in bytes.
    pub peak_memory_bytes: u64,
    /// When.
    pub at: Timestamp,
}

/// A driver gave a run to a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assigned {
    /// What is attempted.
    pub spec: RunSpec,
    /// Which attempt.
    pub attempt: u32,
    /// The worker's journal writer.
    pub worker: String,
    /// When.
    pub at: Timestamp,
}

/// What ended an attempt from outside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its worker ended by itself, or that or its program was killed by somebody else.
    #[default]
    Crash,
    /// Its run took more memory than it was allowed.
    Memory,
    /// Its run took more time than it was allowed.
    Time,
    /// Its run printed more than it was allowed.
    Output,
    /// Its driver was stopping, and so perhaps was everything else.
    Stop,
}

/// A driver found the worker of an attempt gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lost {
    /// Run.
    pub run: RunId,
    /// Attempt.
    pub attempt: u32,
    /// What happened to the worker, for example `worker 1 was killed by signal 9`.
    pub error: String,
    /// Why it is gone.
    #[serde(default)]
    pub cause: Cause,
    /// When.
    pub at: Timestamp,
}

/// A driver was asked for runs that it found finished although their requests were answered by other
/// runs since, as when a program was changed and changed back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Requested {
    /// The runs.
    pub runs: Vec<RunId>,
    /// When.
    pub at: Timestamp,
}

/// A run was asked for and could not be attempted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Blocked {
    /// What was asked for.
    pub spec: RunSpec,
    /// The attempt that it would have been.
    pub attempt: u32,
    /// In words, for example `` `teacher` (3f2a91bc) failed: exit code 1 ``.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// Attempts that somebody removed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Removed {
    /// Them by their runs.
    pub runs: Vec<RemovedRun>,
    /// When.
    pub at: Timestamp,
}

/// What was removed of one run: all that was known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemovedRun {
    /// The run.
    pub run: RunId,
    /// Numbers and workers of its attempts.
    pub attempts: Vec<(u32, String)>,
    /// The last attempt that could not be made.
    pub blocked: Option<u32>,
}

/// Which code programs are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Its id: a hash of all that is known of it.
    pub id: String,
    /// Short texts by name.
    pub facts: BTreeMap<String, String>,
}

/// What somebody says of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Marked {
    /// The runs.
    pub runs: Vec<RunId>,
    /// Tags, and whether they have them from now on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, bool>,
    /// What is noted in place of an earlier note; an empty text is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A frame of another segment, as it stood there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Copied {
    /// Who wrote it.
    pub writer: String,
    /// Its payload.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
}
