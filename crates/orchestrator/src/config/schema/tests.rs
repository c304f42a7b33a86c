//! The schema has the keys that the reader knows, and names the parameters of experiments.

use std::collections::BTreeSet;

use experiment::{DataRef, Entry, Error, Experiment, Metric, ParamError, Run};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::schema;
use crate::config::{KEYS, need, random, resources, search, sweep, when};

struct Toy;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Params {
    /// The step.
    rate: f64,
    net: Net,
    values: std::collections::BTreeMap<String, u32>,
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Net {
    width: Option<u8>,
}

impl Experiment for Toy {
    type Params = Params;
    const NAME: &'static str = "toy";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "a toy";
    const METRICS: &'static [Metric] = &[];

    fn new(_: Params) -> Result<Self, ParamError> {
        Ok(Self)
    }

    fn data(&self) -> Vec<DataRef> {
        Vec::new()
    }

    fn run(&self, _: &mut Run<'_>) -> Result<(), Error> {
        Ok(())
    }
}

fn keys(of: &Value) -> BTreeSet<&str> {
    of["properties"].as_object().unwrap().keys().map(String::as_str).collect()
}

fn set<'a>(keys: &[&'a str]) -> BTreeSet<&'a str> {
    keys.iter().copied().collect()
}

#[test]
fn it_has_the_keys_that_are_read() {
    let schema = schema(&[]);
    let definition = |name: &str| &schema["definitions"][name];
    assert_eq!(keys(&schema), set(KEYS));
    assert_eq!(keys(definition("Block")), set(sweep::KEYS));
    assert_eq!(keys(definition("Random")), set(random::KEYS));
    assert_eq!(keys(definition("When")), set(when::KEYS));
    assert_eq!(keys(definition("Described")), set(need::KEYS));
    assert_eq!(keys(definition("Resources")), set(resources::KEYS));
    assert_eq!(keys(definition("Search")), set(search::KEYS));
    let mut retry = resources::Retry::default();
    assert_eq!(keys(definition("Retry")), set(&retry.by_name().map(|(name, _)| name)));
    let one = |of: &Value| of["required"][0].as_str().map(str::to_owned);
    let drawn = definition("Distribution")["oneOf"].as_array().unwrap().iter();
    let drawn: Vec<String> = drawn.filter_map(one).collect();
    assert_eq!(drawn, random::DISTRIBUTIONS);
    let tables: Vec<&str> = keys(definition("Table")).into_iter().collect();
    let wanted = ["cells", "columns", "passes", "published", "rows", "title", "value", "where"];
    assert_eq!(tables, wanted);
}

#[test]
fn it_refers_to_nothing_that_is_not_there() {
    fn check(value: &Value, schema: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(of) = fields.get("$ref").and_then(Value::as_str) {
                    let pointer = of.strip_prefix('#').unwrap();
                    assert!(schema.pointer(pointer).is_some(), "{of}");
                }
                fields.values().for_each(|value| check(value, schema));
            }
            Value::Array(items) => items.iter().for_each(|value| check(value, schema)),
            _ => {}
        }
    }
    let schema = schema(&[Entry::of::<Toy>()]);
    check(&schema, &schema);
}

#[test]
fn sweeps_name_the_parameters_of_their_experiment() {
    let schema = schema(&[Entry::of::<Toy>()]);
    let axes = &schema["definitions"]["toy:Axes"];
    assert_eq!(keys(axes), set(&["rate", "net", "net.width", "values"]));
    assert_eq!(axes["properties"]["rate"]["description"], "The step.");
    assert_eq!(axes["properties"]["rate"]["anyOf"][0]["items"]["type"], "number");
    assert!(axes["patternProperties"].get(r"^values\.").is_some(), "{axes}");
    assert_eq!(axes["additionalProperties"], false);
    assert_eq!(schema["properties"]["experiment"]["enum"], json!(["toy"]));
    assert_eq!(schema["properties"]["experiment"]["type"], "string");
    let sweeps = schema["properties"]["sweep"]["anyOf"].as_array().unwrap();
    assert!(sweeps.contains(&json!({"type": "null"})), "{sweeps:?}");
    let said = &schema["properties"]["needs"]["description"];
    assert_eq!(said, "Runs of other configurations that each run builds on, by name.");
}
