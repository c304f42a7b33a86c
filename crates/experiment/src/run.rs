//! The handle through which an experiment reads its inputs and reports its results.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::{Device, Error, Needed, RunId, Sink, SinkError, Stream, is_plain_name};

/// Where data files lie. Experiments hand this to the data sets crate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataPaths {
    /// The cache that verified files are published in.
    pub cache: PathBuf,
    /// A folder where files may already lie.
    pub mirror: Option<PathBuf>,
    /// Never reach for the network.
    pub offline: bool,
}

/// What a run is given, apart from its sink.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// Identity of the run.
    pub id: RunId,
    /// Seed, from which all randomness follows.
    pub seed: u64,
    /// How many threads the run may use.
    pub threads: usize,
    /// Device class the run was planned for.
    pub device: Device,
    /// Where data files lie.
    pub data: DataPaths,
}

/// One run, as an experiment sees it: the only way in and out.
pub struct Run<'a> {
    context: RunContext,
    sink: &'a mut dyn Sink,
    /// Where its folder is made when it asks for one.
    scratch: Option<PathBuf>,
    /// Graphics processors that are its own.
    gpus: Vec<String>,
    /// Runs that it builds on, by name.
    needed: BTreeMap<String, Arc<Needed>>,
}

impl<'a> Run<'a> {
    /// A run over a sink.
    pub fn new(context: RunContext, sink: &'a mut dyn Sink) -> Self {
        Self { context, sink, scratch: None, gpus: Vec::new(), needed: BTreeMap::new() }
    }

    /// The run with a place where nothing lies yet for a folder of its own. Whoever gives it removes
    /// the folder afterwards.
    #[must_use]
    pub fn with_scratch(self, scratch: PathBuf) -> Self {
        Self { scratch: Some(scratch), ..self }
    }

    /// The run with graphics processors of its own, as `CUDA_VISIBLE_DEVICES` names them.
    #[must_use]
    pub fn with_gpus(self, gpus: Vec<String>) -> Self {
        Self { gpus, ..self }
    }

    /// The run with those that it builds on, by the names its configuration gives them.
    #[must_use]
    pub fn with_needed(self, needed: BTreeMap<String, Needed>) -> Self {
        let needed = needed.into_iter().map(|(name, needed)| (name, Arc::new(needed)));
        Self { needed: needed.collect(), ..self }
    }

    /// A finished run that this one builds on, by its name under `needs` of the configuration. An
    /// experiment that asks for it says so in [`Experiment::needs`](crate::Experiment::needs).
    ///
    /// # Errors
    /// There is none of this name.
    pub fn needed(&self, name: &str) -> Result<Arc<Needed>, Error> {
        let missing = || {
            let what = format!("the configuration calls no run {name:?} under `needs`");
            Error::other("reading another run", what)
        };
        self.needed.get(name).cloned().ok_or_else(missing)
    }

    /// Identity of the run.
    pub fn id(&self) -> RunId {
        self.context.id
    }

    /// Seed, for an experiment whose randomness is drawn elsewhere; others use [`rng`](Self::rng).
    pub fn seed(&self) -> u64 {
        self.context.seed
    }

    /// How many threads the run may use.
    pub fn threads(&self) -> usize {
        self.context.threads
    }

    /// Graphics processors that are its own while it is executed, as `CUDA_VISIBLE_DEVICES` names them:
    /// as many as `resources.gpus` says.
    pub fn gpus(&self) -> &[String] {
        &self.gpus
    }

    /// Device class the run was planned for.
    pub fn device(&self) -> Device {
        self.context.device
    }

    /// Where data files lie.
    pub fn data(&self) -> &DataPaths {
        &self.context.data
    }

    /// The random stream `name`; [`Stream::rng`] gives its generator at an index.
    pub fn stream(&self, name: &str) -> Stream {
        Stream::new(self.context.seed, name)
    }

    /// The random generator `index` of stream `stream`.
    pub fn rng(&self, stream: &str, index: u64) -> rand_chacha::ChaCha8Rng {
        self.stream(stream).rng(index)
    }

    /// Records one value of a metric.
    ///
    /// # Errors
    /// [`Error::Diverged`] when the value is not finite; [`Error::Sink`] when it could not be written.
    pub fn record(&mut self, step: u64, metric: &str, value: f64) -> Result<(), Error> {
        self.sink.metric(step, metric, value)?;
        if value.is_finite() {
            return Ok(());
        }
        Err(Error::Diverged { step, metric: metric.into(), value })
    }

    /// Sets a final metric.
    ///
    /// # Errors
    /// As [`record`](Self::record); the error gives step 0.
    pub fn result(&mut self, metric: &str, value: f64) -> Result<(), Error> {
        self.sink.result(metric, value)?;
        if value.is_finite() {
            return Ok(());
        }
        Err(Error::Diverged { step: 0, metric: metric.into(), value })
    }

    /// Appends a row to a table of the run's own; `row` serialises to a JSON object.
    ///
    /// # Errors
    /// [`Error::Sink`] when the row could not be written, is no object or the table's name is none
    /// that [`table_name`] takes.
    pub fn table(&mut self, table: &str, row: &impl Serialize) -> Result<(), Error> {
        let what = || format!("a row of table {table}");
        table_name(table)
            .map_err(|why| SinkError { what: what(), source: io::Error::other(why) })?;
        let row = serde_json::to_value(row)
            .map_err(|e| SinkError { what: what(), source: std::io::Error::other(e) })?;
        if !row.is_object() {
            let source = std::io::Error::other(format!("wanted an object, found {row}"));
            return Err(SinkError { what: what(), source }.into());
        }
        Ok(self.sink.row(table, row)?)
    }

    /// Publishes a file beside the tables.
    ///
    /// # Errors
    /// [`Error::Sink`] when it could not be written.
    pub fn artifact(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.sink.artifact(name, bytes)?)
    }

    /// Replaces the run's checkpoint.
    ///
    /// # Errors
    /// [`Error::Sink`] when it could not be written; the earlier checkpoint is kept.
    pub fn checkpoint(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.sink.save_checkpoint(bytes)?)
    }

    /// The newest checkpoint of an earlier attempt at this run.
    ///
    /// # Errors
    /// [`Error::Sink`] when one exists and could not be read.
    pub fn resume(&mut self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.sink.load_checkpoint()?)
    }

    /// Whether to checkpoint now: the newest one is old, or the run was asked to stop.
    pub fn checkpoint_due(&self) -> bool {
        self.sink.interrupted() || self.sink.checkpoint_due()
    }

    /// Makes a folder of this attempt's own for files that nobody needs once it is over.
    ///
    /// # Errors
    /// [`Error::Machine`] when it could not be made or was made already.
    pub fn scratch(&mut self) -> Result<PathBuf, Error> {
        let make = || -> io::Result<PathBuf> {
            let path = self.scratch.clone().ok_or(io::ErrorKind::Unsupported)?;
            // One that somebody else made is not ours.
            DirBuilder::new().mode(0o700).create(&path)?;
            Ok(path)
        };
        let place = self.scratch.as_deref().unwrap_or(Path::new("none was given"));
        make()
            .map_err(|error| Error::machine(format!("temporary folder {}", place.display()), error))
    }

    /// Appends to the run's log.
    pub fn log(&mut self, bytes: &[u8]) {
        self.sink.log(bytes);
    }

    /// Tells of something that is wrong although the run goes on.
    pub fn warn(&mut self, text: &str) {
        self.sink.warn(text);
    }

    /// Tells how far the run is.
    pub fn progress(&mut self, done: u64, total: u64) {
        self.sink.progress(done, total);
    }

    /// Whether to checkpoint and return [`Error::Interrupted`].
    pub fn interrupted(&self) -> bool {
        self.sink.interrupted()
    }
}

/// Refuses names that no table of a run's own can have: a table is a folder beside `runs` and
/// `metrics`.
///
/// # Errors
/// What was wanted and what was found.
pub fn table_name(name: &str) -> Result<(), String> {
    if is_plain_name(name) && !["metrics", "runs"].contains(&name) {
        return Ok(());
    }
    let mut shown: String = name.chars().take(64).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    Err(format!(
        "wanted the name of a table (1 to 64 letters, digits, _ and -, not `runs` or `metrics`), \
         found {shown:?}"
    ))
}
