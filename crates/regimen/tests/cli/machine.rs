//! `experiments`, `doctor` and `cancel`: what there is, whether it works, and the end of what runs.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use journal::Fold;
use serde_json::Value;
use tempfile::TempDir;

use super::{assert_code, regimen, stderr, stdout};

#[test]
fn experiments_are_listed_with_their_tools() {
    let listed = regimen().arg("experiments").output().unwrap();
    assert_code(&listed, 0);
    let text = stdout(&listed);
    assert!(text.contains("    regimen style transfer: "), "{text}");
    let listed = regimen().args(["experiments", "--format", "json"]).output().unwrap();
    let lines: Vec<Value> =
        stdout(&listed).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let dialog = lines.iter().find(|line| line["name"] == "dialog").unwrap();
    assert_eq!(dialog["tools"][0]["name"], "ask");
    assert_eq!(dialog["metrics"][0]["name"], "test_accuracy");
}

#[test]
fn a_doctor_says_what_this_machine_has_and_lacks() {
    let dir = TempDir::new().unwrap();
    let ask = |store: &str, cache: &str| {
        let mut command = regimen();
        command.args(["doctor", "--results"]).arg(dir.path().join(store));
        command.env("REGIMEN_CACHE", dir.path().join(cache)).env("OPENBLAS_CORETYPE", "Haswell");
        command.env("PATH", dir.path()).env("CUDA_VISIBLE_DEVICES", "3,5").output().unwrap()
    };
    let told = ask("store", "cache");
    assert_code(&told, 0);
    let text = stdout(&told);
    for line in [
        "ok   the store's file system has hard links",
        "ok   the store's file system has locks",
        "ok   graphics processors for programs: 3, 5",
        "note OPENBLAS_CORETYPE=Haswell: products of matrices use the kernels of that processor",
        "note ffmpeg is not here, for frames of video files",
        "note no scheduler of a cluster is here",
        "note device: cuda is not here: this program was built without it",
    ] {
        assert!(text.lines().any(|told| told.starts_with(line)), "{line}\n{text}");
    }
    assert!(text.lines().all(|line| !line.starts_with("bad")), "{text}");
    fs::write(dir.path().join("file"), "").unwrap();
    let told = ask("file", "file");
    assert_code(&told, 1);
    let text = stdout(&told);
    assert_eq!(text.lines().filter(|line| line.starts_with("bad")).count(), 2, "{text}");
    assert!(text.contains("wanted a folder, found a file: REGIMEN_CACHE names another"), "{text}");
}

#[test]
fn a_device_that_is_not_here_is_said_before_a_run_begins() {
    let dir = TempDir::new().unwrap();
    let (path, store) = (dir.path().join("it.yaml"), dir.path().join("store"));
    fs::write(&path, "name: it\nexperiment: descent\nresources: { device: cuda }\n").unwrap();
    let ask = |more: &[&str]| {
        let mut command = regimen();
        command.arg("run").arg(&path).arg("--results").arg(&store).args(more).output().unwrap()
    };
    let refused = ask(&[]);
    assert_code(&refused, 2);
    let said = stderr(&refused);
    assert!(
        said.contains("error: resources.device: wanted cuda, found none: this program was"),
        "{said}"
    );
    assert!(Fold::read(&store.join("journal")).unwrap().runs.is_empty());
    // Where another machine would choose otherwise, the run says what this one chose.
    let ran = ask(&["-s", "resources.device=auto"]);
    assert_code(&ran, 0);
    assert!(stderr(&ran).contains("resources.device: auto is cpu here: this program was built"));
    let fold = Fold::read(&store.join("journal")).unwrap();
    let devices: Vec<String> = fold.runs.values().map(|run| run.spec.device.to_string()).collect();
    assert_eq!(devices, ["cpu"]);
    let again = ask(&["-s", "resources.device=cpu"]);
    assert!(stderr(&again).contains("1 was finished before"), "{}", stderr(&again));
}

#[test]
fn a_sweep_is_stopped_from_another_terminal() {
    let dir = TempDir::new().unwrap();
    let store = dir.path().join("store");
    let config = dir.path().join("slow.yaml");
    let text = "name: slow\nexperiment: command\nparams: { program: [sh, -c, 'sleep 600'] }\n";
    fs::write(&config, text).unwrap();
    let cancel =
        |sweep: &str| regimen().args(["cancel", sweep, "--results"]).arg(&store).output().unwrap();
    let nothing = cancel("slow");
    assert_code(&nothing, 2);
    assert!(
        stderr(&nothing).contains("no sweep of this store is executed"),
        "{}",
        stderr(&nothing)
    );
    let mut driver = Command::new(env!("CARGO_BIN_EXE_regimen"))
        .args(["run", config.to_str().unwrap(), "--results"])
        .arg(&store)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It shows what it executes a moment after it began.
    let stopped = loop {
        let other = cancel("quick");
        assert_code(&other, 2);
        if stderr(&other).contains("there are slow") {
            break cancel("slow");
        }
        assert!(driver.try_wait().unwrap().is_none(), "it ended by itself");
        sleep(Duration::from_millis(50));
    };
    assert_code(&stopped, 0);
    let said = stderr(&stopped);
    assert!(said.contains(&format!("slow: process {} was asked to stop", driver.id())), "{said}");
    assert_eq!(driver.wait().unwrap().code(), Some(130));
    let status = regimen().args(["status", "--results"]).arg(&store).output().unwrap();
    assert!(stdout(&status).contains("interrupted"), "{}", stdout(&status));
}
