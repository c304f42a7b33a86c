//! The sweep that is disturbed, and what must hold of its store afterwards.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use journal::{Fold, Status};
use tempfile::TempDir;

/// Runs of a sweep by [`Sweep::new`].
pub(crate) const RUNS: usize = 60;

/// A configuration with a folder for its stores.
pub(crate) struct Sweep {
    dir: TempDir,
}

impl Sweep {
    /// 60 runs of `steps` iterations each; a thousand take some milliseconds.
    pub(crate) fn new(steps: u64) -> Self {
        Self::of(&format!(
            "name: chaos\nexperiment: descent\nparams: {{dimension: 60, noise: 0.1, \
             steps: {steps}, record_every: 20}}\nsweep:\n  grid:\n    momentum: [0.0, 0.1, 0.2, \
             0.3, 0.4, 0.5]\n  seeds: 10\n"
        ))
    }

    /// 12 runs that learn schedules for a small memory network by going back through its training;
    /// each takes some tenths of a second.
    pub(crate) fn of_hypergradients() -> Self {
        Self::of(
            "name: chaos\nexperiment: hypergrad\nparams: {target: dialog, learning_rate: 0.003, \
             meta_step: 0.02, meta_iterations: 12, steps: 40}\nsweep:\n  grid:\n    trajectory: \
             [reversible, tape, checkpointed]\n  seeds: 4\n",
        )
    }

    /// 27 trials of which those that are best at rungs go on. What a kill ends is tried again: a trial that
    /// failed takes no part.
    pub(crate) fn of_trials() -> Self {
        Self::of(
            "name: chaos\nexperiment: descent\nparams: {dimension: 60, noise: 0.1, steps: 100000, \
             record_every: 20}\nsweep:\n  random:\n    count: 27\n    params: {learning_rate: \
             {log_uniform: [1.0e-6, 0.01]}}\nsearch: {metric: value, first: 4000, factor: 3, rungs: \
             3}\nresources: {retry: {crash: 100}}\n",
        )
    }

    /// 6 runs of a program that leave a file, and 18 that read one of them; each takes some tenths of a
    /// second.
    pub(crate) fn of_stages() -> Self {
        let sweep = Self::of(
            "name: second\nexperiment: command\nneeds: {first: {config: first.yaml, where: \"size == \
             this.size and seed == this.seed\"}}\nparams:\n  program: [sh, -c, 'sleep 0.1; echo \
             \"{\\\"final\\\": {\\\"n\\\": $(cat {needs.first.artifact.it.txt}){values.way}}}\" >&3']\n  \
             values: {size: 0}\n  pass: environment\nsweep:\n  grid:\n    values.size: [1, 2]\n    \
             values.way: [1, 2, 3]\n  seeds: 3\n",
        );
        let first = "name: first\nexperiment: command\nparams:\n  program: [sh, -c, 'sleep 0.2; echo \
                     $REGIMEN_SIZE$REGIMEN_SEED > {folder}/it.txt; echo \"{\\\"step\\\": 1, \\\"size\\\": \
                     $REGIMEN_SIZE}\" >&3']\n  pass: environment\n  publish: [it.txt]\nsweep:\n  grid:\n    \
                     values.size: [1, 2]\n  seeds: 3\n";
        fs::write(sweep.path("first.yaml"), first).unwrap();
        sweep
    }

    /// 3 runs that train a small memory network and keep it, and 9 that ask it questions of three kinds.
    pub(crate) fn of_kept_models() -> Self {
        let sweep = Self::of(
            "name: ask\nexperiment: dialog\nneeds: {student: {config: train.yaml, where: seed == \
             this.seed}}\nparams: {evaluate: student}\nsweep: {grid: {regime: [1, 3, 6]}, seeds: 3}\n",
        );
        let train = "name: train\nexperiment: dialog\nparams: {learner: rbi, regime: 3, epochs: 8, \
                     keep_model: true}\nsweep: {seeds: 3}\n";
        fs::write(sweep.path("train.yaml"), train).unwrap();
        sweep
    }

    fn of(text: &str) -> Self {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("sweep.yaml"), text).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, store: &Path, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regimen"));
        command.env_remove("RUST_LOG").arg("run").arg(self.path("sweep.yaml"));
        command.args(["--checkpoint-every", "0.05", "--results"]).arg(store).args(more);
        if !more.contains(&"-j") {
            command.args(["-j", "2"]);
        }
        command.stdin(Stdio::null());
        command
    }

    /// Starts a driver; what it says goes to `said`.
    pub(crate) fn start(&self, store: &Path, more: &[&str]) -> Child {
        let said = File::create(self.path("said")).unwrap();
        self.command(store, more).stdout(Stdio::null()).stderr(said).spawn().unwrap()
    }

    /// What the driver that was started last said.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.path("said")).unwrap()
    }

    /// Runs a driver to its end, which must be `code`; what it said.
    pub(crate) fn run(&self, store: &Path, more: &[&str], code: i32) -> String {
        ended(&self.command(store, more).output().unwrap(), code)
    }

    /// Fails unless `store` has the same outcome as one in which nothing happened.
    pub(crate) fn assert_undisturbed(&self, store: &Path) {
        let calm = self.path("calm");
        self.run(&calm, &["--in-process"], 0);
        assert_same(store, &calm);
    }
}

/// Fails unless two stores have the same outcome to the bit.
pub(crate) fn assert_same(store: &Path, other: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regimen"));
    command.args(["compare", "--exact", "--results"]).arg(store).arg("--against").arg(other);
    ended(&command.output().unwrap(), 0);
    assert_eq!(finished(store), finished(other));
}

fn ended(output: &Output, code: i32) -> String {
    let (out, err) = (&output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
    let out = String::from_utf8_lossy(out);
    assert_eq!(output.status.code(), Some(code), "stdout:\n{out}\nstderr:\n{err}");
    err
}

pub(crate) fn fold(store: &Path) -> Fold {
    Fold::read(&store.join("journal")).unwrap()
}

pub(crate) fn finished(store: &Path) -> usize {
    fold(store).runs.values().filter(|run| run.status() == Status::Finished).count()
}

/// Fails if an attempt began after its run had been recorded as finished.
pub(crate) fn assert_none_ran_again(store: &Path) {
    for (run, state) in &fold(store).runs {
        let over = |a: &&journal::AttemptState| a.status() == Status::Finished;
        let ends = state.attempts.iter().filter(over).filter_map(|a| a.ended.as_ref());
        let Some(first) = ends.map(|end| end.at).reduce(f64::min) else { continue };
        for attempt in &state.attempts {
            let began = attempt.started_at.unwrap_or(f64::NEG_INFINITY);
            assert!(began <= first, "{run}: attempt {} began after the finish", attempt.number);
        }
    }
}

pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("within a minute not: {what}");
}
