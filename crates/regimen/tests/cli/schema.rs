//! The JSON Schema of whole configurations takes what `regimen` takes.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use yaml::{Content, Node, Source};

use super::{regimen, root, stdout};

fn validator(words: &[&str]) -> Validator {
    let schema = stdout(&regimen().args(words).output().unwrap());
    jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap()
}

/// As an editor sees it, which knows no `!remove`.
fn seen(node: &Node) -> Value {
    match &node.content {
        Content::Bool(value) => json!(value),
        Content::Int(value) => json!(i64::try_from(*value).unwrap()),
        Content::Float(value) => json!(value),
        Content::Text(text) => json!(text),
        Content::Seq(items) => items.iter().map(seen).collect(),
        Content::Map(entries) => {
            let kept =
                entries.iter().filter(|(_, node)| !matches!(node.content, Content::Removed { .. }));
            Value::Object(
                kept.map(|(key, node)| (key.text.clone(), seen(node))).collect::<Map<_, _>>(),
            )
        }
        _ => Value::Null,
    }
}

fn parsed(text: &str) -> Value {
    seen(&yaml::parse(&Source::of_file(Path::new("c.yaml"), text), text, 0).unwrap())
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn every_configuration_fits() {
    let schema = validator(&["schema", "--config"]);
    let mut files = Vec::new();
    below(&root().join("configs"), &mut files);
    assert!(files.len() > 40, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let wrong: Vec<String> = schema
            .iter_errors(&parsed(&text))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", file.display());
    }
}

const HEAD: &str = "name: x\nexperiment: descent\n";

#[test]
fn what_regimen_takes_fits_and_what_it_refuses_does_not() {
    let schema = validator(&["schema", "--config"]);
    let descent = validator(&["schema", "descent", "--config"]);
    let good = [
        "params: { learning_rate: 1, noise: 0.5 }",
        "sweep: { grid: { learning_rate: [1, 0.5], params.momentum: 0..=0.9 step 0.1 }, seeds: 3 }",
        "sweep: [{ seeds: [1, 5] }, { seeds: 0..4, exclude: [{ momentum: 0 }] }]",
        "sweep: { zip: { dimension: { range: [2, 8, 2] }, 'function': [sphere] } }",
        "sweep: { random: { count: 2, draw: sobol, params: { noise: { uniform: [0, 1] } } } }",
        "sweep: { when: { if: noise == 0, grid: { momentum: [0, 1] } } }",
        "search: { first: 1, rungs: 2, goal: lower }\nresources: { memory: 1.5GiB, time: 90s, retry: { crash: 2 } }",
        "table: [{ rows: noise, value: [value, distance] }, { value: value, where: seed == 1, passes: 0.5 }]",
        "needs: { a: a.yaml, b: { config: b.yaml, where: seed == this.seed } }\nsweep:",
    ];
    for text in good {
        let text = format!("{HEAD}{text}\n");
        let wrong: Vec<String> =
            schema.iter_errors(&parsed(&text)).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty() && descent.is_valid(&parsed(&text)), "{text}{wrong:#?}");
    }
    let bad = [
        "parms: {}",
        "params: { learning_rte: 1 }",
        "params: { learning_rate: fast }",
        "params: 3",
        "sweep: { grid: { learning_rte: [1] } }",
        "sweep: { grid: { learning_rate: [fast] } }",
        "sweep: { grid: { learning_rate: 0.1 } }",
        "sweep: { grid: { learning_rate: [] } }",
        "sweep: { gird: {} }",
        "sweep: { seeds: 0 }",
        "sweep: { seeds: few }",
        "sweep: { random: { params: { noise: { uniform: [0, 1] } } } }",
        "sweep: { random: { count: 2, params: { noise: { unifrom: [0, 1] } } } }",
        "sweep: { when: { grid: { momentum: [0, 1] } } }",
        "sweep: { exclude: [{ momentun: 0 }] }",
        "search: { first: 0, rungs: 2 }",
        "search: { first: 1, rungs: 2, goal: up }",
        "resources: { memory: 3 }",
        "resources: { threads: many }",
        "resources: { retry: { crashes: 1 } }",
        "resources: { device: cuda }",
        "table: { rows: noise }",
        "table: { value: value, row: noise }",
        "needs: { a: { where: seed == 1 } }",
        "extends: 3",
    ];
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.yaml");
    for text in bad {
        let text = format!("{HEAD}{text}\n");
        assert!(!schema.is_valid(&parsed(&text)) && !descent.is_valid(&parsed(&text)), "{text}");
        fs::write(&file, &text).unwrap();
        let planned = regimen().arg("plan").arg(&file).output().unwrap();
        assert_eq!(planned.status.code(), Some(2), "{text}");
    }
    for text in ["name: x", "name: x\nexperiment: descend", "name: 3\nexperiment: descent"] {
        assert!(!schema.is_valid(&parsed(text)), "{text}");
    }
    for part in ["params: { anything: 1 }", "extends: a.yaml\nname: x\nparams: { anything: 1 }"] {
        assert!(schema.is_valid(&parsed(part)), "{part}");
    }
    assert!(!descent.is_valid(&parsed("name: x\nexperiment: dialog")));
}
