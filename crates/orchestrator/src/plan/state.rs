//! The state of a planned run by a store's history, and why a finished one is stale.

use experiment::{RunId, SpecId};
use journal::{RunSpec, Status};

/// What a name among a run's data begins with when it is a file's path.
const FILE: &str = "file:";
/// How many things that changed alike are named.
const NAMED: usize = 3;

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
            Self::Interrupted => Status::Interrupted.as_str(),
            Self::Pruned => Status::Pruned.as_str(),
            Self::Stale { .. } => "stale",
        }
    }

    /// Why, in words; empty where the word says it all.
    pub fn reason(&self) -> &str {
        match self {
            Self::Failed { error } => error,
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
}

impl State {
    /// Where a run stands by a store's history.
    pub fn of(spec: &RunSpec, history: &dyn History) -> Self {
        if let Some(known) = history.run(spec.run) {
            return match known.status {
                Status::Running => Self::Running,
                Status::Finished => Self::Finished,
                Status::Interrupted => Self::Interrupted,
                Status::Pruned => Self::Pruned,
                Status::Failed => Self::Failed { error: known.error.unwrap_or_default() },
            };
        }
        match history.same_request(spec.spec) {
            None => Self::NotRun,
            Some(old) => Self::Stale { reason: what_changed(old, spec) },
        }
    }
}

/// What tells two runs of one request apart, in words.
fn what_changed(old: &RunSpec, new: &RunSpec) -> String {
    let mut changes = Vec::new();
    let (before, now) = (old.experiment_version, new.experiment_version);
    if before != now {
        changes.push(format!("experiment version {before}, now {now}"));
    }
    if let (Some(before), Some(now)) = (old.engine, new.engine)
        && before != now
    {
        changes.push(format!("engine version {before}, now {now}"));
    }
    if old.device != new.device {
        changes.push(format!("device {}, now {}", old.device, new.device));
    }
    // A record of an earlier version knows no sums; that is not to say that it read nothing.
    let knows_data = !old.data.is_empty() || new.data.is_empty();
    if knows_data {
        changes.extend(data_changes(old, new));
    }
    if changes.is_empty() {
        // The ids differ, so something did. What cannot be named is what the record does not hold.
        changes.push(match (knows_data, old.engine) {
            (true, _) => "the engine changed".into(),
            (false, Some(_)) => "code or data changed".into(),
            (false, None) => "engine, code or data changed".into(),
        });
    }
    changes.join("; ")
}

fn data_changes(old: &RunSpec, new: &RunSpec) -> impl Iterator<Item = String> {
    let both = || new.data.iter().filter(|(name, _)| old.data.contains_key(*name));
    let changed = both().filter(|(name, sum)| old.data[*name] != **sum).map(|(name, _)| name);
    let added = new.data.keys().filter(|name| !old.data.contains_key(*name));
    let removed = old.data.keys().filter(|name| !new.data.contains_key(*name));
    let say = |names: Vec<&String>, word: &str| {
        let more = names.len().saturating_sub(NAMED);
        let mut listed: Vec<String> = names.iter().take(NAMED).map(|name| call(name)).collect();
        if more > 0 {
            listed.push(format!("{more} more"));
        }
        let last = listed.pop()?;
        let all =
            if listed.is_empty() { last } else { format!("{} and {last}", listed.join(", ")) };
        Some(format!("{all} {word}"))
    };
    [
        say(changed.collect(), "changed"),
        say(added.collect(), "added"),
        say(removed.collect(), "no longer read"),
    ]
    .into_iter()
    .flatten()
}

/// A file by its path, a data set by its name.
fn call(name: &str) -> String {
    name.strip_prefix(FILE).map_or_else(|| format!("data set {name}"), str::to_owned)
}

#[cfg(test)]
mod tests {
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
        }
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
    }

    fn reason(old: &RunSpec, new: RunSpec) -> String {
        let new = RunSpec { run: RunId::of("new"), ..new };
        let state = State::of(&new, &Finished(old.clone()));
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
        assert_eq!(State::of(&old, &Finished(old.clone())), State::Finished);
        let other = RunSpec { run: RunId::of("x"), spec: SpecId::of("y"), ..old.clone() };
        assert_eq!(State::of(&other, &Finished(old)), State::NotRun);
    }
}
