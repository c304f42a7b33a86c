//! Other tools, each with the trivial sweep of the peers' folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use anyhow::{Context, Result, bail};

use super::ROUNDS;
use super::measure::{Kind, Subject, time};
use super::python::Python;

/// Samples of peers that take many seconds.
const FEW_ROUNDS: usize = 3;

pub(crate) fn subjects(peers: &Path, work: &Path) -> Result<Vec<Subject>> {
    if !peers.join("snake/Snakefile").is_file() {
        bail!("wanted a folder with the scripts of the peers, found {}", peers.display());
    }
    let python = Rc::new(Python::set_up(work)?);
    // Their tools write beside their scripts.
    let copy = |name: &str| -> Result<PathBuf> {
        let folder = work.join("peers").join(name);
        clear(&folder)?;
        fs::create_dir_all(&folder)?;
        time(Command::new("cp").arg("-R").arg(peers.join(".")).arg(&folder))?;
        Ok(folder)
    };
    Ok(vec![
        xargs(),
        hydra(&python, copy("hydra")?.join("hydra")),
        benchopt(&python, copy("benchopt")?),
        snakemake(&python, copy("snakemake")?.join("snake")),
        benchopt_again(&python, copy("benchopt again")?)?,
        snakemake_again(&python, copy("snakemake again")?.join("snake"))?,
    ])
}

fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    Ok(())
}

/// The least that a process for each run can cost.
fn xargs() -> Subject {
    Subject::new(("xargs -P2 true", Kind::Executed), (1, 1000), ROUNDS, |runs| {
        time(Command::new("sh").args(["-c", &format!("seq {runs} | xargs -P2 -n1 true")]))
    })
}

/// Runs are 10 rates times seeds, or one.
fn numbers(runs: usize) -> [String; 2] {
    let list = |to: usize| (1..=to).map(|at| at.to_string()).collect::<Vec<_>>().join(",");
    if runs == 1 { [list(1), list(1)] } else { [list(10), list(runs / 10)] }
}

fn hydra(python: &Rc<Python>, folder: PathBuf) -> Subject {
    let python = python.clone();
    Subject::new(("Hydra, basic launcher", Kind::Executed), (1, 50), FEW_ROUNDS, move |runs| {
        clear(&folder.join("multirun"))?;
        let [rates, seeds] = numbers(runs);
        let sweep = [format!("+lr={rates}"), format!("+seed={seeds}")];
        time(python.command("python", &folder).args(["app.py", "-m"]).args(sweep))
    })
}

fn run_benchopt(python: &Python, folder: &Path, runs: usize, more: &[&str]) -> Result<f64> {
    let mut command = python.command("benchopt", folder);
    command.args(["run", "bench", "--no-plot", "-r"]);
    if runs == 1 {
        command.args(["1", "-s", "triv[lr=1]"]);
    } else {
        // Its solver has 20 values.
        command.arg((runs / 20).to_string());
    }
    time(command.args(more))
}

fn benchopt(python: &Rc<Python>, folder: PathBuf) -> Subject {
    let python = python.clone();
    Subject::new(("benchopt, no cache", Kind::Executed), (1, 200), FEW_ROUNDS, move |runs| {
        clear(&folder.join("bench/outputs"))?;
        run_benchopt(&python, &folder, runs, &["--no-cache"])
    })
}

fn benchopt_again(python: &Rc<Python>, folder: PathBuf) -> Result<Subject> {
    let python = python.clone();
    let (few, many) = (1, 200);
    run_benchopt(&python, &folder, many, &[])?;
    run_benchopt(&python, &folder, few, &[])?;
    let name = ("benchopt, cached", Kind::Skipped);
    Ok(Subject::new(name, (few, many), FEW_ROUNDS, move |runs| {
        clear(&folder.join("bench/outputs"))?;
        run_benchopt(&python, &folder, runs, &[])
    }))
}

fn run_snakemake(python: &Python, folder: &Path, runs: usize) -> Result<f64> {
    let runs = format!("nruns={runs}");
    time(python.command("snakemake", folder).args(["-j1", "--config", &runs]))
}

/// Its fewest runs are 10.
fn snakemake(python: &Rc<Python>, folder: PathBuf) -> Subject {
    let python = python.clone();
    Subject::new(("Snakemake -j1", Kind::Executed), (10, 200), FEW_ROUNDS, move |runs| {
        clear(&folder.join("res"))?;
        clear(&folder.join(".snakemake"))?;
        run_snakemake(&python, &folder, runs)
    })
}

fn snakemake_again(python: &Rc<Python>, folder: PathBuf) -> Result<Subject> {
    let python = python.clone();
    run_snakemake(&python, &folder, 200)?;
    let name = ("Snakemake, nothing to do", Kind::Skipped);
    Ok(Subject::new(name, (10, 200), FEW_ROUNDS, move |runs| run_snakemake(&python, &folder, runs)))
}
