//! What the page about polars shows, executed: it comes to the numbers of `compare`.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use regimen::tables::polars::prelude::{Column, DataFrame};

use super::queries::{curves, gains, table};
use super::{assert_code, regimen, root, run, stdout};

const CONFIG: &str = "configs/quickstart.yaml";

fn numbers(frame: &DataFrame, name: &str) -> Vec<Option<f64>> {
    frame.column(name).and_then(Column::f64).unwrap().iter().collect()
}

#[test]
fn queries_of_the_page_come_to_the_numbers_of_compare() {
    let page = fs::read_to_string(root().join("docs/polars.md")).unwrap();
    let shown = format!("```rust\n{}```\n", include_str!("queries.rs"));
    assert!(page.contains(&shown), "docs/polars.md: wanted tests/cli/queries.rs as it is");

    let dir = TempDir::new().unwrap();
    let fewer = ["-s", "params.epochs=2", "-s", "sweep.seeds=2", "--only", "regime < 3"];
    assert_code(&run(CONFIG, dir.path(), &fewer), 0);
    let compared = regimen()
        .args(["compare", CONFIG, "--results"])
        .arg(dir.path())
        .args(fewer)
        .args(["--format", "json"])
        .output()
        .unwrap();
    assert_code(&compared, 0);
    let compared: Value = serde_json::from_str(&stdout(&compared)).unwrap();
    let (rows, columns) = (&compared["rows"]["keys"], &compared["columns"]["keys"]);
    let mut wanted = Vec::new();
    for (row, cells) in rows.as_array().unwrap().iter().zip(compared["cells"].as_array().unwrap()) {
        for (column, cell) in columns.as_array().unwrap().iter().zip(cells.as_array().unwrap()) {
            let learner = column[0].as_str().unwrap().to_owned();
            wanted.push((row[0].as_i64().unwrap(), learner, cell.clone()));
        }
    }
    wanted.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    assert_eq!(wanted.len(), 8);

    let published = root().join("results/published/dialog/babi.csv");
    let table = table(dir.path(), &published).unwrap();
    for (name, of) in [
        ("mean", &["mean"][..]),
        ("deviation", &["deviation"]),
        ("value", &["published", "value"]),
        ("gap", &["gap"]),
    ] {
        let ours = numbers(&table, name);
        assert_eq!(ours.len(), wanted.len(), "{table}");
        for (ours, (regime, learner, cell)) in ours.into_iter().zip(&wanted) {
            let theirs = of.iter().fold(cell, |cell, key| &cell[*key]).as_f64();
            let same = match (ours, theirs) {
                (Some(ours), Some(theirs)) => (ours - theirs).abs() < 1e-9,
                (ours, theirs) => ours == theirs,
            };
            assert!(same, "{name} of {regime}, {learner}: {ours:?}, {theirs:?}");
        }
    }
    let mean = |regime: i64, learner: &str| {
        let of = wanted.iter().find(|(r, l, _)| (*r, &**l) == (regime, learner));
        of.unwrap().2["mean"].as_f64().unwrap()
    };
    for (regime, gain) in (1..).zip(numbers(&gains(dir.path()).unwrap(), "gain")) {
        let wanted = mean(regime, "rbi") - mean(regime, "imitation");
        assert!((gain.unwrap() - wanted).abs() < 1e-9, "{regime}: {gain:?}, {wanted}");
    }
    let curves = curves(dir.path()).unwrap();
    assert!(curves.height() >= 8, "{curves:?}");
    assert!(numbers(&curves, "value").into_iter().all(|value| value.is_some()));
    missing(dir.path());
}

fn missing(store: &Path) {
    let said = |experiment, table| {
        let found = regimen::tables::scan(store, experiment, table);
        found.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let wanted =
        "\"metric\" names no table; did you mean \"metrics\"? (tables are: answers, metrics, runs)";
    assert_eq!(said("dialog", "metric"), wanted);
    assert!(said("dialogue", "runs").contains("no run of dialogue is in"));
}
