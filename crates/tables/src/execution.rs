//! How a run was executed, as far as its journal says.

use std::collections::BTreeSet;

use experiment::canonical_json;
use journal::{Fold, Opened, RunState, Timestamp};
use serde_json::Value;

/// Of the attempt that counts, or of the newest where none does.
#[derive(Clone)]
pub(crate) struct Execution<'a> {
    pub(crate) attempts: u32,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) seconds: Option<f64>,
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) peak_memory_bytes: Option<u64>,
    pub(crate) writer: Option<&'a Opened>,
    /// Graphics processors that it had to itself.
    pub(crate) gpus: Option<String>,
    /// What is known of the code of its programs, as canonical JSON with the id of it all.
    pub(crate) code: Option<String>,
    /// Whether processors of different kinds computed parts of it: then its bits are those of neither.
    pub(crate) mixed_cpu: bool,
}

impl<'a> Execution<'a> {
    pub(crate) fn of(state: &'a RunState, fold: &'a Fold) -> Self {
        let newest = || state.attempts.last();
        let attempt = state.counted().or_else(newest);
        let ended = attempt.and_then(|attempt| attempt.ended.as_ref());
        let kinds = state.writers().filter_map(|writer| fold.writers.get(writer));
        let kinds: BTreeSet<&str> = kinds.map(|opened| opened.blas.as_str()).collect();
        Self {
            mixed_cpu: kinds.len() > 1,
            attempts: state.attempts.len() as u32,
            started_at: attempt.and_then(|attempt| attempt.started_at),
            seconds: ended.map(|ended| ended.seconds),
            cpu_seconds: ended.map(|ended| ended.cpu_seconds),
            peak_memory_bytes: ended.map(|ended| ended.peak_memory_bytes),
            gpus: attempt
                .map(|attempt| attempt.means.gpus.join(","))
                .filter(|gpus| !gpus.is_empty()),
            code: attempt.and_then(|attempt| attempt.means.code.as_ref()).map(|id| {
                let facts = fold.codes.get(id).into_iter().flatten();
                let facts = facts.map(|(name, fact)| (name.clone(), fact.as_str().into()));
                let id = ("id".to_owned(), id.as_str().into());
                canonical_json(&Value::Object(facts.chain([id]).collect()))
            }),
            writer: attempt.and_then(|attempt| fold.writers.get(&*attempt.writer)),
        }
    }
}
