//! What a store's history says of a search.

use experiment::RunId;
use journal::{Fold, Outcome, RunSpec, Status};

use crate::config::Search as Policy;
use crate::execute::search::Search;

/// The search as its runs left it, by their attempts from number `since` on.
///
/// # Errors
/// The metrics of a run that finished without pausing cannot be read.
pub(super) fn restore<'a>(
    policy: &'a Policy,
    runs: &[RunSpec],
    fold: &Fold,
    since: &dyn Fn(RunId) -> u32,
) -> Result<Search<'a>, journal::Error> {
    let mut search = Search::new(policy, runs);
    for spec in runs {
        let Some(state) = fold.runs.get(&spec.run) else { continue };
        for attempt in state.attempts.iter().filter(|a| a.number >= since(spec.run)) {
            search.began(spec.run);
            if let Some(Outcome::Paused { step, value }) =
                attempt.ended.as_ref().map(|e| &e.outcome)
            {
                search.record(spec.run, *step, *value);
                search.rests(spec.run);
            }
            if attempt.status() == Status::Finished && search.pause(spec.run).is_some() {
                let rows = state.metrics()?;
                for row in rows.iter().filter(|row| row.metric == policy.metric) {
                    search.record(spec.run, row.step, row.value);
                }
            }
        }
    }
    search.promote();
    Ok(search)
}

/// Whether the latest attempt of a run is one from number `first` on that rests at a rung.
pub(super) fn rests_since(fold: &Fold, run: RunId, first: u32) -> bool {
    let last = fold.runs.get(&run).and_then(|state| state.attempts.last());
    last.is_some_and(|last| last.number >= first && last.status() == Status::Pruned)
}
