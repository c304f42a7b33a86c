//! Parameters that arguments gave another value than the files do.

use std::fmt;
use std::path::Path as FilePath;

use serde_json::Value;

use super::{Plan, label, resolved::over_defaults};
use crate::config::{Config, ToJson, parameters_of};

/// A parameter with another value than the configuration gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Overridden {
    /// Its path, for example `params.epochs`.
    pub path: String,
    /// What the files say, or its default.
    pub before: Option<Value>,
    /// What an argument says.
    pub after: Option<Value>,
}

impl fmt::Display for Overridden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = self.after.as_ref().map_or("nothing".into(), label);
        write!(f, "{}={after} in place of ", self.path)?;
        match &self.before {
            Some(Value::Null) => f.write_str("the default"),
            before => f.write_str(&before.as_ref().map_or("nothing".into(), label)),
        }
    }
}

/// What the arguments of `--set` changed in the parameters of `plan`, which was made of `config`, read
/// from `path`. Nothing is said of what the sweep sets anyway.
pub fn overridden(path: &FilePath, config: &Config, plan: &Plan) -> Vec<Overridden> {
    let Some(written) = parameters_of(path) else { return Vec::new() };
    let defaults = plan.entry.defaults();
    let before = over_defaults(&defaults, &written.to_json());
    let after = over_defaults(&defaults, &config.params.to_json());
    let mut changes = Vec::new();
    differences(Some(&before), Some(&after), "params", &mut changes);
    let swept = |change: &Overridden| {
        let name = change.path.strip_prefix("params.").unwrap_or(&change.path);
        plan.runs.first().is_some_and(|run| run.varies.iter().any(|(varied, _)| varied == name))
    };
    changes.retain(|change| !swept(change));
    changes
}

fn differences(
    before: Option<&Value>,
    after: Option<&Value>,
    path: &str,
    changes: &mut Vec<Overridden>,
) {
    match (before, after) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                differences(a.get(name), b.get(name), &format!("{path}.{name}"), changes);
            }
        }
        (before, after) if before != after => changes.push(Overridden {
            path: path.into(),
            before: before.cloned(),
            after: after.cloned(),
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_told_with_what_they_replace() {
        let (before, after) = (
            json!({"epochs": 10, "data": "generated", "online": {"every": null}, "values": {"a": 1}}),
            json!({"epochs": 20, "data": "generated", "online": {"every": 5}, "values": {}}),
        );
        let mut changes = Vec::new();
        differences(Some(&before), Some(&after), "params", &mut changes);
        let told: Vec<String> = changes.iter().map(Overridden::to_string).collect();
        let wanted = [
            "params.epochs=20 in place of 10",
            "params.online.every=5 in place of the default",
            "params.values.a=nothing in place of 1",
        ];
        assert_eq!(told, wanted);
    }
}
