//! The quickstart from configuration to table, its plan, and the exit codes of mistakes.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{assert_code, regimen, root, run, stderr, stdout};

/// Two epochs of everything: what is tested is the way through, not what is learned.
const SHORT: [&str; 2] = ["-s", "params.epochs=2"];

#[test]
fn the_quickstart_prints_its_table_and_is_the_same_again_however_many_workers() {
    let dir = TempDir::new().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let first = run("configs/quickstart.yaml", &one, &["-j", "1"]);
    assert_code(&first, 0);
    assert!(stderr(&first).contains("48 finished, 0 failed"), "{}", stderr(&first));
    let table = stdout(&first);
    for part in
        ["learner", "rbi+fp", "(100)", "48 finished runs, 3 a cell", "published: Weston 2016"]
    {
        assert!(table.contains(part), "{part}:\n{table}");
    }
    for file in ["runs.parquet", "dialog/runs.parquet"] {
        assert!(one.join("tables").join(file).is_file(), "{file}");
    }
    assert_code(&run("configs/quickstart.yaml", &two, &["-j", "2"]), 0);
    let same = regimen()
        .args(["compare", "--exact", "--results"])
        .arg(&one)
        .arg("--against")
        .arg(&two)
        .output()
        .unwrap();
    assert_code(&same, 0);
    assert!(stdout(&same).contains("of 48 runs are identical"), "{}", stdout(&same));

    let again = run("configs/quickstart.yaml", &one, &[]);
    assert_code(&again, 0);
    assert!(stderr(&again).contains("48 were finished before"), "{}", stderr(&again));
}

#[test]
fn a_difference_is_found_and_nothing_to_compare_is_said() {
    let dir = TempDir::new().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    let only = |regimes: &str| format!("sweep.grid.regime={regimes}");
    assert_code(
        &run(
            "configs/quickstart.yaml",
            &a,
            &[SHORT[0], SHORT[1], "-s", &only("[1]"), "--in-process"],
        ),
        0,
    );
    assert_code(
        &run(
            "configs/quickstart.yaml",
            &b,
            &[SHORT[0], SHORT[1], "-s", &only("[2]"), "--in-process"],
        ),
        0,
    );
    let compare = |against: &std::path::Path| {
        regimen()
            .args(["compare", "--exact", "--results"])
            .arg(&a)
            .arg("--against")
            .arg(against)
            .output()
            .unwrap()
    };
    assert_code(&compare(&b), 1);
    assert_code(&compare(&dir.path().join("none")), 1);
    let nothing = regimen()
        .args(["compare", "dialog", "--results"])
        .arg(dir.path().join("none"))
        .output()
        .unwrap();
    assert_code(&nothing, 3);
}

#[test]
fn a_plan_says_what_would_run_and_why() {
    let dir = TempDir::new().unwrap();
    let store = dir.path().join("store");
    let plan = |more: &[&str]| {
        let output = regimen()
            .args(["plan", "configs/quickstart.yaml", "--results"])
            .arg(&store)
            .args(SHORT)
            .args(more)
            .output()
            .unwrap();
        assert_code(&output, 0);
        (stdout(&output), stderr(&output))
    };
    let (lines, count) = plan(&[]);
    assert_eq!(lines.lines().count(), 48);
    assert!(lines.lines().all(|line| line.ends_with("  not run")), "{lines}");
    assert!(count.contains("48 runs: 48 not run"), "{count}");
    let some = ["--only", "regime in [1, 7] and seed < 1 and learner == imitation"];
    let done = run("configs/quickstart.yaml", &store, &[&SHORT[..], &some[..]].concat());
    assert_code(&done, 0);
    let (_, count) = plan(&[]);
    assert!(count.contains("48 runs: 46 not run, 2 finished; "), "{count}");
    let (lines, _) = plan(&some);
    assert!(lines.lines().all(|line| line.ends_with("finished")), "{lines}");
}

#[test]
fn what_show_prints_asks_for_the_same_runs() {
    let dir = TempDir::new().unwrap();
    let ids = |config: &str| {
        let output = regimen()
            .args(["plan", config, "--format", "json", "--results"])
            .arg(dir.path().join("store"))
            .output()
            .unwrap();
        assert_code(&output, 0);
        let mut ids: Vec<String> = stdout(&output)
            .lines()
            .map(|line| {
                serde_json::from_str::<serde_json::Value>(line).unwrap()["run_id"].to_string()
            })
            .collect();
        ids.sort();
        ids
    };
    let shown = regimen().args(["show", "configs/quickstart.yaml"]).output().unwrap();
    assert_code(&shown, 0);
    let path = dir.path().join("shown.yaml");
    fs::write(&path, &shown.stdout).unwrap();
    assert_eq!(ids(path.to_str().unwrap()), ids("configs/quickstart.yaml"));
}

#[test]
fn every_configuration_that_ships_can_be_planned() {
    let mut configs: Vec<PathBuf> = ["configs/quickstart.yaml", "configs/dialog-babi.yaml"]
        .map(|config| root().join(config))
        .into();
    for entry in fs::read_dir(root().join("configs/dialog")).unwrap() {
        let path = entry.unwrap().path();
        // What has no name is to be extended.
        if fs::read_to_string(&path).unwrap().lines().any(|line| line.starts_with("name: ")) {
            configs.push(path);
        }
    }
    assert!(configs.len() > 10, "{configs:?}");
    for config in configs {
        let output = regimen()
            .arg("plan")
            .arg(&config)
            .args(["--results", "/nonexistent"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}: {}", config.display(), stderr(&output));
    }
}

#[test]
fn mistakes_are_exit_code_2_with_file_and_line() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("broken.yaml");
    fs::write(&path, "name: x\nexperiment: dialog\nparams:\n  regime: 11\n").unwrap();
    let output = run(path.to_str().unwrap(), &dir.path().join("store"), &[]);
    assert_code(&output, 2);
    let text = stderr(&output);
    assert!(text.contains("broken.yaml:4:11: params.regime: wanted 1 to 10, found 11"), "{text}");
    assert!(!dir.path().join("store").exists(), "nothing is written for a mistake");
    let typo = regimen()
        .args(["run", "configs/quickstart.yaml", "--only", "regim == 1"])
        .output()
        .unwrap();
    assert_code(&typo, 2);
    assert_code(&regimen().args(["schema", "dialgo"]).output().unwrap(), 2);
}

#[test]
fn what_is_neither_a_configuration_nor_an_experiment_is_told_what_there_is() {
    let output = regimen().args(["compare", "dialogue"]).output().unwrap();
    assert_code(&output, 2);
    let message = stderr(&output);
    assert!(message.contains("found \"dialogue\"") && message.contains("dialog"), "{message}");
}
