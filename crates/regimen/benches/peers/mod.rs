//! Workloads that other tools compute too: ours and theirs run in turn, each a process that prints
//! one JSON line.

mod case;
mod program;
mod python;
mod show;
pub(crate) mod workload;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{collections::BTreeMap, env, fs};

use anyhow::{Context, Result, bail};

pub(crate) use case::{Case, Ours, Target};
pub(crate) use program::Program;
use python::Python;

/// Pairs behind a ratio.
pub(crate) const ROUNDS: usize = 9;
/// Rounds of a peer that is clearly not the fastest.
const TRIALS: usize = 3;

/// What the command line asks for.
#[derive(Debug, Default)]
struct Options {
    /// The folder of the peers' scripts, from the root of the repository.
    peers: Option<PathBuf>,
    /// An interpreter that has their packages.
    python: Option<PathBuf>,
    /// Words that a case's name must have.
    only: Vec<String>,
    rounds: Option<usize>,
    /// Where every measurement goes as a row.
    parquet: Option<PathBuf>,
}

/// How the programs of a case are started.
pub(crate) struct Start {
    examples: PathBuf,
    peers: Option<(String, PathBuf)>,
}

impl Start {
    /// One of our examples.
    pub(crate) fn ours(&self, example: &str, name: &str, threads: usize, words: &str) -> Program {
        let program = self.examples.join(example).display().to_string();
        Program::new(name, threads, command(&[&program], words))
    }

    /// A peer's script, of the peers' folder or else of this one; nothing without peers.
    pub(crate) fn peer(
        &self,
        script: &str,
        name: &str,
        threads: usize,
        words: &str,
    ) -> Vec<Program> {
        let program = |(python, folder): &(String, PathBuf)| {
            let theirs = folder.join(script);
            let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(script);
            let script = if theirs.exists() { theirs } else { ours }.display().to_string();
            let words = format!("{words} --threads {threads}");
            Program::new(name, threads, command(&[python, &script], &words))
        };
        self.peers.iter().map(program).collect()
    }
}

fn command(program: &[&str], words: &str) -> Vec<String> {
    program.iter().copied().chain(words.split_whitespace()).map(String::from).collect()
}

/// Builds our examples, sets the peers up, runs every case and prints it.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark is for what it prints")]
pub(crate) fn main(examples: &[&str], cases: impl Fn(&Start) -> Vec<Case>) -> Result<ExitCode> {
    let options = options(env::args_os().skip(1))?;
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
    fs::create_dir_all(&work).context("creating the folder to work in")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    for example in examples {
        eprintln!("... building {example}");
        let arguments = ["build", "--release", "--locked", "--workspace", "--example", example];
        let status = Command::new(env!("CARGO")).args(arguments).current_dir(&root).status()?;
        if !status.success() {
            bail!("building {example} ended with {status}");
        }
    }
    let peers = options.peers.as_ref().map(|folder| root.join(folder));
    let peers = match (peers, options.python) {
        (None, _) => None,
        (Some(folder), Some(python)) => Some((python.display().to_string(), folder)),
        (Some(folder), None) => {
            eprintln!("... setting up the peers");
            Some((Python::set_up(&work, &folder)?.interpreter(), folder))
        }
    };
    // Next to the folder of temporary files.
    let examples = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../release/examples");
    let start = Start { examples: examples.canonicalize()?, peers };
    let (mut rows, mut peaks) = (Vec::new(), BTreeMap::new());
    for mut case in cases(&start) {
        if !options.only.iter().all(|word| case.name.contains(word.as_str())) {
            continue;
        }
        eprintln!("... {}", case.name);
        case.rounds = options.rounds.unwrap_or(case.rounds);
        case.run(&work)?;
        if case.is_peak {
            peaks.extend(show::fastest(&case).map(|peak| (case.threads, peak)));
        }
        println!("{}", show::table(&case, peaks.get(&case.threads).copied()));
        rows.extend(show::rows(&case));
    }
    if let Some(file) = options.parquet {
        tables::write_rows(&root.join(file), &rows)?;
    }
    if start.peers.is_none() {
        println!("nothing to compare with: give --peers DIR");
        return Ok(ExitCode::from(3));
    }
    Ok(ExitCode::SUCCESS)
}

fn options(arguments: impl Iterator<Item = OsString>) -> Result<Options> {
    let mut options = Options::default();
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value =
            || arguments.next().with_context(|| format!("wanted a value after {argument:?}"));
        match argument.to_str() {
            // Cargo says so to every benchmark.
            Some("--bench") => {}
            Some("--peers") => options.peers = Some(value()?.into()),
            Some("--python") => options.python = Some(value()?.into()),
            Some("--only") => options.only.push(value()?.to_string_lossy().into()),
            Some("--parquet") => options.parquet = Some(value()?.into()),
            Some("--rounds") => {
                options.rounds = Some(value()?.to_string_lossy().parse().context("--rounds")?);
            }
            _ => bail!(
                "wanted --peers DIR, --python PROGRAM, --only WORD, --rounds N or --parquet FILE, found {}",
                argument.display()
            ),
        }
    }
    Ok(options)
}
