use std::collections::HashMap;

use experiment::{RunId, SpecId};
use journal::{Fold, RunSpec, RunState, Status};
use orchestrator::plan::{History, Known, Plan};

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

/// How many runs of a plan are finished, and the seconds that runs like them took on this machine:
/// those of the same sweep, otherwise those of the same experiment.
pub(crate) fn past(fold: &Fold, plan: &Plan, host: &str) -> (usize, Option<f64>) {
    let is_done =
        |run: &RunId| fold.runs.get(run).is_some_and(|run| run.status() == Status::Finished);
    let finished = plan.runs.iter().filter(|run| is_done(&run.spec.run)).count();
    let mut took = [(0.0, 0_u32); 2];
    for run in fold.runs.values().filter(|run| run.spec.experiment == plan.entry.name) {
        let Some(attempt) = run.counted().filter(|a| a.status() == Status::Finished) else {
            continue;
        };
        let here = fold.writers.get(&*attempt.writer).is_some_and(|writer| writer.host == host);
        let Some(ended) = attempt.ended.as_ref().filter(|_| here) else { continue };
        let same_sweep = usize::from(run.spec.sweep != plan.sweep);
        for (seconds, runs) in &mut took[same_sweep..] {
            *seconds += ended.seconds;
            *runs += 1;
        }
    }
    let mean = took.into_iter().find(|(_, runs)| *runs > 0);
    (finished, mean.map(|(seconds, runs)| seconds / f64::from(runs)))
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
