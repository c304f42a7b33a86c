use std::collections::HashMap;

use experiment::{RunId, SpecId};
use journal::{Fold, RunState, Status};
use orchestrator::plan::{History, Known};

/// What a store's journals say, as a plan asks for it.
pub(crate) struct FoldHistory<'a> {
    fold: &'a Fold,
    finished: HashMap<SpecId, &'a RunState>,
}

impl<'a> FoldHistory<'a> {
    pub(crate) fn new(fold: &'a Fold) -> Self {
        let finished = fold.runs.values().filter(|run| run.status() == Status::Finished);
        Self { fold, finished: finished.map(|run| (run.spec.spec, run)).collect() }
    }
}

impl History for FoldHistory<'_> {
    fn run(&self, id: RunId) -> Option<Known> {
        self.fold.runs.get(&id).map(known)
    }

    fn same_request(&self, spec: SpecId) -> Option<Known> {
        self.finished.get(&spec).map(|run| known(run))
    }
}

fn known(run: &RunState) -> Known {
    Known {
        status: run.status(),
        error: run.error().map(str::to_owned),
        experiment_version: run.spec.experiment_version,
    }
}
