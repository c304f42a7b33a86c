//! Which of several files, arguments and defaults decides.

use std::fs;
use std::path::Path;

use orchestrator::config::{ToJson, load};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::toy::plan;

/// A file with its own parameters on top of those of others.
#[derive(Debug, Clone)]
struct File {
    own: Value,
    extends: Vec<File>,
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned)
}

fn map(of: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let entries = prop::collection::btree_map(key(), of, 0..4);
    entries.prop_map(|entries| Value::Object(entries.into_iter().collect()))
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => (0..100).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!("text")),
        1 => prop::collection::vec(0..9, 0..3).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, map)
}

fn file() -> impl Strategy<Value = File> {
    let alone = map(value()).prop_map(|own| File { own, extends: Vec::new() });
    alone.prop_recursive(3, 10, 3, |inner| {
        (map(value()), prop::collection::vec(inner, 0..4))
            .prop_map(|(own, extends)| File { own, extends })
    })
}

/// Maps are joined key by key; of anything else the later one counts.
fn overlay(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(key) {
                    Some(below) => overlay(below, value),
                    None => drop(base.insert(key.clone(), value.clone())),
                }
            }
        }
        (base, over) => *base = over.clone(),
    }
}

impl File {
    /// What the file says as a whole: those that it extends from the first to the last, then its own.
    fn resolved(&self) -> Value {
        let mut all = json!({});
        self.extends.iter().for_each(|file| overlay(&mut all, &file.resolved()));
        overlay(&mut all, &self.own);
        all
    }

    /// Writes the file and those that it extends, and gives its name.
    fn write(&self, folder: &Path, count: &mut usize) -> String {
        let names: Vec<String> = self.extends.iter().map(|it| it.write(folder, count)).collect();
        let mut text = json!({ "params": self.own });
        match &names[..] {
            [] => {}
            [one] => text["extends"] = json!(one),
            all => text["extends"] = json!(all),
        }
        *count += 1;
        let name = format!("{count}.yaml");
        fs::write(folder.join(&name), text.to_string()).unwrap();
        name
    }
}

/// `-s`; `None` where there is something else than a map on the way.
fn set(mut at: &mut Value, path: &[String], value: &Value) -> Option<()> {
    for key in path {
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        at = at.as_object_mut()?.entry(key.clone()).or_insert(Value::Null);
    }
    *at = value.clone();
    Some(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn files_are_laid_on_top_of_each_other_and_arguments_on_top_of_all(
        file in file(),
        arguments in prop::collection::vec((prop::collection::vec(key(), 1..4), value()), 0..4),
    ) {
        let dir = TempDir::new().unwrap();
        let name = file.write(dir.path(), &mut 0);
        let main = dir.path().join("main.yaml");
        fs::write(&main, format!("name: x\nexperiment: toy\nextends: {name}\n")).unwrap();
        let mut model = file.resolved();
        let possible = arguments.iter().all(|(path, value)| set(&mut model, path, value).is_some());
        let written = |(path, value): &(Vec<String>, Value)| format!("params.{}={value}", path.join("."));
        let loaded = load(&main, &arguments.iter().map(written).collect::<Vec<_>>());
        prop_assert_eq!(loaded.is_ok(), possible);
        if let Ok(config) = loaded {
            prop_assert_eq!(config.params.to_json(), model);
        }
    }

    #[test]
    fn a_default_counts_where_nothing_else_was_said_and_a_sweep_before_everything(
        layers in prop::collection::vec((prop::option::of(1u64..99), prop::option::of(1u64..99)), 1..4),
        arguments in prop::collection::vec(1u64..99, 0..3),
        swept in prop::option::of(1u64..99),
    ) {
        let dir = TempDir::new().unwrap();
        let mut names = Vec::new();
        for (at, (width, layers)) in layers.iter().enumerate() {
            let line = |key: &str, value: &Option<u64>| value.map_or(String::new(), |value| format!("{key}: {value},"));
            let text = format!("params: {{ net: {{ {} {} }} }}", line("width", width), line("layers", layers));
            names.push(format!("{at}.yaml"));
            fs::write(dir.path().join(&names[at]), text).unwrap();
        }
        let sweep = swept.map_or("{}".into(), |value| format!("{{ grid: {{ net.width: [{value}] }} }}"));
        let main = dir.path().join("main.yaml");
        fs::write(&main, format!("name: x\nexperiment: toy\nextends: {names:?}\nsweep: {sweep}\n")).unwrap();
        let set: Vec<String> = arguments.iter().map(|value| format!("params.net.width={value}")).collect();
        let plan = plan(&load(&main, &set).unwrap()).unwrap();
        let params: Value = serde_json::from_str(&plan.runs[0].spec.params).unwrap();
        let said = layers.iter().filter_map(|(width, _)| *width).chain(arguments).chain(swept).last();
        let layers = layers.iter().filter_map(|(_, layers)| *layers).next_back();
        let net = json!({ "width": said.unwrap_or(16), "layers": layers.unwrap_or(2) });
        prop_assert_eq!(&params["net"], &net);
        prop_assert_eq!(&params["learning_rate"], &json!(0.5));
    }
}
