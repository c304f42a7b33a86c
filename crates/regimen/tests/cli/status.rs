//! `regimen status`, once and with `--watch`.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{assert_code, regimen, run, stderr, stdout};

#[test]
fn a_store_without_runs_says_so() {
    let dir = TempDir::new().unwrap();
    let status = |store: &str| {
        regimen().args(["status", "--results"]).arg(dir.path().join(store)).output().unwrap()
    };
    let missing = status("none");
    assert_code(&missing, 3);
    assert!(stderr(&missing).contains("there is no store at "), "{}", stderr(&missing));
    let empty = status("");
    assert_code(&empty, 0);
    assert!(stderr(&empty).contains("no run was begun in "), "{}", stderr(&empty));
    assert_eq!(stdout(&empty), "");
    std::os::unix::fs::symlink("gone", dir.path().join("link")).unwrap();
    let link = status("link");
    assert_code(&link, 2);
    assert!(stderr(&link).contains("found a link to gone, where none is"), "{}", stderr(&link));
    fs::write(dir.path().join("file"), "").unwrap();
    assert_code(&status("file"), 2);
}

#[test]
fn watching_goes_on_through_all_sweeps_of_a_call_and_ends_with_it() {
    let dir = TempDir::new().unwrap();
    let store = dir.path().join("store");
    let configs = ["one", "two"].map(|name| {
        let path = dir.path().join(name).with_extension("yaml");
        let text = format!(
            "name: {name}\nexperiment: command\nparams: {{ program: [sh, -c, 'sleep 1; echo \
             \"{{\\\"final\\\": {{\\\"n\\\": 1}}}}\" >&3'], values: {{ name: {name} }} }}\n"
        );
        fs::write(&path, text).unwrap();
        path
    });
    let watch = regimen_watch(&store);
    let mut driver = Command::new(env!("CARGO_BIN_EXE_regimen"))
        .arg("run")
        .args(&configs)
        .arg("--results")
        .arg(&store)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(driver.wait().unwrap().success());
    let ended = Instant::now();
    let output = watch.wait_with_output().unwrap();
    assert!(ended.elapsed() < Duration::from_secs(30), "it goes on without a driver");
    assert_code(&output, 0);
    let text = stdout(&output);
    let last: Vec<&str> = text.lines().rev().take(3).collect();
    assert!(last[2].trim() == "finished", "{text}");
    for (line, name) in last.iter().zip(["two", "one"]) {
        assert!(line.contains(name) && line.trim().ends_with('1'), "{text}");
    }
    assert!(text.contains("attempt 1"), "no run was seen under way: {text}");
}

/// Begins before there is a store.
fn regimen_watch(store: &std::path::Path) -> std::process::Child {
    let child = Command::new(env!("CARGO_BIN_EXE_regimen"))
        .args(["status", "--watch", "--results"])
        .arg(store)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    sleep(Duration::from_millis(50));
    child
}

#[test]
fn states_have_the_same_words_everywhere() {
    let dir = TempDir::new().unwrap();
    let (config, store) = (dir.path().join("it.yaml"), dir.path().join("store"));
    let text = "name: it\nexperiment: command\nparams: { program: [sh, -c, 'exit $2', sh] }\n\
                sweep: { grid: { values.code: [1] } }\n";
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    assert_code(&run(config, &store, &[]), 1);
    let says = |words: &[&str]| {
        let output = regimen().args(words).arg("--results").arg(&store).output().unwrap();
        stdout(&output) + &stderr(&output)
    };
    assert!(says(&["status"]).contains("failed"));
    assert!(says(&["plan", config]).contains("  failed: "));
    let more = ["-s", "sweep.grid={values.code: [1, 0]}"];
    let plan = says(&[&["plan", config][..], &more].concat());
    assert!(plan.contains("  not run\n") && plan.contains(": 1 not run, 1 failed"), "{plan}");
}
