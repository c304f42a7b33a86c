//! Points of a sweep that are left out.

use serde_json::Value;

use super::only::same;
use super::points::Assignment;
use super::scope::{PointScope, lookup};
use crate::config::{Block, ConfigError, Excluded, Faults, Path, ToJson, hint};

/// The `exclude` of a block, with what became of it.
pub(super) struct Exclusions<'a> {
    all: Vec<(&'a [Excluded], bool)>,
    /// Names that no point had so far.
    unseen: Vec<&'a Excluded>,
}

impl<'a> Exclusions<'a> {
    pub(super) fn new(block: &'a Block) -> Self {
        let all = block.exclude.iter().map(|one| (one.as_slice(), false)).collect();
        Self { all, unseen: block.exclude.iter().flatten().collect() }
    }

    /// Whether a point is left out. Parameters that the block does not vary have the value of
    /// `params`, or their default.
    pub(super) fn hold(&mut self, point: &Assignment<'_>, params: &Value) -> bool {
        let scope = PointScope { point, params };
        let value = |key: &Path| {
            let end = || lookup(&scope.merged(), &key.keys().join(".")).cloned();
            scope.at(key.keys()).or_else(end)
        };
        self.unseen.retain(|excluded| value(&excluded.key).is_none());
        let mut held = false;
        for (one, seen) in &mut self.all {
            let holds = one.iter().all(|Excluded { key, value: wanted, .. }| {
                value(key).is_some_and(|found| same(&found, &wanted.to_json()))
            });
            *seen |= holds;
            held |= holds;
        }
        held
    }

    pub(super) fn judge(&self, names: &[String], faults: &mut Faults) {
        let path = Path::from_iter(["sweep", "exclude"]);
        for excluded in &self.unseen {
            let name = excluded.key.to_string();
            let message = match excluded.key.keys() {
                [seed] if seed == "seed" => {
                    "seeds are no parameters; `seeds` lists those that are to run".into()
                }
                _ => {
                    let nearest = hint(&name, names.iter().map(String::as_str));
                    format!("no point has a parameter `{name}`{nearest}")
                }
            };
            faults.add(ConfigError::new(&excluded.span, path.clone(), message));
        }
        for (one, _) in self.all.iter().filter(|(_, seen)| !seen) {
            if let Some(first) = one.first().filter(|_| self.unseen.is_empty()) {
                let message = "no point has these values, so nothing is left out";
                faults.warn(ConfigError::new(&first.span, path.clone(), message));
            }
        }
    }
}
