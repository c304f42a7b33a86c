//! Which code ran: the commit, what differs from it, the interpreter.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::{assert_code, regimen, stderr, stdout};

fn ask(folder: &Path, words: &[&str]) -> Output {
    regimen().current_dir(folder).args(words).output().unwrap()
}

fn git(folder: &Path, words: &[&str]) -> String {
    let identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
    let done = Command::new("git").args(identity).args(words).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().into()
}

#[test]
fn commit_difference_and_interpreter_are_kept_with_the_runs() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path();
    let config = "name: code\nexperiment: command\nparams: { program: [python3, run.py] }\nsweep: { seeds: 2 }\n";
    fs::write(folder.join("code.yaml"), config).unwrap();
    fs::write(folder.join("run.py"), "print(1)\n").unwrap();
    fs::write(folder.join(".gitignore"), "results\n").unwrap();
    git(folder, &["init", "-q"]);
    git(folder, &["add", "."]);
    git(folder, &["commit", "-q", "-m", "first"]);
    let commit = git(folder, &["rev-parse", "HEAD"]);
    assert_code(&ask(folder, &["run", "code.yaml", "-s", "sweep.seeds=1"]), 0);
    fs::write(folder.join("run.py"), "print(2)\n").unwrap();
    fs::write(folder.join("other.py"), "").unwrap();
    assert_code(&ask(folder, &["run", "code.yaml"]), 0);

    let listed = stdout(&ask(folder, &["list", "--sort", "seed", "--columns", "run"]));
    let runs: Vec<&str> = listed.lines().skip(1).map(str::trim).collect();
    let differ = ask(folder, &["diff", runs[0], runs[1], "--format", "json"]);
    assert_code(&differ, 1);
    let found: Value = serde_json::from_str(&stdout(&differ)).unwrap();
    let code = &found["differences"]["code"];
    assert_eq!(code["program's changed"], serde_json::json!([null, "1 tracked, 1 untracked"]));
    assert!(code["program's difference"][1].is_string(), "{code}");
    assert_eq!(code["program's commit"], Value::Null, "the same in both");

    // What differs is kept once for all runs that had it.
    let kept: Vec<_> = fs::read_dir(folder.join("results/code")).unwrap().flatten().collect();
    assert_eq!(kept.len(), 2);
    let patch =
        kept.iter().find_map(|kept| fs::read_to_string(kept.path().join("difference.patch")).ok());
    assert!(patch.unwrap().contains("-print(1)\n+print(2)\n"));
    let json = stdout(&ask(folder, &["list", "--format", "json"]));
    for line in json.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        assert_eq!(row["code"]["commit"], commit);
        assert!(row["code"]["python"].as_str().unwrap().starts_with("3."), "{row}");
    }
    // Nothing else refers to it: it goes with its runs.
    assert_code(&ask(folder, &["remove", runs[1]]), 0);
    let collected = ask(folder, &["gc"]);
    assert!(stderr(&collected).contains("removed 1 files and folders"), "{}", stderr(&collected));
    assert_eq!(fs::read_dir(folder.join("results/code")).unwrap().count(), 1);
}

#[test]
fn a_program_outside_of_git_is_no_trouble() {
    let dir = TempDir::new().unwrap();
    let config = "name: plain\nexperiment: command\nparams: { program: [sh, -c, 'true'] }\n";
    fs::write(dir.path().join("plain.yaml"), config).unwrap();
    let mut command = regimen();
    command.current_dir(dir.path()).args(["run", "plain.yaml"]);
    let ran = command.env("GIT_CEILING_DIRECTORIES", dir.path()).output().unwrap();
    assert_code(&ran, 0);
    assert!(!dir.path().join("results/code").exists());
}

#[test]
fn by_git_a_commit_and_what_differs_from_it_make_new_runs() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path();
    let config =
        "name: code\nexperiment: command\nparams: { program: [sh, run.sh], identity: git }\n";
    fs::write(folder.join("code.yaml"), config).unwrap();
    fs::write(folder.join("run.sh"), "echo 1\n").unwrap();
    let planned = || ask(folder, &["plan", "code.yaml"]);
    let lacking = planned();
    assert_code(&lacking, 2);
    let said = stderr(&lacking);
    assert!(
        said.contains("code.yaml:3:44: params.identity: the code in git: wanted a checkout"),
        "{said}"
    );
    git(folder, &["init", "-q"]);
    git(folder, &["add", "."]);
    git(folder, &["commit", "-q", "-m", "first"]);
    assert_code(&ask(folder, &["run", "code.yaml"]), 0);
    // What git does not follow decides nothing.
    fs::write(folder.join("other.sh"), "").unwrap();
    assert!(stdout(&planned()).contains("finished"), "{}", stdout(&planned()));
    fs::write(folder.join("run.sh"), "echo 2\n").unwrap();
    assert!(
        stdout(&planned()).contains("stale: the code in git changed"),
        "{}",
        stdout(&planned())
    );
    assert_code(&ask(folder, &["run", "code.yaml"]), 0);
    assert!(stdout(&planned()).contains("finished"), "{}", stdout(&planned()));
    git(folder, &["commit", "-q", "-a", "-m", "second"]);
    assert!(
        stdout(&planned()).contains("stale: the code in git changed"),
        "{}",
        stdout(&planned())
    );
}

#[test]
fn the_python_of_a_project_is_found_without_being_active() {
    let dir = TempDir::new().unwrap();
    let environment = |name: &str, score: u32| {
        let python = dir.path().join(name).join("bin/python");
        fs::create_dir_all(python.parent().unwrap()).unwrap();
        fs::write(
            &python,
            format!("#!/bin/sh\necho '{{\"final\": {{\"score\": {score}}}}}' >&3\n"),
        )
        .unwrap();
        fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    };
    environment(".venv", 7);
    environment("other", 8);
    let config = "name: found\nexperiment: command\n\
        params: { program: ['{python}', run.py], metrics: { score: { goal: maximize } } }\n";
    fs::write(dir.path().join("found.yaml"), config).unwrap();
    let run = |active: Option<&str>| {
        let store = &*format!("of-{}", active.unwrap_or("none"));
        let mut command = regimen();
        command.current_dir(dir.path()).args(["run", "found.yaml", "--results", store]);
        command.env_remove("CONDA_PREFIX").env_remove("VIRTUAL_ENV");
        command.envs(active.map(|name| ("VIRTUAL_ENV", dir.path().join(name))));
        assert_code(&command.output().unwrap(), 0);
        let listed = ask(dir.path(), &["list", "--columns", "final.score", "--results", store]);
        stdout(&listed).lines().nth(1).unwrap().trim().to_owned()
    };
    assert_eq!(run(None), "7.0");
    assert_eq!(run(Some("other")), "8.0");
}
