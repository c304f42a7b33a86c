//! What this machine has of what runs and their tools need.

use std::env;
use std::fs;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};
use cluster::find_program;
use journal::Role;
use orchestrator::needs::{Supply, free_bytes, size, writable};
use rustix::fs::{FlockOperation, flock};

use super::{Findings, store};
use crate::{devices, gpus, provenance};

/// Free bytes below which a place is told as short of room.
const ROOM: u64 = 1 << 30;

/// Programs that are started where something asks for them, and what for.
const PROGRAMS: [(&[&str], &str); 7] = [
    (&["git"], "commits of programs' code"),
    (&["ffmpeg"], "frames of video files, when a data set of videos is fetched"),
    (&["pip", "pip3"], "data sets that packages of PyPI hold"),
    (&["npm"], "data sets that packages of npm hold"),
    (&["apt-get"], "data sets that packages of Debian hold"),
    (&["setpriv"], "ending programs of `command` whose worker was killed"),
    (&["chromium", "chromium-browser", "google-chrome", "firefox"], "looking at reports"),
];

/// Schedulers by a program of theirs.
const SCHEDULERS: [(&str, &str); 3] =
    [("sbatch", "Slurm"), ("qconf", "Grid Engine"), ("pbsnodes", "PBS")];

/// A line for each thing; bad is only what runs cannot do without.
pub(super) fn look(results: &Path, findings: &mut Findings) -> Result<()> {
    processor(findings)?;
    if store(results, findings)? {
        locks(results, findings)?;
        room("store", results, findings)?;
    }
    let cache = datasets::default_cache().context("finding the cache of data sets")?;
    place("cache of data sets", &cache, "REGIMEN_CACHE names another one", findings)?;
    place("temporary folder", &env::temp_dir(), "TMPDIR names another one", findings)?;
    match gpus::here() {
        Ok(devices) if !devices.is_empty() => {
            findings.ok(&format!("graphics processors for programs: {}", devices.join(", ")))?;
        }
        _ => findings.note("no graphics processor is known; `resources.gpus` needs some")?,
    }
    match devices::cuda() {
        Ok(count) => {
            findings.ok(&format!("the engine can compute on {count} of them (device: cuda)"))?;
        }
        Err(why) => findings.note(&format!("device: cuda is not here: {why}"))?,
    }
    for (names, purpose) in PROGRAMS {
        match names.iter().find(|name| find_program(name).is_some()) {
            Some(name) => findings.ok(&format!("{name} is here, for {purpose}"))?,
            None => findings.note(&format!("{} is not here, for {purpose}", names[0]))?,
        }
    }
    let here = SCHEDULERS.iter().filter(|(program, _)| find_program(program).is_some());
    let here: Vec<&str> = here.map(|(_, scheduler)| *scheduler).collect();
    match here.as_slice() {
        [] => findings.note("no scheduler of a cluster is here"),
        here => findings.ok(&format!(
            "{} is here; `regimen doctor --cluster NAME` asks one of its nodes",
            here.join(", ")
        )),
    }
}

fn processor(findings: &mut Findings) -> Result<()> {
    let opened = provenance::opened(Role::Driver);
    let commit: String = opened.commit.chars().take(10).collect();
    let commit =
        if commit.is_empty() { "of an unknown commit".into() } else { format!("({commit})") };
    findings.ok(&format!("regimen {} {commit}", opened.version))?;
    findings.ok(&format!("{}: {}", opened.cpu, opened.blas))?;
    for name in ["OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"] {
        if let Some(value) = env::var_os(name) {
            let what = match name {
                "OPENBLAS_CORETYPE" => "products of matrices use the kernels of that processor",
                _ => "runs are given threads by `resources.threads` all the same",
            };
            findings.note(&format!("{name}={}: {what}", value.display()))?;
        }
    }
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let plural = if threads == 1 { "thread" } else { "threads" };
    findings.ok(&format!("{threads} {plural}, and as many workers where each has one"))
}

/// Whether a lock that is held is seen by another file of the same name.
fn locks(store: &Path, findings: &mut Findings) -> Result<()> {
    let path = store.join(format!(".lock-{}-{}", provenance::host(), std::process::id()));
    let tried = || -> Result<bool> {
        let [held, other] = [fs::File::create(&path)?, fs::File::open(&path)?];
        flock(&held, FlockOperation::NonBlockingLockExclusive)?;
        Ok(flock(&other, FlockOperation::NonBlockingLockExclusive).is_err())
    };
    let seen = tried();
    let _ = fs::remove_file(&path);
    let why = match &seen {
        Ok(_) => "it is given twice".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    findings.check(
        seen.is_ok_and(|seen| seen),
        "the store's file system has locks",
        &format!("the store's file system has no locks ({why})"),
        "do not `compact` while runs are executed, or name another folder by --results",
    )
}

/// Whether a folder that is made when it is needed can be written, and has room.
fn place(what: &str, folder: &Path, remedy: &str, findings: &mut Findings) -> Result<()> {
    match writable(folder, true) {
        Supply::Missing { why, .. } => findings.bad(&format!("{what}: {why}"), remedy),
        _ => room(what, folder, findings),
    }
}

fn room(what: &str, folder: &Path, findings: &mut Findings) -> Result<()> {
    let shown = folder.display();
    match free_bytes(folder) {
        Some(free) if free < ROOM => findings.bad(
            &format!("{what} {shown}: {} are free", size(free)),
            "make room; runs stop where a file cannot be written, and go on later",
        ),
        Some(free) => findings.ok(&format!("{what} {shown}: {} are free", size(free))),
        None => findings.ok(&format!("{what} {shown}")),
    }
}
