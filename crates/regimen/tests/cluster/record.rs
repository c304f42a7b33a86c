//! What is recorded before and after a job is submitted, with stand-ins for Slurm's programs.

use std::fs;

use super::{Bench, QUICK, assert_code, stand_in, stderr, with_stand_ins};

const LAB: &str = "lab: { scheduler: slurm, tasks: 4, partition: long }\n";

/// Stand-ins that know one job once `sbatch` was called: `jobs` holds its name.
fn slurm(bench: &Bench, sbatch: &str) {
    let jobs = bench.path("jobs");
    let jobs = jobs.display();
    stand_in(bench, "scontrol", "echo 'MaxArraySize = 1001'; echo 'MaxJobCount = 10000'");
    stand_in(bench, "scancel", "exit 0");
    stand_in(bench, "sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1");
    stand_in(bench, "sacctmgr", "exit 1");
    stand_in(
        bench,
        "squeue",
        &format!(
            "case \" $* \" in\n*' --me '*) ;;\n*' --name='*) for word; do case $word in --name=*) \
             grep -q \"^${{word#--name=}}$\" {jobs} 2>/dev/null && echo 12;; esac; done;;\n*) \
             printf '%s\\n' '0|RUNNING|None' '1|PENDING|Resources';;\nesac\nexit 0"
        ),
    );
    let remember = format!(
        "for word; do case $word in --job-name=*) echo \"${{word#--job-name=}}\" >> {jobs};; esac; done"
    );
    stand_in(bench, "sbatch", &format!("{remember}\n{sbatch}"));
}

fn submit(bench: &Bench) -> std::process::Output {
    let words = ["run", "sweep.yaml", "--cluster", "lab", "--detach"];
    bench.regimen(&words).env("PATH", with_stand_ins(bench)).output().unwrap()
}

fn calls(bench: &Bench) -> usize {
    fs::read_to_string(bench.path("jobs")).unwrap_or_default().lines().count()
}

#[test]
fn a_refused_job_is_an_error_and_leaves_no_record() {
    let bench = Bench::new(QUICK, LAB);
    slurm(
        &bench,
        "rm -f jobs; echo 'sbatch: error: invalid partition specified: long' >&2; exit 1",
    );
    let output = submit(&bench);
    assert_code(&output, 2);
    let said = stderr(&output);
    assert!(said.contains("quick: could not be submitted to lab"), "{said}");
    assert!(said.contains("invalid partition specified: long"), "{said}");
    let left = fs::read_dir(bench.store().join("submissions")).unwrap().count();
    assert_eq!(left, 1, "the lock alone");
}

#[test]
fn a_driver_that_is_killed_before_it_wrote_the_number_submits_nothing_twice() {
    let bench = Bench::new(QUICK, LAB);
    slurm(&bench, "kill -9 $PPID; sleep 0.2; echo 12");
    assert_eq!(submit(&bench).status.code(), None, "it was killed");
    let record = bench.record();
    assert!(!record.join("job.json").exists());
    let output = submit(&bench);
    assert_code(&output, 0);
    let said = stderr(&output);
    assert!(
        said.contains(
            "already at work, job 12 of 4 tasks on lab: 1 running, 1 pending (Resources), 2 gone"
        ),
        "{said}"
    );
    assert_eq!((calls(&bench), bench.record()), (1, record.clone()));
    assert!(fs::read_to_string(record.join("job.json")).unwrap().contains("12"));
}

#[test]
fn a_machine_without_the_programs_says_so() {
    let bench = Bench::new(QUICK, LAB);
    slurm(&bench, "echo 12");
    fs::remove_file(bench.path("bin/sbatch")).unwrap();
    let words = ["run", "sweep.yaml", "--cluster", "lab"];
    let output = bench.regimen(&words).env("PATH", bench.path("bin")).output().unwrap();
    assert_code(&output, 2);
    assert!(stderr(&output).contains("sbatch is not on this machine"), "{}", stderr(&output));
}
