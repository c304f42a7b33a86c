//! Resolves the names in an expression to parameters of a run or of a point.

use std::collections::BTreeSet;

use experiment::free_form;
use journal::RunSpec;
use serde_json::{Map, Value};

use super::points::Assignment;
use crate::config::{Path, ToJson};

/// What the names of an expression stand for.
pub(crate) trait Scope {
    /// The value of a name.
    fn value(&self, name: &str) -> Option<Value>;
}

/// Parameters and seed of a run.
#[derive(Debug)]
pub(crate) struct RunScope {
    params: Value,
    seed: u64,
}

impl RunScope {
    pub(crate) fn new(run: &RunSpec) -> Self {
        Self::of(&run.params, run.seed)
    }

    /// Of parameters as canonical JSON.
    pub(super) fn of(params: &str, seed: u64) -> Self {
        Self { params: serde_json::from_str(params).unwrap_or_default(), seed }
    }

    pub(crate) fn params(&self) -> &Value {
        &self.params
    }
}

impl Scope for RunScope {
    fn value(&self, name: &str) -> Option<Value> {
        if name == "seed" {
            return Some(self.seed.into());
        }
        lookup(&self.params, name).cloned()
    }
}

/// Parameters of a point: those of the sweep, else those that were given, else their defaults.
pub(super) struct PointScope<'a> {
    pub(super) point: &'a Assignment<'a>,
    pub(super) params: &'a Value,
}

impl PointScope<'_> {
    pub(super) fn at(&self, path: &[String]) -> Option<Value> {
        for (key, node) in self.point.iter().rev() {
            if let Some(below) = path.strip_prefix(key.keys()) {
                let below: Path = below.iter().cloned().collect();
                if let Some(node) = node.at(&below) {
                    return Some(node.to_json());
                }
            }
        }
        path.iter().try_fold(self.params, |value, key| value.get(key)).cloned()
    }

    /// All parameters together.
    pub(super) fn merged(&self) -> Value {
        let mut all = self.params.clone();
        for (path, node) in self.point {
            let mut at = &mut all;
            for key in path.keys() {
                if !at.is_object() {
                    *at = Value::Object(Map::new());
                }
                at = at.as_object_mut().expect("made above").entry(key).or_insert(Value::Null);
            }
            *at = node.to_json();
        }
        all
    }
}

impl Scope for PointScope<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        let name = name.strip_prefix("params.").unwrap_or(name);
        let path: Vec<String> = name.split('.').map(str::to_owned).collect();
        self.at(&path).or_else(|| lookup(&self.merged(), name).cloned())
    }
}

/// The parameter that a name stands for: its path, with or without `params.`, or the end of it where
/// that is the end of no other. A key may hold dots itself.
pub(crate) fn lookup<'a>(params: &'a Value, name: &str) -> Option<&'a Value> {
    let name = name.strip_prefix("params.").unwrap_or(name);
    by_path(params, name).or_else(|| match by_end(params, name)[..] {
        [one] => Some(one),
        _ => None,
    })
}

fn by_path<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    fields.get(name).or_else(|| {
        let dots = name.match_indices('.').map(|(at, _)| at);
        dots.into_iter().find_map(|at| by_path(fields.get(&name[..at])?, &name[at + 1..]))
    })
}

/// Parameters below the top whose paths end with a name.
fn by_end<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    let fields = value.as_object().into_iter().flat_map(Map::values);
    let below = |field: &'a Value| {
        by_path(field, name).into_iter().chain(by_end(field, name)).collect::<Vec<_>>()
    };
    fields.flat_map(below).collect()
}

/// Dotted paths of all parameters, those that are maps left out.
pub(crate) fn paths(params: &Value) -> BTreeSet<String> {
    fn add(value: &Value, path: &str, paths: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields)
                if (!fields.is_empty() || path.is_empty())
                    && free_form::non_finite(value).is_none() =>
            {
                for (key, value) in fields {
                    let dot = if path.is_empty() { "" } else { "." };
                    add(value, &format!("{path}{dot}{key}"), paths);
                }
            }
            _ => drop(paths.insert(path.to_owned())),
        }
    }
    let mut paths = BTreeSet::new();
    add(params, "", &mut paths);
    paths
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_paths_or_the_only_end_of_one() {
        let params = json!({"lr": 1, "values": {"lr": 2, "a.b": 3, "deep": {"x": 4}},
                            "other": {"deep": {"y": 5}}});
        for (name, value) in [
            ("lr", 1),
            ("params.lr", 1),
            ("values.lr", 2),
            ("values.a.b", 3),
            ("a.b", 3),
            ("x", 4),
            ("deep.y", 5),
        ] {
            assert_eq!(lookup(&params, name), Some(&json!(value)), "{name}");
        }
        for unknown in ["deep", "b", "values.x", "nothing", ""] {
            assert_eq!(lookup(&params, unknown), None, "{unknown}");
        }
        let paths: Vec<String> = paths(&params).into_iter().collect();
        assert_eq!(paths, ["lr", "other.deep.y", "values.a.b", "values.deep.x", "values.lr"]);
    }
}
