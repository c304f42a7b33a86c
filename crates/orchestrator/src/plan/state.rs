//! The state of a planned run by a store's history.

use experiment::{RunId, SpecId};
use journal::{RunSpec, Status};

use super::PlannedRun;
use super::changed::what_changed;

/// Where a planned run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Never attempted.
    NotRun,
    /// Under way, or its driver is gone.
    Running,
    /// Has its results.
    Finished,
    /// Its latest attempt failed.
    Failed {
        /// With this error.
        error: String,
    },
    /// Cannot be attempted, because a run that it needs has no results.
    Blocked {
        /// Which and why, for example `` `teacher` (3f2a91bc) failed: exit code 1 ``.
        why: String,
    },
    /// Was asked to stop and will go on.
    Interrupted,
    /// Stands at a rung of a search, and goes on if it is promoted.
    Pruned,
    /// Finished under another version or with other code or data, and has to be computed again.
    Stale {
        /// What changed, for example `train.py changed`.
        reason: String,
    },
}

impl State {
    /// The word in listings; where journals have one too, the same.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NotRun => "not run",
            Self::Running => Status::Running.as_str(),
            Self::Finished => Status::Finished.as_str(),
            Self::Failed { .. } => Status::Failed.as_str(),
            Self::Blocked { .. } => Status::Blocked.as_str(),
            Self::Interrupted => Status::Interrupted.as_str(),
            Self::Pruned => Status::Pruned.as_str(),
            Self::Stale { .. } => "stale",
        }
    }

    /// Why, in words; empty where the word says it all.
    pub fn reason(&self) -> &str {
        match self {
            Self::Failed { error } => error,
            Self::Blocked { why } => why,
            Self::Stale { reason } => reason,
            Self::Interrupted => "goes on from its checkpoint, if it left one",
            Self::Pruned => "goes on if its search promotes it",
            Self::NotRun | Self::Running | Self::Finished => "",
        }
    }
}

/// A run that a store knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its status.
    pub status: Status,
    /// Its error, when it failed.
    pub error: Option<String>,
}

/// What a store knows of runs.
pub trait History {
    /// The run of an id.
    fn run(&self, id: RunId) -> Option<Known>;
    /// The finished run that answered the same request last, under whatever versions.
    fn same_request(&self, spec: SpecId) -> Option<&RunSpec>;
    /// The finished run of the same sweep, experiment, parameters and seed that was asked for last, on
    /// whatever runs it was built.
    fn same_but_for_needs(&self, spec: &RunSpec) -> Option<&RunSpec>;
    /// What a run is.
    fn spec(&self, id: RunId) -> Option<&RunSpec>;
}

impl State {
    /// Where a run stands by a store's history.
    pub fn of(planned: &PlannedRun, history: &dyn History) -> Self {
        let spec = &planned.spec;
        match history.run(spec.run) {
            Some(Known { status: Status::Running, .. }) => return Self::Running,
            Some(Known { status: Status::Finished, .. }) => return Self::Finished,
            Some(Known { status: Status::Failed, error }) => {
                return Self::Failed { error: error.unwrap_or_default() };
            }
            Some(Known {
                status: Status::Interrupted | Status::Pruned | Status::Blocked, ..
            })
            | None => {}
        }
        let failed = planned.needed.iter().find_map(|(name, needed)| {
            Some(blocked_by(name, needed.spec.run, Some(&failure(needed, history)?)))
        });
        if let Some(why) = failed {
            return Self::Blocked { why };
        }
        match history.run(spec.run).map(|known| known.status) {
            Some(Status::Interrupted) => return Self::Interrupted,
            Some(Status::Pruned) => return Self::Pruned,
            _ => {}
        }
        let old = history.same_request(spec.spec).or_else(|| history.same_but_for_needs(spec));
        match old {
            None => Self::NotRun,
            Some(old) => Self::Stale { reason: what_changed(old, planned, history) },
        }
    }
}

/// That a run that is needed failed or is blocked itself, as others tell it.
fn failure(needed: &PlannedRun, history: &dyn History) -> Option<Known> {
    match State::of(needed, history) {
        State::Failed { error } => Some(Known { status: Status::Failed, error: Some(error) }),
        State::Blocked { why } => Some(Known { status: Status::Blocked, error: Some(why) }),
        _ => None,
    }
}

/// Characters of an error that is told of another run at most.
const LONGEST: usize = 200;

/// Why a run cannot be attempted, because one that it needs is `known` to be no further.
pub(crate) fn blocked_by(name: &str, run: RunId, known: Option<&Known>) -> String {
    let what = match known {
        None => "was not run".into(),
        Some(Known { status: Status::Pruned, .. }) => "rests at a rung of a search".into(),
        Some(Known { status, error }) => {
            let error = error.as_deref().unwrap_or_default();
            let line = error.lines().map(str::trim).find(|line| !line.is_empty());
            let line: String = line.unwrap_or_default().chars().take(LONGEST).collect();
            let colon = if line.is_empty() { "" } else { ": " };
            match status {
                Status::Failed => format!("failed{colon}{line}"),
                Status::Blocked => format!("is blocked{colon}{line}"),
                _ => "did not finish".into(),
            }
        }
    };
    format!("`{name}` ({}) {what}", run.short())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use experiment::Device;

    use super::*;

    fn spec(data: &[(&str, &str)]) -> RunSpec {
        RunSpec {
            run: RunId::of(&format!("{data:?}")),
            spec: SpecId::of("request"),
            experiment: "command".into(),
            experiment_version: 1,
            params: "{}".into(),
            seed: 0,
            sweep: "s".into(),
            device: Device::Cpu,
            threads: 1,
            engine: Some(3),
            data: data.iter().map(|(name, sum)| ((*name).into(), (*sum).into())).collect(),
            needs: BTreeMap::new(),
        }
    }

    fn planned(spec: RunSpec) -> PlannedRun {
        let (varies, programs, needed) = (Vec::new(), Vec::new().into(), BTreeMap::new());
        PlannedRun { spec, varies, programs, needed }
    }

    /// A run that builds on another one.
    fn student(teacher: &PlannedRun) -> PlannedRun {
        let spec = RunSpec {
            run: RunId::of(&format!("student of {}", teacher.spec.run)),
            spec: SpecId::of(&format!("student of {}", teacher.spec.spec)),
            needs: [("teacher".to_owned(), teacher.spec.run)].into(),
            ..spec(&[])
        };
        let needed = [("teacher".to_owned(), Arc::new(teacher.clone()))].into();
        PlannedRun { needed, ..planned(spec) }
    }

    /// What a store knows.
    #[derive(Default)]
    struct Store(BTreeMap<RunId, (RunSpec, Status)>);

    impl Store {
        fn with(mut self, run: &PlannedRun, status: Status) -> Self {
            self.0.insert(run.spec.run, (run.spec.clone(), status));
            self
        }

        fn finished(&self, holds: impl Fn(&RunSpec) -> bool) -> Option<&RunSpec> {
            let mut all = self.0.values();
            all.find(|(spec, status)| *status == Status::Finished && holds(spec)).map(|(s, _)| s)
        }
    }

    impl History for Store {
        fn run(&self, id: RunId) -> Option<Known> {
            let error = || Some("exit code 1\nlast words".into());
            self.0.get(&id).map(|(_, status)| Known {
                status: *status,
                error: (*status == Status::Failed).then(error).flatten(),
            })
        }

        fn same_request(&self, spec: SpecId) -> Option<&RunSpec> {
            self.finished(|known| known.spec == spec)
        }

        fn same_but_for_needs(&self, spec: &RunSpec) -> Option<&RunSpec> {
            self.finished(|known| !known.needs.is_empty() && known.params == spec.params)
        }

        fn spec(&self, id: RunId) -> Option<&RunSpec> {
            self.0.get(&id).map(|(spec, _)| spec)
        }
    }

    #[test]
    fn what_a_run_builds_on_makes_it_stale_or_blocks_it() {
        let teacher = planned(RunSpec { run: RunId::of("t"), ..spec(&[("file:t.py", "1")]) });
        let changed = planned(RunSpec { run: RunId::of("t2"), ..spec(&[("file:t.py", "2")]) });
        let student = student(&teacher);
        assert_eq!(State::of(&student, &Store::default()), State::NotRun);
        let store =
            || Store::default().with(&teacher, Status::Finished).with(&student, Status::Finished);
        assert_eq!(State::of(&student, &store()), State::Finished);
        let new = self::student(&changed);
        let state = State::of(&new, &store());
        assert_eq!(state, State::Stale { reason: "teacher changed: t.py changed".into() });
        // The second stage of the second stage.
        let third = |student: &PlannedRun| {
            let mut third = self::student(student);
            third.spec.params = "{\"third\":1}".into();
            third
        };
        let all = store().with(&third(&student), Status::Finished);
        let reason = "teacher changed: teacher changed: t.py changed".to_owned();
        assert_eq!(State::of(&third(&new), &all), State::Stale { reason });
        // Another request.
        let params = "{\"epochs\":2}".to_owned();
        let other = RunSpec { run: RunId::of("t3"), spec: SpecId::of("t3"), params, ..spec(&[]) };
        let state = State::of(&self::student(&planned(other)), &store());
        let reason = "teacher changed: epochs nothing, now 2".to_owned();
        assert_eq!(state, State::Stale { reason });
        let failed = store().with(&changed, Status::Failed);
        let why = format!("`teacher` ({}) failed: exit code 1", RunId::of("t2").short());
        assert_eq!(State::of(&new, &failed), State::Blocked { why: why.clone() });
        let State::Blocked { why: whole } = State::of(&third(&new), &failed) else { panic!() };
        assert!(whole.ends_with(&format!(" is blocked: {why}")), "{whole}");
        // It was blocked once, and is no longer.
        let again = store().with(&changed, Status::Finished).with(&new, Status::Blocked);
        assert_eq!(State::of(&new, &again).as_str(), "stale");
    }

    /// One finished run.
    struct Finished(RunSpec);

    impl History for Finished {
        fn run(&self, id: RunId) -> Option<Known> {
            (id == self.0.run).then_some(Known { status: Status::Finished, error: None })
        }

        fn same_request(&self, spec: SpecId) -> Option<&RunSpec> {
            Some(&self.0).filter(|run| run.spec == spec)
        }

        fn same_but_for_needs(&self, _: &RunSpec) -> Option<&RunSpec> {
            None
        }

        fn spec(&self, _: RunId) -> Option<&RunSpec> {
            None
        }
    }

    fn reason(old: &RunSpec, new: RunSpec) -> String {
        let new = RunSpec { run: RunId::of("new"), ..new };
        let state = State::of(&planned(new), &Finished(old.clone()));
        assert_eq!(state.as_str(), "stale");
        state.reason().to_owned()
    }

    #[test]
    fn what_changed_is_called_by_its_name() {
        let old = spec(&[("file:train.py", "a"), ("mnist", "b")]);
        let with = |data| spec(data);
        let changed = |new| reason(&old, new);
        assert_eq!(changed(with(&[("file:train.py", "x"), ("mnist", "b")])), "train.py changed");
        assert_eq!(
            changed(with(&[("file:train.py", "a"), ("mnist", "x")])),
            "data set mnist changed"
        );
        assert_eq!(
            changed(with(&[("file:train.py", "x"), ("mnist", "x")])),
            "train.py and data set mnist changed"
        );
        assert_eq!(
            changed(with(&[("file:net.py", "a"), ("mnist", "x")])),
            "data set mnist changed; net.py added; train.py no longer read"
        );
        let other = RunSpec { experiment_version: 2, engine: Some(4), ..old.clone() };
        assert_eq!(changed(other), "experiment version 1, now 2; engine version 3, now 4");
    }

    #[test]
    fn many_changes_of_a_kind_are_counted() {
        let names = ["file:a.py", "file:b.py", "file:c.py", "file:d.py", "file:e.py"];
        let all = |sum| names.map(|name| (name, sum));
        let (old, new) = (spec(&all("1")), spec(&all("2")));
        assert_eq!(reason(&old, new), "a.py, b.py, c.py and 2 more changed");
    }

    #[test]
    fn what_an_old_record_does_not_hold_is_not_made_up() {
        let new = spec(&[("mnist", "b")]);
        let old = RunSpec { engine: None, ..spec(&[]) };
        assert_eq!(reason(&old, new.clone()), "engine, code or data changed");
        let newer = RunSpec { experiment_version: 2, ..new.clone() };
        assert_eq!(reason(&old, newer), "experiment version 1, now 2");
        assert_eq!(reason(&RunSpec { engine: None, ..new.clone() }, new), "the engine changed");
    }

    #[test]
    fn a_run_that_is_known_is_not_stale() {
        let old = spec(&[]);
        assert_eq!(State::of(&planned(old.clone()), &Finished(old.clone())), State::Finished);
        let other = RunSpec { run: RunId::of("x"), spec: SpecId::of("y"), ..old.clone() };
        assert_eq!(State::of(&planned(other), &Finished(old)), State::NotRun);
    }
}
