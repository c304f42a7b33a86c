//! JSON log lines name the run, its attempt and the span.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::{assert_code, run, stderr};

#[test]
fn json_log_lines_carry_run_attempt_and_span() {
    let dir = TempDir::new().unwrap();
    let only = "regime == 1 and seed == 0 and learner == imitation";
    let output = run(
        "configs/quickstart.yaml",
        dir.path(),
        &["-s", "params.epochs=1", "--only", only, "--log-format", "json"],
    );
    assert_code(&output, 0);
    let text = stderr(&output);
    let lines: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let about_run: Vec<&Value> =
        lines.iter().filter(|line| line["span"]["name"] == "run").collect();
    assert!(about_run.len() >= 2, "started and finished:\n{text}");
    for line in about_run {
        assert_eq!(line["span"]["run"].as_str().map(str::len), Some(32), "{line}");
        assert_eq!(line["span"]["attempt"], 1, "{line}");
    }

    let logs = fs::read_dir(dir.path().join("logs")).unwrap();
    let worker: String = logs.map(|log| fs::read_to_string(log.unwrap().path()).unwrap()).collect();
    assert!(worker.contains(r#""name":"run""#), "the worker's log has the span too:\n{worker}");
}
