//! What a store's history says of a search.

use experiment::RunId;
use journal::{AttemptState, Fold, MetricRow, Outcome, RunState, Status};

use super::blocked;
use super::selection::Selection;
use crate::config::{Retry, Search as Policy};
use crate::execute::folder::Passed;
use crate::execute::protocol::Pause;
use crate::execute::search::Search;

/// The search of a policy, if there is one, as its runs left it, by their attempts of this call if all are
/// executed again.
///
/// # Errors
/// The metrics of a run that finished without pausing cannot be read.
pub(super) fn restore<'a>(
    policy: Option<&'a Policy>,
    retry: Retry,
    selection: &Selection<'_>,
    fold: &Fold,
) -> Result<Option<Search<'a>>, journal::Error> {
    let Some(policy) = policy else { return Ok(None) };
    let mut search = Search::new(policy, selection.specs());
    for spec in selection.specs() {
        let Some(state) = fold.runs.get(&spec.run) else { continue };
        for attempt in state.attempts.iter().filter(|a| a.number >= selection.since(spec.run)) {
            search.began(spec.run);
            if let Some(Outcome::Paused { step, value }) =
                attempt.ended.as_ref().map(|e| &e.outcome)
            {
                search.record(spec.run, *step, *value);
                search.rests(spec.run);
            }
            if attempt.status() == Status::Finished && search.pause(spec.run).is_some() {
                let rows = state.metrics()?;
                // A run does not pause at what is no number.
                let counts =
                    |row: &&MetricRow| row.metric == policy.metric && row.value.is_finite();
                for row in rows.iter().filter(counts) {
                    search.record(spec.run, row.step, row.value);
                }
            }
        }
        if selection.is_over(fold, spec.run, retry) || blocked::blocked(spec, fold).is_some() {
            search.ends(spec.run);
        }
    }
    search.promote();
    Ok(Some(search))
}

/// Whether the latest attempt of a run is one from number `first` on that rests at a rung.
pub(super) fn rests_since(fold: &Fold, run: RunId, first: u32) -> bool {
    let last = fold.runs.get(&run).and_then(|state| state.attempts.last());
    last.is_some_and(|last| last.number >= first && last.status() == Status::Pruned)
}

/// Where an attempt came to the rung at which its run is to pause, if it has a checkpoint from later on: a
/// worker that is killed between that checkpoint and the end of its attempt leaves one.
pub(super) fn passed(
    state: &RunState,
    attempt: &AttemptState,
    pause: &Pause,
) -> Result<Option<Passed>, journal::Error> {
    let is_it = |row: &MetricRow| {
        row.metric == pause.metric && row.step >= pause.step && row.value.is_finite()
    };
    let found = state.first_before_a_checkpoint(attempt, &is_it)?;
    Ok(found.map(|(row, from)| Passed { from, step: row.step, value: row.value }))
}
