//! Errors that stop the execution of a sweep.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// Why a sweep could not be executed. What was recorded before stays recorded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the store could not be read or written.
    #[error("could not {what} {path}")]
    Store {
        /// What was being done, for example `create`.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store's path leads to no folder.
    #[error("store {path}: wanted a folder, found {}", found(path))]
    NoFolder {
        /// The path.
        path: PathBuf,
    },
    /// A file of the store holds something else than it should.
    #[error("{path}: wanted {wanted}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
        /// Why it does not.
        source: serde_json::Error,
    },
    /// Runs were planned with other versions than those of this program.
    #[error(
        "{what} was planned with {versions}: nothing of it is executed here; use the version of regimen \
         that planned it, or plan again with this one"
    )]
    OtherVersion {
        /// What, for example a plan's file.
        what: String,
        /// In which versions they differ.
        versions: String,
    },
    /// The journal could not be read or written.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// A worker process could not be started.
    #[error("could not start worker {program}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A thread could not be started.
    #[error(
        "could not start a thread for {name}; the limit of processes may be reached, `ulimit -u` shows it"
    )]
    Thread {
        /// What it is for.
        name: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Workers ended again and again before they were ready.
    #[error("{how} before it was ready; its output is in {log}")]
    Unready {
        /// How the last of them ended.
        how: String,
        /// Its log.
        log: PathBuf,
    },
    /// A worker could not write results down, or its machine lacks what runs need.
    #[error("{worker} cannot go on: {error}")]
    Unable {
        /// The worker.
        worker: String,
        /// Why.
        error: String,
    },
    /// Driver and worker do not understand each other.
    #[error("protocol between driver and worker: {0}")]
    Protocol(String),
}

/// What is at a path where a folder should be.
fn found(path: &Path) -> String {
    match std::fs::read_link(path) {
        _ if path.exists() => "a file".into(),
        Ok(target) => format!("a link to {}, where nothing is", target.display()),
        Err(_) => "nothing".into(),
    }
}

impl Error {
    /// Whether it is one of a network file system that may pass.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Store { source, .. } if is_passing(source))
    }

    /// Maps an error of the file system, naming what was done to which path.
    pub(crate) fn store(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Store { what, path: path.into(), source }
    }
}

/// Whether an error is one of a network file system that may pass: a handle that went stale, or a failure
/// of the server or of the line.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    let passing = [Errno::STALE, Errno::IO].map(|errno| Some(errno.raw_os_error()));
    passing.contains(&error.raw_os_error())
}
