//! What can go wrong between this machine and a scheduler.

use std::io;
use std::path::PathBuf;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program of the scheduler is not on this machine.
    #[error("{program} is not on this machine: is this a node that jobs are submitted from?")]
    NoProgram {
        /// Its name.
        program: String,
    },
    /// A program of the scheduler could not be started.
    #[error("could not start {program}")]
    Start {
        /// Its name.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A program of the scheduler refused.
    #[error("{call}: ended with {status}: {said}")]
    Refused {
        /// The program with its arguments.
        call: String,
        /// How it ended.
        status: String,
        /// What it said.
        said: String,
    },
    /// A program of the scheduler printed something unexpected.
    #[error("{call}: wanted {wanted}, found {found:?}")]
    Unexpected {
        /// The program with its arguments.
        call: String,
        /// What should be there.
        wanted: &'static str,
        /// What is.
        found: String,
    },
    /// A file of a submission could not be read or written.
    #[error("could not {what} {path}")]
    Record {
        /// What was being done, for example `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of profiles is not as it should be.
    #[error(transparent)]
    Profiles(#[from] yaml::Errors),
    /// No profile has this name.
    #[error("no cluster {name:?}{hint}; {known}")]
    NoProfile {
        /// The name.
        name: String,
        /// The nearest one.
        hint: String,
        /// Which there are, and where they were looked for.
        known: String,
    },
    /// The scheduler has no room for even one task.
    #[error("{limit} leaves no room for a task: {used} of {most} are taken")]
    NoRoom {
        /// Its name, for example `MaxSubmitJobs`.
        limit: &'static str,
        /// Jobs that count.
        used: u32,
        /// The limit.
        most: u32,
    },
}

impl Error {
    /// Maps an error of the file system, naming what was done to which path.
    pub(crate) fn record(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Record { what, path, source }
    }

    /// Whether a job was refused for its number of tasks, so that fewer may be accepted.
    pub fn is_limit(&self) -> bool {
        let Self::Refused { said, .. } = self else { return false };
        let said = said.to_lowercase();
        let words = [
            // Slurm
            "submitjoblimit",
            "submitjobsper",
            "maxsubmit",
            "job submit limit",
            "invalid job array specification",
            // Grid Engine
            "jobs are allowed per",
            "max_u_jobs",
            "max_aj_tasks",
            "max_jobs",
            "tasks are allowed",
            // PBS
            "would exceed",
            "max_array_size",
            "max_queued",
        ];
        words.iter().any(|word| said.contains(word))
    }
}
