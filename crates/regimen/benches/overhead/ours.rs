//! The calls of `regimen` whose overhead is measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::measure::{Kind, Subject, quartiles, time};
use super::{ROUNDS, root};

pub(crate) const IN_PROCESS: &str = "regimen --in-process -j2";
pub(crate) const WORKERS: &str = "regimen -j2";

pub(crate) fn regimen() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regimen"));
    command.current_dir(root());
    command
}

/// A sweep of trivial runs: one step of gradient descent.
pub(crate) fn config(folder: &Path, runs: usize) -> Result<PathBuf> {
    let rates = if runs.is_multiple_of(10) { 10 } else { 1 };
    let values: Vec<f64> = (1..=rates).map(|rate| f64::from(rate) / 100.0).collect();
    let text = format!(
        "name: trivial\nexperiment: descent\nparams: {{ steps: 1 }}\n\
         sweep: {{ grid: {{ learning_rate: {values:?} }}, seeds: {} }}\n",
        runs / rates as usize
    );
    let path = folder.join(format!("{runs}.yaml"));
    fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}

/// `regimen run` of so many trivial runs.
pub(crate) fn run(folder: &Path, store: &Path, runs: usize, more: &[&str]) -> Result<Command> {
    let mut command = regimen();
    command.arg("run").arg(config(folder, runs)?).arg("--results").arg(store).args(more);
    Ok(command)
}

/// Into a new store each time.
fn fresh(folder: &Path, more: &'static [&str]) -> impl FnMut(usize) -> Result<f64> + 'static {
    let folder = folder.to_owned();
    move |runs| {
        let store = TempDir::new_in(&folder)?;
        time(&mut run(&folder, store.path(), runs, more)?)
    }
}

pub(crate) fn subjects(work: &Path) -> Result<Vec<Subject>> {
    let threads = &["--in-process", "-j", "2"];
    let executed = |name, runs, more| {
        Subject::new((name, Kind::Executed), (1, runs), ROUNDS, fresh(work, more))
    };
    let (few, many) = (1, 10_000);
    let store = TempDir::new_in(work)?;
    for runs in [few, many] {
        time(&mut run(work, &store.path().join(runs.to_string()), runs, threads)?)?;
    }
    let folder = work.to_owned();
    let again = move |runs: usize| {
        time(&mut run(&folder, &store.path().join(runs.to_string()), runs, &[])?)
    };
    let skipped = ("regimen, finished before", Kind::Skipped);
    Ok(vec![
        executed(IN_PROCESS, 2000, threads).below(0.5),
        executed(WORKERS, 1000, &["-j", "2"]).below(2.0),
        Subject::new(skipped, (few, many), ROUNDS, again).below(0.05),
    ])
}

/// Quartiles of milliseconds of a call that does nothing.
pub(crate) fn start_up(rounds: usize) -> Result<[f64; 3]> {
    let samples = (0..rounds).map(|_| time(regimen().arg("--version")));
    Ok(quartiles(samples.collect::<Result<Vec<_>>>()?))
}
