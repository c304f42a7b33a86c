//! The interface that takes a run's results, and an implementation in memory for tests.

use std::collections::BTreeMap;

use serde_json::Value;

/// A result could not be written.
#[derive(Debug, thiserror::Error)]
#[error("could not write {what}")]
pub struct SinkError {
    /// What was being written, for example `metric loss` or `artifact model.safetensors`.
    pub what: String,
    /// Why.
    pub source: std::io::Error,
}

/// Where the results of one run go. Implemented by workers; [`MemorySink`] serves tests.
pub trait Sink {
    /// One value of a metric at a step.
    ///
    /// # Errors
    /// The value could not be recorded.
    fn metric(&mut self, step: u64, metric: &str, value: f64) -> Result<(), SinkError>;
    /// A final metric; the last value given under a name counts.
    ///
    /// # Errors
    /// The value could not be recorded.
    fn result(&mut self, metric: &str, value: f64) -> Result<(), SinkError>;
    /// One row (a JSON object) of a table of the run's own.
    ///
    /// # Errors
    /// The row could not be recorded.
    fn row(&mut self, table: &str, row: Value) -> Result<(), SinkError>;
    /// A file beside the tables, published whole.
    ///
    /// # Errors
    /// The file could not be written.
    fn artifact(&mut self, name: &str, bytes: &[u8]) -> Result<(), SinkError>;
    /// Replaces the run's checkpoint.
    ///
    /// # Errors
    /// The checkpoint could not be written; the earlier one is kept.
    fn save_checkpoint(&mut self, bytes: &[u8]) -> Result<(), SinkError>;
    /// The newest whole checkpoint of any attempt at this run.
    ///
    /// # Errors
    /// A checkpoint exists and could not be read.
    fn load_checkpoint(&mut self) -> Result<Option<Vec<u8>>, SinkError>;
    /// Appends to the run's log. What cannot be written is lost: results do not depend on it.
    fn log(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }
    /// Tells of something that is wrong although the run goes on.
    fn warn(&mut self, text: &str) {
        let _ = text;
    }
    /// Whether the newest checkpoint is old enough for another one.
    fn checkpoint_due(&self) -> bool {
        true
    }
    /// Tells how far the run is.
    fn progress(&mut self, done: u64, total: u64);
    /// Whether the driver wants the run to checkpoint and stop.
    fn interrupted(&self) -> bool;
}

/// Keeps everything in memory.
#[derive(Debug, Default)]
pub struct MemorySink {
    /// Values in the order they were recorded.
    pub metrics: Vec<(u64, String, f64)>,
    /// Final metrics.
    pub results: BTreeMap<String, f64>,
    /// Rows by table.
    pub tables: BTreeMap<String, Vec<Value>>,
    /// Files by name.
    pub artifacts: BTreeMap<String, Vec<u8>>,
    /// What was printed.
    pub log: Vec<u8>,
    /// Warnings in their order.
    pub warnings: Vec<String>,
    /// The newest checkpoint.
    pub checkpoint: Option<Vec<u8>>,
    /// Every checkpoint that was saved asks for a stop once this many were.
    pub stop_after_checkpoints: Option<usize>,
    /// How many checkpoints were saved.
    pub checkpoints: usize,
}

impl Sink for MemorySink {
    fn metric(&mut self, step: u64, metric: &str, value: f64) -> Result<(), SinkError> {
        self.metrics.push((step, metric.into(), value));
        Ok(())
    }

    fn result(&mut self, metric: &str, value: f64) -> Result<(), SinkError> {
        self.results.insert(metric.into(), value);
        Ok(())
    }

    fn row(&mut self, table: &str, row: Value) -> Result<(), SinkError> {
        self.tables.entry(table.into()).or_default().push(row);
        Ok(())
    }

    fn artifact(&mut self, name: &str, bytes: &[u8]) -> Result<(), SinkError> {
        self.artifacts.insert(name.into(), bytes.into());
        Ok(())
    }

    fn save_checkpoint(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        self.checkpoint = Some(bytes.into());
        self.checkpoints += 1;
        Ok(())
    }

    fn load_checkpoint(&mut self) -> Result<Option<Vec<u8>>, SinkError> {
        Ok(self.checkpoint.clone())
    }

    fn log(&mut self, bytes: &[u8]) {
        self.log.extend_from_slice(bytes);
    }

    fn warn(&mut self, text: &str) {
        self.warnings.push(text.into());
    }

    fn progress(&mut self, _done: u64, _total: u64) {}

    fn interrupted(&self) -> bool {
        self.stop_after_checkpoints.is_some_and(|limit| self.checkpoints >= limit)
    }
}
