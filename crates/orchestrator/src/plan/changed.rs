//! What tells a run from one that answered the same request before, in words.

use std::collections::BTreeSet;

use journal::RunSpec;
use serde_json::Value;

use super::scope::{RunScope, lookup, paths};
use super::{History, PlannedRun, label};

/// How many things that changed alike are named.
const NAMED: usize = 3;

/// What tells two runs of one request apart, in words.
pub(super) fn what_changed(old: &RunSpec, planned: &PlannedRun, history: &dyn History) -> String {
    let new = &planned.spec;
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
    changes.extend(needs_changes(old, planned, history));
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

/// What became of the runs that a run builds on: `teacher changed: train.py changed`.
fn needs_changes(old: &RunSpec, planned: &PlannedRun, history: &dyn History) -> Vec<String> {
    let mut changes = Vec::new();
    for (name, needed) in &planned.needed {
        match old.needs.get(name) {
            None => changes.push(format!("{name} added")),
            Some(before) if *before != needed.spec.run => {
                let why = history.spec(*before).map(|before| {
                    if before.spec == needed.spec.spec {
                        what_changed(before, needed, history)
                    } else {
                        other_request(before, needed, history)
                    }
                });
                changes.push(match why {
                    Some(why) => format!("{name} changed: {why}"),
                    None => format!("{name} changed"),
                });
            }
            Some(_) => {}
        }
    }
    let gone = old.needs.keys().filter(|name| !planned.needed.contains_key(*name));
    changes.extend(gone.map(|name| format!("{name} no longer needed")));
    changes
}

/// What tells two requests apart: parameters by name, with both values.
fn other_request(old: &RunSpec, planned: &PlannedRun, history: &dyn History) -> String {
    let new = &planned.spec;
    if old.experiment != new.experiment {
        return format!("experiment {}, now {}", old.experiment, new.experiment);
    }
    let (before, now) = (RunScope::new(old), RunScope::new(new));
    let (before, now) = (before.params(), now.params());
    let shown = |value: Option<&Value>| value.map_or("nothing".into(), label);
    let names: BTreeSet<String> = paths(before).into_iter().chain(paths(now)).collect();
    let differ = |name: &String| lookup(before, name) != lookup(now, name);
    let mut changes: Vec<String> = names
        .into_iter()
        .filter(differ)
        .map(|name| {
            format!("{name} {}, now {}", shown(lookup(before, &name)), shown(lookup(now, &name)))
        })
        .collect();
    if old.seed != new.seed {
        changes.push(format!("seed {}, now {}", old.seed, new.seed));
    }
    if changes.is_empty() {
        changes = needs_changes(old, planned, history);
    }
    let more = changes.len().saturating_sub(NAMED);
    changes.truncate(NAMED);
    changes.extend((more > 0).then(|| format!("{more} more")));
    if changes.is_empty() { "it is another run".into() } else { changes.join("; ") }
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

/// A file by its path, other things by what follows the colon, a data set by its name.
fn call(name: &str) -> String {
    let named = name.split_once(':').map(|(_, what)| what.to_owned());
    named.unwrap_or_else(|| format!("data set {name}"))
}
