//! The sink of a worker: writes a run's results to the journal and its files to the store.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use experiment::{RunId, Sink, SinkError};
use journal::{Artifact, Checkpoint, Event, MetricRow, Metrics, Resumed, Rows, Writer};
use serde_json::Value;

use super::artifact;
use super::attempt::chain;
use super::folder::{Folder, Found};
use super::log::RunLog;
use super::protocol::{Pause, Report};

/// Values and rows that are kept back at most, so that frames are large.
const BATCH: usize = 4096;
/// How long a value is kept back at most while more are coming.
const DELAY: Duration = Duration::from_secs(1);
/// Progress is told no more often than this.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Warnings that are recorded of one attempt.
const WARNINGS: usize = 20;

/// Tells the driver something about the run.
pub(crate) type Tell<'a> = &'a dyn Fn(Report);

/// What a run reads that is not as it was planned, by name and in words.
pub(crate) type Outdated = (String, String);

/// Where an attempt writes, beside the journal.
pub(crate) struct Places {
    /// The attempt's files.
    pub folder: Folder,
    /// The attempt's log.
    pub log: PathBuf,
}

/// Writes what a run hands over to its worker's journal and the attempt's folder.
pub(crate) struct JournalSink<'a> {
    pub journal: &'a mut Writer,
    run: RunId,
    attempt: u32,
    folder: Folder,
    log: RunLog,
    interrupt: Arc<AtomicBool>,
    tell: Tell<'a>,
    /// Looks whether what the run reads is as it was planned.
    look: &'a dyn Fn() -> Option<Outdated>,
    checkpoint_every: Duration,
    pause: Option<Pause>,
    /// Step and value of the metric where the run was to pause.
    pub reached: Option<(u64, f64)>,
    /// Something that the run reads is not as it was planned.
    pub outdated: Option<Outdated>,
    /// Final metrics so far.
    pub results: BTreeMap<String, f64>,
    /// What was wrong so far.
    pub warnings: Vec<String>,
    /// Why something could not be recorded; the run's end must not be recorded either then.
    pub unrecorded: Option<String>,
    metrics: Vec<MetricRow>,
    tables: BTreeMap<String, Vec<String>>,
    rows: usize,
    flushed: Instant,
    checkpoints: u32,
    checkpointed: Instant,
    told: Option<Instant>,
}

impl<'a> JournalSink<'a> {
    pub(crate) fn new(
        journal: &'a mut Writer,
        (run, attempt): (RunId, u32),
        places: Places,
        (interrupt, checkpoint_every): (Arc<AtomicBool>, Duration),
        tell: Tell<'a>,
        look: &'a dyn Fn() -> Option<Outdated>,
    ) -> Self {
        let now = Instant::now();
        Self {
            journal,
            run,
            attempt,
            folder: places.folder,
            log: RunLog::new(places.log),
            interrupt,
            tell,
            look,
            checkpoint_every,
            pause: None,
            reached: None,
            outdated: None,
            results: BTreeMap::new(),
            warnings: Vec::new(),
            unrecorded: None,
            metrics: Vec::new(),
            tables: BTreeMap::new(),
            rows: 0,
            flushed: now,
            checkpoints: 0,
            checkpointed: now,
            told: None,
        }
    }

    /// Makes the run stop where a search wants it to pause.
    pub(crate) fn pausing(self, pause: Option<Pause>) -> Self {
        Self { pause, ..self }
    }

    /// Records everything that was kept back.
    pub(crate) fn flush(&mut self) -> Result<(), SinkError> {
        let (run, attempt) = (self.run, self.attempt);
        (self.rows, self.flushed) = (0, Instant::now());
        if !self.metrics.is_empty() {
            let rows = std::mem::take(&mut self.metrics);
            self.append("metrics", &Event::Metrics(Metrics { run, attempt, rows }))?;
        }
        for (table, rows) in std::mem::take(&mut self.tables) {
            let what = format!("rows of table {table}");
            self.append(&what, &Event::Rows(Rows { run, attempt, table, rows }))?;
        }
        Ok(())
    }

    /// Looks whether what the run reads is as it was planned.
    pub(crate) fn look(&mut self) -> Option<&Outdated> {
        if self.outdated.is_none() {
            self.outdated = (self.look)();
        }
        self.outdated.as_ref()
    }

    /// The attempt finished: its files become the run's. What goes wrong with that is made good when a
    /// driver next looks at the store.
    pub(crate) fn count(&mut self, replaces: bool) {
        // Whoever finds the files finds that the attempt finished, also after a loss of power.
        let synced = if self.folder.publishes() { self.journal.sync() } else { Ok(()) };
        let counted = synced.map_err(io::Error::other).and_then(|()| self.folder.count(replaces));
        if let Err(error) = counted {
            tracing::warn!(run = %self.run, attempt = self.attempt, %error, "publishing its files");
        }
    }

    fn find_checkpoint(&self) -> Result<Option<Found>, SinkError> {
        let reading = |source| SinkError { what: "checkpoint (reading it)".into(), source };
        self.folder.load().map_err(reading)
    }

    fn resume_from(&mut self, found: &Found) -> Result<(), SinkError> {
        let inherited = self.folder.inherit(found);
        self.noted("files of an earlier attempt", inherited)?;
        self.flush()?;
        let (from_attempt, number) = (found.saved.attempt, found.saved.number);
        let (run, attempt, from_writer) = (self.run, self.attempt, Some(found.of.worker.clone()));
        let resumed = Resumed { run, attempt, from_attempt, number, from_writer };
        self.append("resumption", &Event::Resumed(resumed))?;
        tracing::info!(from_attempt, number, "resumed");
        Ok(())
    }

    /// Whether the checkpoint that the run would go on from lies past the rung at which it is to pause: it
    /// pauses there, as it would have if its worker had not been killed.
    pub(crate) fn paused_before(&mut self) -> Result<bool, SinkError> {
        if self.pause.is_none() {
            return Ok(false);
        }
        let Some(found) = self.find_checkpoint()? else { return Ok(false) };
        let Some(passed) = found.of.passed.clone().filter(|p| p.from <= found.saved.number) else {
            return Ok(false);
        };
        self.resume_from(&found)?;
        self.reached = Some((passed.step, passed.value));
        Ok(true)
    }

    fn append(&mut self, what: &str, event: &Event) -> Result<(), SinkError> {
        let appended = self.journal.append(event);
        self.noted(what, appended.map_err(io::Error::other))
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        let synced = self.journal.sync();
        self.noted("journal", synced.map_err(io::Error::other))
    }

    /// Remembers that something was not recorded: an experiment might swallow the error.
    fn noted<T>(&mut self, what: &str, done: io::Result<T>) -> Result<T, SinkError> {
        done.map_err(|source| {
            let error = SinkError { what: what.into(), source };
            if error.source.kind() != io::ErrorKind::InvalidInput {
                self.unrecorded.get_or_insert_with(|| chain(&error));
            }
            error
        })
    }

    fn one_more(&mut self) -> Result<(), SinkError> {
        self.rows += 1;
        // Asking the time costs as much as keeping a row.
        let late = self.rows % 16 == 1 && self.flushed.elapsed() > DELAY;
        if self.rows >= BATCH || late { self.flush() } else { Ok(()) }
    }
}

impl Sink for JournalSink<'_> {
    fn metric(&mut self, step: u64, metric: &str, value: f64) -> Result<(), SinkError> {
        let rung = |pause: &Pause| pause.metric == metric && pause.step <= step;
        if self.reached.is_none() && value.is_finite() && self.pause.as_ref().is_some_and(rung) {
            self.reached = Some((step, value));
        }
        self.metrics.push(MetricRow { step, metric: metric.into(), value });
        self.one_more()
    }

    fn result(&mut self, metric: &str, value: f64) -> Result<(), SinkError> {
        self.results.insert(metric.into(), value);
        Ok(())
    }

    fn row(&mut self, table: &str, row: Value) -> Result<(), SinkError> {
        self.tables.entry(table.into()).or_default().push(row.to_string());
        self.one_more()
    }

    fn artifact(&mut self, name: &str, bytes: &[u8]) -> Result<(), SinkError> {
        self.flush()?;
        self.sync()?;
        let written = self.folder.write(name, bytes);
        self.noted(&format!("artifact {name}"), written)?;
        let sha256 = artifact::sha256(bytes);
        let (run, attempt, bytes) = (self.run, self.attempt, bytes.len() as u64);
        let event = Artifact { run, attempt, name: name.into(), bytes, sha256 };
        self.append("artifact", &Event::Artifact(event))
    }

    fn save_checkpoint(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        if (self.look)().is_some() {
            // A checkpoint computed from changed inputs must not be resumed from; the earlier one stays.
            return Ok(());
        }
        // Results are part of the attempt's end only, so an experiment sets them after its loop.
        self.flush()?;
        let (run, attempt, number) = (self.run, self.attempt, self.checkpoints + 1);
        self.append("checkpoint", &Event::Checkpoint(Checkpoint { run, attempt, number }))?;
        self.checkpoints = number;
        self.sync()?;
        let saved = self.folder.save(attempt, number, bytes);
        self.noted("checkpoint", saved)?;
        self.checkpointed = Instant::now();
        Ok(())
    }

    fn load_checkpoint(&mut self) -> Result<Option<Vec<u8>>, SinkError> {
        let Some(found) = self.find_checkpoint()? else { return Ok(None) };
        self.resume_from(&found)?;
        Ok(Some(found.saved.bytes))
    }

    fn checkpoint_due(&self) -> bool {
        self.checkpointed.elapsed() >= self.checkpoint_every
    }

    fn progress(&mut self, done: u64, total: u64) {
        let now = Instant::now();
        if self.told.is_none_or(|told| now - told >= PROGRESS_EVERY) || done == total {
            self.told = Some(now);
            (self.tell)(Report::Progress { done, total });
        }
    }

    fn log(&mut self, bytes: &[u8]) {
        self.log.write(bytes);
    }

    fn warn(&mut self, text: &str) {
        if self.warnings.len() < WARNINGS {
            self.warnings.push(text.into());
            (self.tell)(Report::Warned { text: text.into() });
        }
    }

    fn interrupted(&self) -> bool {
        self.reached.is_some() || self.interrupt.load(Ordering::Relaxed)
    }
}
