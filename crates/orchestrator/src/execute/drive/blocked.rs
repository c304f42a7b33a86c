//! Runs that build on others: what they are given of those, and why they cannot be attempted.

use std::collections::BTreeMap;

use experiment::{NeededRun, RunId};
use journal::{Blocked, Event as Fact, Fold, RunSpec, RunState, Status, Writer};

use super::{Driver, driver_name, opened};
use crate::execute::attempt::now;
use crate::execute::{Error, JOURNAL, Notice, Observer, Options};
use crate::plan::{Known, blocked_by};

/// Why a run cannot be attempted, if one that it needs has no results.
pub(super) fn blocked(spec: &RunSpec, fold: &Fold) -> Option<String> {
    spec.needs.iter().find_map(|(name, run)| {
        let state = fold.runs.get(run);
        let known = state
            .map(|state| Known { status: state.status(), error: state.error().map(str::to_owned) });
        let is_there = known.as_ref().is_some_and(|known| known.status == Status::Finished);
        (!is_there).then(|| blocked_by(name, *run, known.as_ref()))
    })
}

/// Records and tells which of the `wanted` runs cannot be attempted now; whether any can.
///
/// # Errors
/// The journal cannot be written.
pub(super) fn note(
    runs: &[RunSpec],
    wanted: &[(RunId, u32)],
    fold: &mut Fold,
    options: &Options,
    observer: &mut dyn Observer,
) -> Result<bool, Error> {
    if runs.iter().all(|spec| spec.needs.is_empty()) {
        return Ok(true);
    }
    let attempts: BTreeMap<RunId, u32> = wanted.iter().copied().collect();
    let (mut journal, mut any) = (None, false);
    for spec in runs {
        let Some(&attempt) = attempts.get(&spec.run) else { continue };
        let Some(why) = blocked(spec, fold) else {
            any = true;
            continue;
        };
        observer.notify(&Notice::Blocked { run: spec.run, attempt, why: why.clone() });
        let known = fold.runs.get(&spec.run);
        if known
            .is_some_and(|state| state.status() == Status::Blocked && state.error() == Some(&*why))
        {
            continue;
        }
        let journal = match &mut journal {
            Some(journal) => journal,
            none => {
                let opened = opened(options, &driver_name());
                none.insert(Writer::create(&options.store.join(JOURNAL), opened)?)
            }
        };
        let blocked = Blocked { spec: spec.clone(), attempt, why, at: now() };
        journal.append(&Fact::Blocked(blocked))?;
    }
    if let Some(mut journal) = journal {
        journal.sync()?;
        fold.refresh()?;
    }
    Ok(any)
}

impl Driver<'_> {
    /// Whether a run needs one that has no results.
    pub(super) fn is_blocked(&self, run: RunId) -> bool {
        self.specs.get(&run).is_some_and(|spec| blocked(spec, &self.fold).is_some())
    }

    /// Whether a run that is about to begin needs one that has no results; it is left then.
    pub(super) fn waits(&mut self, run: RunId) -> Result<bool, Error> {
        if !self.is_blocked(run) {
            return Ok(false);
        }
        // Whoever froze the generation may have known more.
        self.look_back()?;
        let blocked = self.is_blocked(run);
        if blocked {
            self.left.insert(run);
        }
        Ok(blocked)
    }

    /// What a run is given of those that it builds on.
    pub(super) fn needed(&self, spec: &RunSpec) -> BTreeMap<String, NeededRun> {
        let of = |run: &RunId| self.fold.runs.get(run).map(needed_run);
        spec.needs.iter().filter_map(|(name, run)| Some((name.clone(), of(run)?))).collect()
    }
}

fn needed_run(state: &RunState) -> NeededRun {
    let spec = &state.spec;
    let artifacts = state.artifacts().into_iter();
    NeededRun {
        run: spec.run,
        experiment: spec.experiment.clone(),
        params: serde_json::from_str(&spec.params).unwrap_or_default(),
        seed: spec.seed,
        results: state.results().clone(),
        artifacts: artifacts.map(|(name, file)| (name.into(), file.sha256.clone())).collect(),
    }
}
