//! Answers a plan's questions about earlier runs from the journal.

use std::collections::HashMap;

use experiment::{RunId, SpecId};
use journal::{Fold, RunSpec, RunState, Status};
use orchestrator::plan::{History, Known};

/// What a store's journals say, as a plan asks for it.
pub(crate) struct FoldHistory<'a> {
    fold: &'a Fold,
    /// Of each request the finished run that was asked for last.
    finished: HashMap<SpecId, &'a RunState>,
}

impl<'a> FoldHistory<'a> {
    pub(crate) fn new(fold: &'a Fold) -> Self {
        let mut finished = HashMap::<SpecId, &RunState>::with_capacity(fold.runs.len());
        for run in fold.runs.values().filter(|run| run.status() == Status::Finished) {
            let known = finished.entry(run.spec.spec).or_insert(run);
            if fold.requested_at(run) >= fold.requested_at(known) {
                *known = run;
            }
        }
        Self { fold, finished }
    }
}

impl History for FoldHistory<'_> {
    fn run(&self, id: RunId) -> Option<Known> {
        let run = self.fold.runs.get(&id)?;
        Some(Known { status: run.status(), error: run.error().map(str::to_owned) })
    }

    fn same_request(&self, spec: SpecId) -> Option<&RunSpec> {
        self.finished.get(&spec).map(|run| &*run.spec)
    }
}
