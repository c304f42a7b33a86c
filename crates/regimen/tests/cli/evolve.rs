//! Several experiments in one store, one of which gets another parameter later.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{assert_code, run};

fn cells(store: &Path, experiment: &str, column: &str) -> Vec<String> {
    let runs = tables::Runs::read(store, experiment).unwrap();
    let mut cells: Vec<String> =
        runs.cells(column).unwrap().iter().map(ToString::to_string).collect();
    cells.sort();
    cells
}

#[test]
fn experiments_share_a_store_and_a_parameter_may_come_later() {
    let dir = TempDir::new().unwrap();
    let store = dir.path().join("store");
    let run = |name: &str, text: &str| {
        let config = dir.path().join(format!("{name}.yaml"));
        fs::write(&config, format!("name: {name}\n{text}")).unwrap();
        assert_code(&run(config.to_str().unwrap(), &store, &["--in-process"]), 0);
    };
    let program = |more: &str| {
        let line = r#"echo "{\"final\": {\"loss\": 1}}" >&3"#;
        format!(
            "experiment: command\nparams: {{ program: [sh, -c, '{line}'] }}\n\
             sweep: {{ grid: {{ values.number: [1, 2]{more} }} }}\n"
        )
    };
    run("first", &program(""));
    run("other", "experiment: descent\nsweep: { grid: { momentum: [0.5, 0.9] } }\n");
    run("later", &program(", values.decay: [0.25]"));

    assert_eq!(cells(&store, "command", "params.values.number"), ["1", "1", "2", "2"]);
    assert_eq!(cells(&store, "command", "params.values.decay"), ["-", "-", "0.25", "0.25"]);
    assert_eq!(cells(&store, "command", "final.loss"), ["1"; 4]);
    assert_eq!(cells(&store, "descent", "params.momentum"), ["0.5", "0.9"]);
    assert_eq!(tables::experiments(&store).unwrap(), ["command", "descent"]);
}
