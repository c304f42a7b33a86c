//! A sweep in one file: all that drivers on other machines need to execute it together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use experiment::{DataPaths, RunId};
use journal::{Fold, Opened, RunSpec};
use serde::{Deserialize, Serialize};

use super::drive::next_attempts;
use super::protocol::{optional_path, path};
use super::{Disk, Error, Gpus, JOURNAL, Options, Rerun, WorkerCommand, publish};
use crate::config::{Retry, Search};

/// What the calls that execute one sweep agree on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// The attempt of each run that was its next one when the sweep was frozen: those from there on
    /// belong to it, whichever call makes them.
    pub first: BTreeMap<RunId, u32>,
    /// Workers of all calls together: the plan is cut into chunks for so many.
    pub workers: usize,
}

/// A sweep as it was planned. Whoever has this file and the store executes it without the
/// configuration: nothing is read from YAML and nothing is planned again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frozen {
    /// Name of the sweep.
    pub sweep: String,
    /// Version of the program that planned it.
    pub version: String,
    /// Commit that program was built from; empty when unknown.
    pub commit: String,
    /// The folder that it was planned in: paths in parameters count from there.
    #[serde(with = "path")]
    pub folder: PathBuf,
    /// Its runs, in order.
    pub runs: Vec<RunSpec>,
    /// What the calls that execute it agree on.
    pub shared: Shared,
    /// Which runs are executed again.
    pub rerun: Rerun,
    /// How often a run is tried again after a failure.
    pub retry: Retry,
    /// Which runs go on past which step.
    pub search: Option<Search>,
    /// Graphics processors of a run.
    #[serde(default)]
    pub gpus: usize,
    /// Resident size in bytes at which a run's worker is killed.
    pub memory: Option<u64>,
    /// Time after which it is.
    pub time: Option<Duration>,
    /// Bytes of output at which it is.
    pub output: u64,
    /// The cache of data sets.
    #[serde(with = "path")]
    pub cache: PathBuf,
    /// A folder where data files may lie beside it.
    #[serde(with = "optional_path")]
    pub mirror: Option<PathBuf>,
    /// Folders with manifests of the user.
    pub manifests: BTreeSet<PathBuf>,
    /// How long a driver's heartbeat may stand still before others take its work over; by the store where
    /// it is not given.
    pub lease: Option<Duration>,
    /// Age of a checkpoint at which a run should write another one.
    pub checkpoint_every: Duration,
}

impl Frozen {
    /// The sweep of these runs as it stands in the store of the options, for `workers` workers.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn new(
        (sweep, folder): (&str, &Path),
        runs: Vec<RunSpec>,
        options: &Options,
        workers: usize,
    ) -> Result<Self, Error> {
        let fold = Fold::read(&options.store.join(JOURNAL))?;
        Ok(Self {
            sweep: sweep.into(),
            version: options.opened.version.clone(),
            commit: options.opened.commit.clone(),
            folder: folder.into(),
            shared: Shared { first: next_attempts(&runs, &fold), workers },
            runs,
            rerun: options.rerun,
            retry: options.retry,
            search: options.search.clone(),
            gpus: options.gpus.each,
            memory: options.memory,
            time: options.time,
            output: options.output,
            cache: options.data.cache.clone(),
            mirror: options.data.mirror.clone(),
            manifests: BTreeSet::new(),
            lease: options.lease,
            checkpoint_every: options.checkpoint_every,
        })
    }

    /// Writes it to a file that is there whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written, or is there already with something else.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let malformed = |source| Error::Malformed { path: path.into(), wanted: WANTED, source };
        publish::once(path, &serde_json::to_vec(self).map_err(malformed)?).map(drop)
    }

    /// Reads it.
    ///
    /// # Errors
    /// The file is not there or holds something else.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read(path).map_err(Error::store("read", path))?;
        serde_json::from_slice(&text).map_err(|source| Error::Malformed {
            path: path.into(),
            wanted: WANTED,
            source,
        })
    }

    /// Options of a call that executes it with `jobs` workers on this version of the engine. Data sets are
    /// not fetched: many machines would fetch them at once.
    pub fn options(
        &self,
        store: &Path,
        (jobs, engine): (usize, Option<u32>),
        worker: WorkerCommand,
        opened: Opened,
    ) -> Options {
        Options {
            store: store.into(),
            jobs,
            gpus: Gpus { devices: Vec::new(), each: self.gpus },
            memory: self.memory,
            time: self.time,
            output: self.output,
            retry: self.retry,
            search: self.search.clone(),
            retain: Options::RETAIN,
            data: DataPaths {
                cache: self.cache.clone(),
                mirror: self.mirror.clone(),
                offline: true,
            },
            rerun: self.rerun,
            engine,
            shared: Some(self.shared.clone()),
            in_process: false,
            worker,
            opened,
            lease: self.lease,
            checkpoint_every: self.checkpoint_every,
            disk: Disk::default(),
        }
    }

    /// Identity of the list of its runs.
    pub fn id(&self) -> String {
        super::plan::plan_id(&self.runs)
    }
}

const WANTED: &str = "a frozen sweep";
