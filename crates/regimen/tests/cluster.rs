//! Sweeps on clusters: processes of this machine, stand-ins for a scheduler's programs, and a Slurm
//! of virtual nodes where one can be started.

#[path = "cluster/doctor.rs"]
mod doctor;
#[path = "cluster/local.rs"]
mod local;
#[path = "cluster/page.rs"]
mod page;
#[path = "cluster/record.rs"]
mod record;
#[path = "cluster/slurm.rs"]
mod slurm;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

/// A folder with a configuration `sweep.yaml` and profiles, and a store.
struct Bench {
    dir: TempDir,
}

impl Bench {
    fn new(sweep: &str, clusters: &str) -> Self {
        let bench = Self { dir: TempDir::new().unwrap() };
        fs::write(bench.path("sweep.yaml"), sweep).unwrap();
        fs::write(bench.path("clusters.yaml"), clusters).unwrap();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// The binary in the folder, with the store as `--results`, and nobody's profiles.
    fn regimen(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regimen"));
        command.current_dir(self.dir.path()).args(words).args(["--results", "store"]);
        command.env("XDG_CONFIG_HOME", self.path("none")).env_remove("RUST_LOG");
        command.env("REGIMEN_CACHE", self.path("cache"));
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.regimen(words).output().unwrap()
    }

    /// The same sweep by this machine alone, compared to the bit.
    fn assert_same_as_here(&self) {
        let mut here = Command::new(env!("CARGO_BIN_EXE_regimen"));
        here.current_dir(self.dir.path()).args(["run", "sweep.yaml", "--results", "here"]);
        assert_code(&here.output().unwrap(), 0);
        assert_code(&self.run(&["compare", "--against", "here", "--exact"]), 0);
    }

    /// The only folder of a submission.
    fn record(&self) -> PathBuf {
        let all = fs::read_dir(self.store().join("submissions")).unwrap();
        let mut folders = all.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        let only = folders.next().expect("a submission");
        assert_eq!(folders.next(), None, "one submission only");
        only
    }

    fn finished(&self) -> usize {
        let fold = journal::Fold::read(&self.store().join("journal")).unwrap();
        fold.runs.values().filter(|run| run.status() == journal::Status::Finished).count()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Fails with what the command said unless it ended with `code`.
fn assert_code(output: &Output, code: i32) {
    let (out, err) = (stdout(output), stderr(output));
    assert_eq!(output.status.code(), Some(code), "stdout:\n{out}\nstderr:\n{err}");
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(100));
    }
    panic!("{what} did not happen within 60 s");
}

/// Runs that end at once.
const QUICK: &str = "name: quick\nexperiment: descent\nparams: { noise: 0.1 }\nsweep:\n  grid: { \
                     learning_rate: [0.01, 0.02, 0.03] }\n  seeds: 8\n";

/// Two runs that wait for a file `go` in the folder, for a minute at most.
const GATED: &str = "name: gated\nexperiment: command\nparams:\n  program: [sh, -c, 'for i in $(seq \
                     600); do [ -e \"$GO\" ] && break; sleep 0.1; done; echo \"{\\\"final\\\": \
                     {\\\"n\\\": 1}}\" >&3']\nsweep: { seeds: 2 }\n";

/// A stand-in for a program, below `bin` in the folder of a bench.
fn stand_in(bench: &Bench, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = bench.path("bin").join(name);
    fs::create_dir_all(bench.path("bin")).unwrap();
    fs::write(&path, format!("#!/bin/bash\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A path list that begins with the stand-ins.
fn with_stand_ins(bench: &Bench) -> String {
    format!("{}:{}", bench.path("bin").display(), std::env::var("PATH").unwrap())
}

/// Replaces a piece of a file.
fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{}: {text}", path.display());
    fs::write(path, text.replace(from, to)).unwrap();
}
