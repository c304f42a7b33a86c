//! Order, identity and number of the runs of a sweep, through `extends`, `--set` and `--only`.

use std::collections::HashSet;
use std::fs;

use orchestrator::config::{Config, load};
use orchestrator::plan::{Only, resolved};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::toy::plan;

fn config(text: &str) -> Config {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("config.yaml");
    fs::write(&path, text).unwrap();
    load(&path, &[]).unwrap()
}

fn ids(text: &str) -> Vec<String> {
    let plan = plan(&config(text)).unwrap();
    plan.runs.iter().map(|run| run.spec.run.to_string()).collect()
}

const HEAD: &str = "name: x\nexperiment: toy\n";

#[test]
fn the_first_key_varies_slowest_and_seeds_fastest() {
    let text = format!(
        "{HEAD}sweep:\n  grid: {{ learner: [rbi, imitation], net.width: [1, 2] }}\n  \
         zip: {{ learning_rate: [0.1, 0.2], net.layers: [3, 4] }}\n  seeds: [7, 5]\n  \
         exclude: [{{ learner: rbi, net.width: 2 }}]\n"
    );
    let plan = plan(&config(&text)).unwrap();
    let lines: Vec<String> = plan
        .runs
        .iter()
        .map(|run| {
            run.varies.iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(" ")
        })
        .collect();
    assert_eq!(lines.len(), (4 - 1) * 2 * 2);
    assert_eq!(lines[0], r#""rbi" 1 0.1 3 7"#);
    assert_eq!(lines[1], r#""rbi" 1 0.1 3 5"#);
    assert_eq!(lines[2], r#""rbi" 1 0.2 4 7"#);
    assert_eq!(lines[4], r#""imitation" 1 0.1 3 7"#);
}

#[test]
fn identity_is_what_is_computed() {
    let plain = ids(&format!("{HEAD}params: {{ learning_rate: 0.1, net: {{ width: 4 }} }}\n"));
    for same in [
        "experiment: toy\n# a comment\nname: another name\nparams:\n  net: { width: 4 }\n  learning_rate: 1.0e-1\n",
        "name: x\nexperiment: toy\nparams: { learning_rate: 0.1, net: { width: 4, layers: 2 }, data: null }\n",
        "name: x\nexperiment: toy\nresources: { threads: 2 }\nsweep: { grid: { params.net.width: [4] } }\nparams: { learning_rate: 0.1 }\n",
    ] {
        assert_eq!(ids(same), plain, "{same}");
    }
    for other in [
        "params: { learning_rate: 0.2, net: { width: 4 } }",
        "params: { learning_rate: 0.1, net: { width: 5 } }",
        "params: { learning_rate: 0.1, net: { width: 4 }, data: known }",
        "params: { learning_rate: 0.1, net: { width: 4 } }\nsweep: { seeds: [1] }",
    ] {
        assert_ne!(ids(&format!("{HEAD}{other}\n")), plain, "{other}");
    }
}

#[test]
fn a_run_asked_for_twice_is_planned_once() {
    let text = format!("{HEAD}sweep: {{ grid: {{ learning_rate: [0.5, 5e-1, 0.25] }} }}\n");
    let plan = plan(&config(&text)).unwrap();
    assert_eq!((plan.runs.len(), plan.duplicates), (2, 1));
}

#[test]
fn files_extend_each_other_and_arguments_go_last() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    fs::create_dir(dir.path().join("parts")).unwrap();
    write(
        "parts/base.yaml",
        "experiment: toy\nparams: { learning_rate: 0.1, net: { width: 1 } }\n",
    );
    write("parts/wide.yaml", "params: { net: { width: 9, layers: 5 } }\nsweep: { seeds: 4 }\n");
    write(
        "main.yaml",
        "name: x\nextends: [parts/base.yaml, parts/wide.yaml]\n\
         params: { <<: { sizes: [7], learner: rbi }, learner: imitation, net: { layers: 6 } }\n",
    );
    let set = ["params.net.width=11".to_owned(), "sweep.seeds=[3]".to_owned()];
    let plan = plan(&load(&dir.path().join("main.yaml"), &set).unwrap()).unwrap();
    assert_eq!(plan.runs.len(), 1);
    assert_eq!(plan.runs[0].spec.seed, 3);
    let params: Value = serde_json::from_str(&plan.runs[0].spec.params).unwrap();
    let net = json!({"layers": 6, "width": 11});
    assert_eq!(
        [&params["learning_rate"], &params["net"], &params["sizes"]],
        [&json!(0.1), &net, &json!([7])]
    );
    assert_eq!(params["learner"], "imitation");
}

#[test]
fn what_is_shown_plans_the_same_runs() {
    let text = format!(
        "{HEAD}params: {{ net: {{ width: 4 }}, sizes: [] }}\nsweep:\n  \
         grid: {{ net.layers: [1, 2], learner: [rbi, imitation] }}\n  seeds: 2\n  \
         exclude: [{{ net.layers: 1, learner: rbi }}]\n\
         resources: {{ memory: 1GiB, time: 90s }}\ntable: [{{ rows: learner, value: loss }}, {{ title: Losses, value: loss }}]\n"
    );
    let original = config(&text);
    let shown = resolved(&original, &plan(&original).unwrap()).unwrap();
    assert_eq!(ids(&shown), ids(&text));
    let again = config(&shown);
    assert_eq!((again.resources, again.tables), (original.resources, original.tables));
}

#[test]
fn only_keeps_the_runs_it_names() {
    let text = format!("{HEAD}sweep: {{ grid: {{ net.width: [1, 2, 3] }}, seeds: 3 }}\n");
    let plan = plan(&config(&text)).unwrap();
    let only = Only::parse("net.width in [1, 3] and seed < 2").unwrap();
    assert_eq!(plan.only(&only).unwrap().runs.len(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_combination_is_planned_once(
        widths in prop::collection::hash_set(1u64..50, 1..5),
        layers in prop::collection::hash_set(1u8..50, 1..5),
        seeds in 1u64..5,
    ) {
        let text = format!(
            "{HEAD}sweep:\n  grid: {{ net.width: {:?}, net.layers: {:?} }}\n  seeds: {seeds}\n",
            widths.iter().collect::<Vec<_>>(),
            layers.iter().collect::<Vec<_>>(),
        );
        let found = ids(&text);
        prop_assert_eq!(found.len(), widths.len() * layers.len() * seeds as usize);
        prop_assert_eq!(found.iter().collect::<HashSet<_>>().len(), found.len());
        prop_assert_eq!(ids(&text), found);
    }
}
