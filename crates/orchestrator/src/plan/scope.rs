use journal::RunSpec;
use serde_json::Value;

use super::points::Assignment;
use crate::config::Path;

/// What the names of an expression stand for.
pub(crate) trait Scope {
    /// The value of a name.
    fn value(&self, name: &str) -> Option<Value>;
    /// All names, for messages.
    fn names(&self) -> Vec<String>;
}

/// Parameters and seed of a run.
pub(crate) struct RunScope {
    params: Value,
    seed: u64,
}

impl RunScope {
    pub(crate) fn new(run: &RunSpec) -> Self {
        Self { params: serde_json::from_str(&run.params).unwrap_or_default(), seed: run.seed }
    }
}

impl Scope for RunScope {
    fn value(&self, name: &str) -> Option<Value> {
        if name == "seed" {
            return Some(self.seed.into());
        }
        name.split('.').try_fold(&self.params, |value, key| value.get(key)).cloned()
    }

    fn names(&self) -> Vec<String> {
        keys(&self.params).chain(["seed".to_owned()]).collect()
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
}

impl Scope for PointScope<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        self.at(&name.split('.').map(str::to_owned).collect::<Vec<_>>())
    }

    fn names(&self) -> Vec<String> {
        keys(self.params).collect()
    }
}

fn keys(params: &Value) -> impl Iterator<Item = String> {
    params.as_object().into_iter().flat_map(|map| map.keys().cloned())
}
