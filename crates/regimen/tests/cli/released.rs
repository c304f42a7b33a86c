//! The quickstart on the released bAbI files reaches the paper's accuracies.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{assert_code, regimen, stdout};

/// The mirror of data files, or `None` after noting that `test` is skipped.
fn mirror(test: &str) -> Option<PathBuf> {
    if let Some(mirror) = env::var_os("REGIMEN_MIRROR") {
        return Some(mirror.into());
    }
    let required = env::var("REGIMEN_REQUIRE_MIRROR").is_ok_and(|value| value == "1");
    assert!(!required, "{test}: no mirror");
    if let Some(list) = env::var_os("REGIMEN_SKIPPED") {
        let mut list = OpenOptions::new().append(true).create(true).open(list).unwrap();
        writeln!(list, "skipped: {test}: no mirror").unwrap();
    }
    None
}

#[test]
fn the_released_files_teach_what_the_paper_says() {
    let Some(mirror) = mirror("the_released_files_teach_what_the_paper_says") else { return };
    let dir = TempDir::new().unwrap();
    let output = regimen()
        .args(["run", "configs/quickstart.yaml", "-s", "params.data=released"])
        .env("REGIMEN_CACHE", dir.path().join("cache"))
        .arg("--mirror")
        .arg(mirror)
        .arg("--results")
        .arg(dir.path().join("store"))
        .output()
        .unwrap();
    assert_code(&output, 0);
    let table = regimen()
        .args(["compare", "dialog", "--rows", "regime", "--columns", "learner"])
        .args(["--value", "test_accuracy", "--format", "json", "--results"])
        .arg(dir.path().join("store"))
        .output()
        .unwrap();
    assert_code(&table, 0);
    let table: serde_json::Value = serde_json::from_str(&stdout(&table)).unwrap();
    let mean = |regime: i64, learner: &str| {
        let at = |axis: &str, wanted: serde_json::Value| {
            let keys = table[axis]["keys"].as_array().unwrap();
            keys.iter().position(|key| key[0] == wanted).unwrap()
        };
        let cell = &table["cells"][at("rows", regime.into())][at("columns", learner.into())];
        assert_eq!(cell["n"], 3);
        cell["mean"].as_f64().unwrap()
    };
    assert!(mean(1, "imitation") >= 99.0, "{table}");
    assert!(mean(2, "rbi") >= 97.0, "{table}");
    assert!(mean(7, "fp") >= 97.0, "{table}");
    assert!(mean(7, "rbi") <= 35.0, "{table}");
}
