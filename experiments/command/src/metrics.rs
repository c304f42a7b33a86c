//! Metrics that a configuration declares: a pattern, or a goal with pattern and unit.

use std::borrow::Cow;
use std::fmt;

use experiment::{Better, Metric};
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde::{Deserialize, Deserializer};

/// Which direction of a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// Larger values are.
    Maximize,
    /// Smaller values are.
    Minimize,
}

/// A metric that a program reports: a pattern, or a map that says more.
#[derive(Debug, Clone, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "Written")]
pub struct Reported {
    /// A regular expression for lines of what the program prints. Its group `value`, or its only
    /// one, is the value, its group `step` the step, if it has one. Without it the metric comes by
    /// the metrics descriptor.
    pub pattern: Option<String>,
    /// Which direction is better.
    pub goal: Option<Goal>,
    /// Unit, for example `%`; empty for a pure number.
    pub unit: String,
}

/// As it is written in a configuration.
#[derive(serde::Serialize, JsonSchema)]
#[serde(untagged)]
enum Written {
    /// A regular expression.
    Pattern(String),
    /// More about the metric.
    Described(Described),
}

/// A metric with its direction.
#[derive(serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Described {
    /// Which direction is better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    goal: Option<Goal>,
    /// A regular expression; without it the metric comes by the metrics descriptor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    /// Unit.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    unit: String,
}

impl Reported {
    /// The metric of a name as the contract has it.
    pub(crate) fn metric(&self, name: &str) -> Metric {
        Metric {
            name: Cow::Owned(name.into()),
            unit: Cow::Owned(self.unit.clone()),
            better: self.goal.map(|goal| match goal {
                Goal::Maximize => Better::Higher,
                Goal::Minimize => Better::Lower,
            }),
        }
    }
}

impl From<&str> for Reported {
    fn from(pattern: &str) -> Self {
        Self { pattern: Some(pattern.into()), ..Self::default() }
    }
}

/// A pattern that says nothing else is text: such metrics were always written so, and identity
/// depends on it.
impl Serialize for Reported {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { pattern, goal, unit } = self.clone();
        let written = match (pattern, goal, unit.is_empty()) {
            (Some(pattern), None, true) => Written::Pattern(pattern),
            (pattern, goal, _) => Written::Described(Described { goal, pattern, unit }),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Reported {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReportedVisitor;

        impl<'de> Visitor<'de> for ReportedVisitor {
            type Value = Reported;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a regular expression, or a map of goal, pattern and unit")
            }

            fn visit_str<E>(self, text: &str) -> Result<Reported, E> {
                Ok(text.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Reported, A::Error> {
                let Described { goal, pattern, unit } =
                    Described::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Reported { pattern, goal, unit })
            }
        }

        deserializer.deserialize_any(ReportedVisitor)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn metrics_are_patterns_or_maps_and_are_written_as_they_were() {
        let both_ways = |written: Value| -> Reported {
            let reported: Reported = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(serde_json::to_value(&reported).unwrap(), written);
            reported
        };
        assert_eq!(both_ways(json!("loss: (.*)")), "loss: (.*)".into());
        let loss = both_ways(json!({"goal": "minimize", "pattern": "x(.)", "unit": "nats"}));
        let metric = loss.metric("loss");
        assert_eq!((&*metric.unit, metric.better), ("nats", Some(Better::Lower)));
        assert_eq!(both_ways(json!({"goal": "maximize"})).metric("a").better, Some(Better::Higher));
        let plain: Reported = serde_json::from_value(json!({"pattern": "x"})).unwrap();
        assert_eq!(serde_json::to_value(&plain).unwrap(), json!("x"));
        let refused =
            |written| serde_json::from_value::<Reported>(written).unwrap_err().to_string();
        assert!(refused(json!({"goals": "minimize"})).contains("unknown field `goals`"));
        assert!(refused(json!({"goal": "down"})).contains("expected `maximize` or `minimize`"));
        assert!(refused(json!(3)).contains("a regular expression, or a map of goal, pattern"));
    }
}
