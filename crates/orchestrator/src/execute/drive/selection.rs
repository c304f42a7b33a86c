//! Which runs are still to be executed.

use std::collections::BTreeMap;
use std::ops::Range;

use experiment::RunId;
use journal::{Cause, Fold, RunSpec, Status};

use crate::config::Retry;
use crate::execute::search::Search;
use crate::execute::{Options, Rerun, Summary, plan};

/// The runs of one call, and where each stood when it began.
pub(super) struct Selection<'a> {
    runs: &'a [RunSpec],
    rerun: Rerun,
    /// The attempt that would have been the next one; those from there on belong to this call.
    first: BTreeMap<RunId, u32>,
    skipped: Vec<RunId>,
}

/// The latest attempt from number `first` on that finished or failed.
pub(super) fn ended_since(fold: &Fold, run: RunId, first: u32) -> Option<u32> {
    let attempts = fold.runs.get(&run)?.attempts.iter();
    let over = |status| matches!(status, Status::Finished | Status::Failed);
    attempts.filter(|a| a.number >= first && over(a.status())).map(|a| a.number).next_back()
}

/// How many of the attempts failed for the same reason: a lost worker, or `None` for an error of
/// their own.
pub(super) fn failed_before(
    fold: &Fold,
    run: RunId,
    attempts: Range<u32>,
    cause: Option<Cause>,
) -> u32 {
    let known = fold.runs.get(&run).into_iter().flat_map(|state| &state.attempts);
    let same = known.filter(|attempt| {
        attempts.contains(&attempt.number)
            && attempt.status() == Status::Failed
            && attempt.cause() == cause
    });
    same.count() as u32
}

impl<'a> Selection<'a> {
    pub(super) fn new(runs: &'a [RunSpec], options: &Options, fold: &Fold) -> Self {
        let shared = options.shared.as_ref();
        let first = shared.map_or_else(|| next_attempts(runs, fold), |shared| shared.first.clone());
        Self::since_attempts(runs, options.rerun, first, fold)
    }

    /// The selection of a sweep whose attempts are those from the given ones on.
    pub(super) fn since_attempts(
        runs: &'a [RunSpec],
        rerun: Rerun,
        first: BTreeMap<RunId, u32>,
        fold: &Fold,
    ) -> Self {
        let mut selection = Self { runs, rerun, first, skipped: Vec::new() };
        let since = |run: RunId| selection.first.get(&run).copied().unwrap_or(1);
        let done = |run: &RunId| {
            let finished = status(fold, *run) == Some(Status::Finished);
            finished && ended_since(fold, *run, since(*run)).is_none()
        };
        selection.skipped =
            selection.runs().filter(|run| done(run) && !selection.wants(fold, *run)).collect();
        selection
    }

    /// The runs of the call.
    pub(super) fn specs(&self) -> &'a [RunSpec] {
        self.runs
    }

    /// How many need nothing done.
    pub(super) fn skipped(&self) -> usize {
        self.skipped.len()
    }

    pub(super) fn plan_id(&self) -> String {
        plan::plan_id(self.runs)
    }

    fn runs(&self) -> impl Iterator<Item = RunId> + '_ {
        // A run that is asked for twice is executed once.
        let mut seen = std::collections::BTreeSet::new();
        self.runs.iter().map(|spec| spec.run).filter(move |run| seen.insert(*run))
    }

    fn wants(&self, fold: &Fold, run: RunId) -> bool {
        let first = self.first.get(&run).copied().unwrap_or(1);
        if ended_since(fold, run, first).is_some() {
            return false;
        }
        match status(fold, run) {
            None
            | Some(Status::Running | Status::Interrupted | Status::Pruned | Status::Blocked) => {
                true
            }
            Some(Status::Failed) => self.rerun != Rerun::Unfinished,
            Some(Status::Finished) => self.rerun == Rerun::All,
        }
    }

    /// Whether a run ended and is not executed again in this call.
    pub(super) fn is_over(&self, fold: &Fold, run: RunId, retry: Retry) -> bool {
        let ended = matches!(status(fold, run), Some(Status::Finished | Status::Failed));
        ended && !self.wants(fold, run) && !self.is_tried_again(fold, run, retry)
    }

    /// Whether the latest failure of a run in this call is one after which it is tried again.
    fn is_tried_again(&self, fold: &Fold, run: RunId, retry: Retry) -> bool {
        let first = self.first.get(&run).copied().unwrap_or(1);
        let last = fold.runs.get(&run).and_then(|state| state.attempts.last());
        last.filter(|last| last.number >= first && last.status() == Status::Failed).is_some_and(
            |last| {
                let earlier = failed_before(fold, run, first..last.number, last.cause());
                retry.tries_again(last.cause(), earlier)
            },
        )
    }

    /// The attempt of a run from which on a search looks at it.
    pub(super) fn since(&self, run: RunId) -> u32 {
        match self.rerun {
            Rerun::All => self.first.get(&run).copied().unwrap_or(1),
            Rerun::Unfinished | Rerun::Failed => 1,
        }
    }

    /// The runs still to be executed, in order, each with the number of its next attempt.
    pub(super) fn wanted(&self, fold: &Fold, search: Option<&mut Search<'_>>) -> Vec<(RunId, u32)> {
        let next = |run: RunId| fold.runs.get(&run).map_or(1, journal::RunState::next_attempt);
        let mut wanted: Vec<RunId> = self.runs().filter(|run| self.wants(fold, *run)).collect();
        if let Some(search) = search {
            wanted.retain(|run| search.goes_on(*run));
            let ended = |run: &RunId| {
                let since = ended_since(fold, *run, self.since(*run)).is_some();
                since && status(fold, *run) == Some(Status::Finished)
            };
            let rests = wanted.iter().all(|run| search.is_over(*run));
            if rests && !search.trials().iter().any(|trial| trial.iter().all(ended)) {
                let last = search.last_resort().into_iter();
                wanted.extend(last.filter(|run| self.wants(fold, *run)));
            }
        }
        wanted.into_iter().map(|run| (run, next(run))).collect()
    }

    pub(super) fn summary(&self, fold: &Fold) -> Summary {
        let mut summary = Summary { skipped: self.skipped.clone(), ..Summary::default() };
        let skipped: std::collections::BTreeSet<_> = self.skipped.iter().collect();
        for run in self.runs().filter(|run| !skipped.contains(run)) {
            let list = match status(fold, run) {
                Some(Status::Finished) => &mut summary.finished,
                Some(Status::Failed) => &mut summary.failed,
                Some(Status::Blocked) => &mut summary.blocked,
                Some(Status::Pruned) => &mut summary.pruned,
                _ => &mut summary.interrupted,
            };
            list.push(run);
        }
        summary
    }
}

/// The number of each run's next attempt.
pub(crate) fn next_attempts(runs: &[RunSpec], fold: &Fold) -> BTreeMap<RunId, u32> {
    let next = |run: RunId| fold.runs.get(&run).map_or(1, journal::RunState::next_attempt);
    runs.iter().map(|spec| (spec.run, next(spec.run))).collect()
}

fn status(fold: &Fold, run: RunId) -> Option<Status> {
    fold.runs.get(&run).map(journal::RunState::status)
}
