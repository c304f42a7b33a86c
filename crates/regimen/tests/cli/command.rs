use std::fs;

use tempfile::TempDir;

use super::{assert_code, regimen, run, stderr, stdout};

#[test]
fn a_shell_script_becomes_a_table() {
    let dir = TempDir::new().unwrap();
    let config = "configs/examples/command-shell.yaml";
    let first = run(config, dir.path(), &["-j", "1"]);
    assert_code(&first, 0);
    assert!(stderr(&first).contains("8 finished, 0 failed"), "{}", stderr(&first));
    let table = stdout(&first);
    for part in ["values.number", "values.steps", "distance", "8 finished runs, 2 a cell"] {
        assert!(table.contains(part), "{part}:\n{table}");
    }
    assert!(dir.path().join("tables/command/runs.parquet").is_file());
    let again = run(config, dir.path(), &["--only", "values.number == 2"]);
    assert_code(&again, 0);
    assert!(stderr(&again).contains("4 were finished before"), "{}", stderr(&again));
}

#[test]
fn a_changed_script_makes_new_runs_and_a_missing_one_is_an_error_with_its_place() {
    let dir = TempDir::new().unwrap();
    let (script, config) = (dir.path().join("it.sh"), dir.path().join("it.yaml"));
    let text = format!(
        "name: it\nexperiment: command\nparams:\n  program: [sh, {0}]\n  files:\n    - {0}\n",
        script.display()
    );
    fs::write(&config, text).unwrap();
    let plan = || regimen().arg("plan").arg(&config).output().unwrap();
    let missing = plan();
    assert_code(&missing, 2);
    let message = stderr(&missing);
    assert!(message.contains("it.yaml:6:7"), "{message}");
    assert!(message.contains("wanted a file that can be read"), "{message}");

    let store = dir.path().join("results");
    let config = config.to_str().unwrap();
    for (number, value) in ["1", "22"].into_iter().enumerate() {
        fs::write(&script, format!("echo '{{\"final\": {{\"value\": {value}}}}}' >&3\n")).unwrap();
        let done = run(config, &store, &[]);
        assert_code(&done, 0);
        assert!(stderr(&done).contains("1 finished, 0 failed"), "{number}: {}", stderr(&done));
    }
}
