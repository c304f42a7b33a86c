//! A cluster that is this machine: everything but a scheduler.

use std::fs;
use std::process::{Command, Stdio};

use super::{Bench, GATED, QUICK, assert_code, edit, stderr, stdout, wait_until};

const TWO: &str = "two: { scheduler: local, tasks: 2 }\n";

#[test]
fn a_sweep_on_tasks_is_the_same_as_one_here() {
    let bench = Bench::new(QUICK, TWO);
    let output = bench.run(&["run", "sweep.yaml", "--cluster", "two"]);
    assert_code(&output, 0);
    let said = stderr(&output);
    assert!(said.contains("quick: 24 runs, job regimen-quick-"), "{said}");
    assert!(said.contains("of 2 tasks on two"), "{said}");
    assert!(said.contains("quick: 24 runs: 24 finished, 0 failed"), "{said}");
    bench.assert_same_as_here();
    // A finished sweep needs no task.
    let again = bench.run(&["run", "sweep.yaml", "--cluster", "two"]);
    assert_code(&again, 0);
    assert!(stderr(&again).contains("24 were finished before"), "{}", stderr(&again));
    bench.record();
}

#[test]
fn a_detached_sweep_is_followed_found_and_cancelled() {
    let bench = Bench::new(GATED, TWO);
    let go = bench.path("go");
    let detached = bench
        .regimen(&["run", "sweep.yaml", "--cluster", "two", "--detach"])
        .env("GO", &go)
        .output();
    assert_code(&detached.unwrap(), 0);
    let record = bench.record();
    wait_until("a run", || bench.store().join("claims/live").exists());
    let status = stdout(&bench.run(&["status"]));
    assert!(
        status.contains("gated: job regimen-gated-") && status.contains("2 running"),
        "{status}"
    );
    let json = stdout(&bench.run(&["status", "--format", "json"]));
    assert!(json.contains(r#""tasks":{"running":2}"#), "{json}");
    let again = bench.run(&["run", "sweep.yaml", "--cluster", "two", "--detach"]);
    assert!(stderr(&again).contains("gated: already at work"), "{}", stderr(&again));
    assert_eq!(bench.record(), record);

    let unknown = bench.run(&["cancel", "gatet"]);
    assert_code(&unknown, 2);
    assert!(stderr(&unknown).contains("there are gated"), "{}", stderr(&unknown));
    let cancelled = bench.run(&["cancel", "gated"]);
    assert_code(&cancelled, 0);
    wait_until("the end of the tasks", || {
        !stdout(&bench.run(&["status"])).contains("running (")
            && fs::exists(record.join("0.exit")).unwrap()
            && fs::exists(record.join("1.exit")).unwrap()
    });
    assert_eq!(bench.finished(), 0);
    fs::write(&go, "").unwrap();
    let over = bench.regimen(&["run", "sweep.yaml"]).env("GO", &go).output().unwrap();
    assert_code(&over, 0);
    assert_eq!(bench.finished(), 2);
}

#[test]
fn a_task_whose_time_ends_asks_for_another_turn() {
    let bench = Bench::new(GATED, "one: { scheduler: local, tasks: 1 }\n");
    let go = bench.path("go");
    let detached = bench
        .regimen(&["run", "sweep.yaml", "--cluster", "one", "--detach"])
        .env("GO", &go)
        .output();
    assert_code(&detached.unwrap(), 0);
    let record = bench.record();
    let log = || fs::read_to_string(record.join("0.log")).unwrap_or_default();
    wait_until("a run", || bench.store().join("claims/live").exists());
    let task = fs::read_to_string(record.join("0.task")).unwrap();
    let pid = task.split(' ').next().unwrap();
    assert!(Command::new("kill").args(["-USR1", pid]).status().unwrap().success());
    wait_until("another turn", || log().matches("task 0 of regimen-gated-").count() == 2);
    assert!(log().contains("another turn is asked for"), "{}", log());
    fs::write(&go, "").unwrap();
    let watch = bench.regimen(&["status", "--watch"]).stdout(Stdio::piped()).output().unwrap();
    assert_code(&watch, 0);
    assert_eq!(bench.finished(), 2);
}

#[test]
fn failed_runs_are_tried_again_while_the_tasks_that_failed_end() {
    let sweep = "name: failing\nexperiment: command\nparams:\n  program: [sh, -c, '[ -e \"$GO\" ] && \
                 echo \"{\\\"final\\\": {\\\"n\\\": 1}}\" >&3']\nsweep: { seeds: 2 }\n";
    // A task lingers when nothing is left.
    let linger = "exec() { \"$@\"; sleep 3; exit; }";
    let slow = format!("slow: {{ scheduler: local, tasks: 1, setup: ['{linger}'] }}\n");
    let bench = Bench::new(sweep, &slow);
    let go = bench.path("go");
    let words = ["run", "sweep.yaml", "--cluster", "slow", "--retry-failed"];
    let run = || bench.regimen(&words).env("GO", &go).output().unwrap();
    assert_code(&run(), 1);
    fs::write(&go, "").unwrap();
    let again = run();
    assert_code(&again, 0);
    assert!(!stderr(&again).contains("already at work"), "{}", stderr(&again));
    assert_eq!(bench.finished(), 2);
}

#[test]
fn a_program_of_another_version_executes_nothing() {
    let bench = Bench::new(QUICK, TWO);
    assert_code(&bench.run(&["run", "sweep.yaml", "--cluster", "two"]), 0);
    let record = bench.record();
    edit(&record.join("sweep.json"), "\"version\":\"", "\"version\":\"9.");
    let name = record.file_name().unwrap().to_str().unwrap();
    let output = bench.run(&["join", "--submission", name, "--task", "0"]);
    assert_code(&output, 2);
    let said = stderr(&output);
    assert!(
        said.contains("the sweep was planned by regimen 9.") && said.contains("`program`"),
        "{said}"
    );
    let elsewhere = bench.run(&["join", "--submission", "regimen-none", "--task", "0"]);
    assert_code(&elsewhere, 2);
    assert!(stderr(&elsewhere).contains("is store shared?"), "{}", stderr(&elsewhere));
}

#[test]
fn tasks_that_come_to_nothing_are_not_submitted_for_ever() {
    let bench = Bench::new(
        QUICK,
        "two: { scheduler: local, tasks: 2, setup: [echo no such module; exit 7] }\n",
    );
    let output = bench.run(&["run", "sweep.yaml", "--cluster", "two"]);
    assert_code(&output, 1);
    let said = stderr(&output);
    assert!(said.contains("no task is left and no run ended: 2 failed (exit code 7)"), "{said}");
    assert!(said.contains("no such module"), "{said}");
}

#[test]
fn mistakes_in_profiles_are_told_before_anything_is_submitted() {
    let bench = Bench::new(QUICK, "lab: { scheduler: slurm, taks: 3 }\n");
    let run = |name: &str| bench.run(&["run", "sweep.yaml", "--cluster", name]);
    let output = run("lab");
    assert_code(&output, 2);
    let said = stderr(&output);
    assert!(
        said.contains("clusters.yaml:1:26: lab.taks: unknown key `taks`; did you mean `tasks`?"),
        "{said}"
    );
    fs::write(bench.path("clusters.yaml"), "lab: { scheduler: slurm }\n").unwrap();
    let output = run("lap");
    assert_code(&output, 2);
    assert!(stderr(&output).contains("did you mean \"lab\"?"), "{}", stderr(&output));
    assert!(!bench.store().join("submissions").exists());
}
