//! The quickstart on the released bAbI files reaches the paper's accuracies.

#[path = "../../../../datasets/tests/datasets/mirror.rs"]
mod mirror;

use tempfile::TempDir;

use mirror::mirror;

use super::{assert_code, regimen, stdout};

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
