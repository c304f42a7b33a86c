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
    /// Likewise of those that build on others, whatever these are.
    building: HashMap<Building<'a>, &'a RunState>,
}

/// Sweep, experiment, parameters and seed.
type Building<'a> = (&'a str, &'a str, &'a str, u64);

fn building(spec: &RunSpec) -> Building<'_> {
    (&spec.sweep, &spec.experiment, &spec.params, spec.seed)
}

impl<'a> FoldHistory<'a> {
    pub(crate) fn new(fold: &'a Fold) -> Self {
        let mut finished = HashMap::<SpecId, &RunState>::with_capacity(fold.runs.len());
        let mut building = HashMap::new();
        let keep = |known: &mut &'a RunState, run| {
            if fold.requested_at(run) >= fold.requested_at(known) {
                *known = run;
            }
        };
        for run in fold.runs.values().filter(|run| run.status() == Status::Finished) {
            keep(finished.entry(run.spec.spec).or_insert(run), run);
            if !run.spec.needs.is_empty() {
                keep(building.entry(self::building(&run.spec)).or_insert(run), run);
            }
        }
        Self { fold, finished, building }
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

    fn same_but_for_needs(&self, spec: &RunSpec) -> Option<&RunSpec> {
        self.building.get(&building(spec)).map(|run| &*run.spec)
    }

    fn spec(&self, id: RunId) -> Option<&RunSpec> {
        self.fold.runs.get(&id).map(|run| &*run.spec)
    }
}
