//! What a trivial run costs in each way of running it, beside other tools: `scripts/bench overhead`.

#[path = "overhead/measure.rs"]
mod measure;
#[path = "overhead/ours.rs"]
mod ours;
#[path = "overhead/peers.rs"]
mod peers;
#[path = "overhead/python.rs"]
mod python;
#[path = "overhead/scale.rs"]
mod scale;
#[path = "overhead/show.rs"]
mod show;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, thread};

use anyhow::{Context, Result, bail};

use measure::Subject;

/// Samples of ours, and of peers that take no more than a moment.
const ROUNDS: usize = 9;

#[expect(clippy::print_stdout, reason = "a benchmark is for what it prints")]
fn main() -> Result<ExitCode> {
    let peers = arguments()?;
    // Made by cargo below its target folder.
    let work = Path::new(env!("CARGO_TARGET_TMPDIR")).join("overhead");
    fs::create_dir_all(&work).context("creating the folder to work in")?;
    progress("regimen alone");
    let mut ours = ours::subjects(&work)?;
    for _ in 0..ROUNDS {
        ours.iter_mut().try_for_each(Subject::measure)?;
    }
    let start_up = ours::start_up(ROUNDS)?;
    let mut theirs = Vec::new();
    if let Some(folder) = &peers {
        progress("setting up the peers");
        theirs = peers::subjects(&root().join(folder), &work)?;
        for peer in &mut theirs {
            progress(peer.name);
            side_by_side(peer, &mut ours)?;
        }
    }
    progress("100,000 runs");
    let scale = scale::measure(&work)?;
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    println!("{cores} cores, load {load}\n\n{}", show::table(&ours, &theirs));
    println!("{}", show::start_up(start_up, &ours, &theirs));
    println!("{scale}");
    if peers.is_none() {
        println!("nothing to compare with: give --peers DIR");
        return Ok(ExitCode::from(3));
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stderr, reason = "it takes minutes")]
fn progress(what: &str) {
    eprintln!("... {what}");
}

/// Ours and a peer one after the other, so that both meet the same state of the machine.
fn side_by_side(peer: &mut Subject, ours: &mut [Subject]) -> Result<()> {
    for _ in 0..peer.rounds {
        for subject in ours.iter_mut().filter(|subject| subject.kind == peer.kind) {
            subject.measure()?;
            peer.beside.entry(subject.name).or_default().extend(subject.samples.last());
        }
        peer.measure()?;
    }
    Ok(())
}

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder after `--peers`.
fn arguments() -> Result<Option<PathBuf>> {
    let mut peers = None;
    let mut arguments = env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            // Cargo says so to every benchmark.
            Some("--bench") => {}
            Some("--peers") => {
                let folder = arguments.next().context("wanted a folder after --peers")?;
                peers = Some(PathBuf::from(folder));
            }
            _ => bail!("wanted --peers DIR, found {}", argument.display()),
        }
    }
    Ok(peers)
}
