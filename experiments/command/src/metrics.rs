//! Metrics that a configuration declares: a pattern, or a goal with pattern and unit.

use std::borrow::Cow;
use std::fmt;

use experiment::{Better, Items, Metric, Statistic};
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
    /// Values of single test items behind it.
    pub items: Option<OfItems>,
}

/// A table that the program reports, with a row or more for each item of its test set.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfItems {
    /// The table, for example `answers`.
    pub table: String,
    /// Its column that says which item.
    pub key: String,
    /// What the items make, with the columns that it is made of, for example `{mean: {score: correct}}`.
    pub statistic: Statistic,
    /// What that is multiplied by to be the metric: 100 for one in per cent.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub scale: u32,
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_one(scale: &u32) -> bool {
    *scale == 1
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
    /// Values of single test items behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    items: Option<OfItems>,
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

    /// The items behind the metric of a name as the contract has them.
    pub(crate) fn items(&self, name: &str) -> Option<Items> {
        let OfItems { table, key, statistic, scale } = self.items.clone()?;
        let (metric, table, key) = (name.to_owned().into(), table.into(), key.into());
        Some(Items { metric, table, key, statistic, scale })
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
        let Self { pattern, goal, unit, items } = self.clone();
        let written = match (pattern, goal, unit.is_empty(), items) {
            (Some(pattern), None, true, None) => Written::Pattern(pattern),
            (pattern, goal, _, items) => {
                Written::Described(Described { goal, pattern, unit, items })
            }
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
                f.write_str("a regular expression, or a map of goal, pattern, unit and items")
            }

            fn visit_str<E>(self, text: &str) -> Result<Reported, E> {
                Ok(text.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Reported, A::Error> {
                let Described { goal, pattern, unit, items } =
                    Described::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Reported { pattern, goal, unit, items })
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
        let accuracy = both_ways(json!({"items": {
            "table": "answers", "key": "question", "statistic": {"mean": {"score": "correct"}},
            "scale": 100,
        }}));
        let of = Items::new("accuracy", "answers", "question", Statistic::mean("correct"), 100);
        assert_eq!(accuracy.items("accuracy"), Some(of));
        let plain: Reported = serde_json::from_value(json!({"pattern": "x"})).unwrap();
        assert_eq!(serde_json::to_value(&plain).unwrap(), json!("x"));
        let refused =
            |written| serde_json::from_value::<Reported>(written).unwrap_err().to_string();
        assert!(refused(json!({"goals": "minimize"})).contains("unknown field `goals`"));
        assert!(refused(json!({"goal": "down"})).contains("expected `maximize` or `minimize`"));
        let items = json!({"table": "t", "key": "k", "statistic": {"median": {"score": "x"}}});
        assert!(refused(json!({"items": items})).contains("unknown variant `median`"));
        assert!(refused(json!(3)).contains("a regular expression, or a map of goal, pattern"));
    }
}
