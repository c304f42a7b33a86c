//! Sweeps on a Slurm of virtual nodes. `scripts/cluster-test ci` starts one and runs these tests, which are
//! ignored elsewhere: nobody wants jobs on a cluster of others.

use std::fs;
use std::process::Command;

use super::{Bench, GATED, QUICK, assert_code, page, stderr, wait_until};

/// Nodes have clocks of their own, which the file sets.
const LAB: &str = "lab: { scheduler: slurm, tasks: 4, setup: [. /var/lib/regimen-slurm/clock] }\n";

fn slurm(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().unwrap();
    assert!(output.status.success(), "{program} {words:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "takes a Slurm, as scripts/cluster-test starts one"]
fn slurm_executes_a_sweep_as_this_machine_does() {
    let bench = Bench::new(QUICK, LAB);
    let output = bench.run(&["run", "sweep.yaml", "--cluster", "lab"]);
    assert_code(&output, 0);
    assert!(stderr(&output).contains("24 finished, 0 failed"), "{}", stderr(&output));
    bench.assert_same_as_here();
}

#[test]
#[ignore = "takes a Slurm, as scripts/cluster-test starts one"]
fn slurm_tasks_that_are_cancelled_or_requeued_lose_nothing() {
    let sweep = GATED.replace("seeds: 2", "seeds: 8");
    let bench = Bench::new(&sweep, LAB);
    let go = bench.path("go");
    let words = ["run", "sweep.yaml", "--cluster", "lab", "--detach", "--lease", "5"];
    assert_code(&bench.regimen(&words).env("GO", &go).output().unwrap(), 0);
    let job = fs::read_to_string(bench.record().join("job.json")).unwrap();
    let job = job.trim().trim_matches('"').to_owned();
    let running =
        || slurm("squeue", &["-h", "-r", "-t", "R", "-j", &job, "-o", "%K"]).lines().count();
    wait_until("four tasks", || running() == 4);
    let drivers = || fs::read_dir(bench.store().join("claims/live")).map_or(0, Iterator::count);
    wait_until("four drivers", || drivers() >= 4);
    slurm("scancel", &[&format!("{job}_0")]);
    slurm("scontrol", &["requeue", &format!("{job}_1")]);
    wait_until("two tasks", || running() == 2);
    wait_until("three tasks", || {
        // Slurm itself would have it wait for two minutes; nothing can be updated while it completes.
        let words = ["update", &format!("jobid={job}_1"), "StartTime=now"];
        Command::new("scontrol").args(words).output().unwrap();
        running() == 3
    });
    fs::write(&go, "").unwrap();
    wait_until("all runs", || bench.finished() == 8);
    let output = bench.regimen(&["run", "sweep.yaml", "--cluster", "lab"]).env("GO", &go).output();
    let output = output.unwrap();
    assert_code(&output, 0);
    let said = stderr(&output);
    assert!(said.contains("8 finished, 0 failed") || said.contains("8 were finished"), "{said}");
}

#[test]
#[ignore = "takes a Slurm, as scripts/cluster-test starts one"]
fn slurm_does_what_the_page_shows() {
    // The virtual nodes have two processors each.
    let ours = "cpus: 1\n  setup: [. /var/lib/regimen-slurm/clock]";
    page::follow(|profile| profile.replace("cpus: 4", ours));
}
