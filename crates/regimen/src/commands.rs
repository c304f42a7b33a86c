//! One module a command: arguments in, calls into the other crates, text out.

pub(crate) mod cancel;
pub(crate) mod cluster;
pub(crate) mod compact;
pub(crate) mod compare;
pub(crate) mod datasets;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod experiments;
pub(crate) mod init;
pub(crate) mod join;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod mark;
pub(crate) mod plan;
pub(crate) mod remove;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod shell;
pub(crate) mod status;
pub(crate) mod tool;
pub(crate) mod wanted;

use std::io::{self, ErrorKind};
use std::process::ExitCode;

/// How a command ended, apart from errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    Well,
    SomeFailed,
    BadInput,
    NothingToCompare,
    /// This machine could not: its disk is full, a network is gone.
    Machine,
    Interrupted,
    /// A task asks its scheduler for another turn by this code.
    Again(u8),
}

impl Done {
    /// How a command ended by an error.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        let of_machine = |cause: &(dyn std::error::Error + 'static)| {
            cause.downcast_ref::<io::Error>().is_some_and(|error| is_of_machine(error.kind()))
        };
        if error.chain().any(of_machine) { Self::Machine } else { Self::BadInput }
    }

    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::SomeFailed => 1,
            Self::BadInput => 2,
            Self::NothingToCompare => 3,
            Self::Machine => 4,
            Self::Interrupted => 130,
            Self::Again(code) => code,
        }
    }
}

/// Whether the same command may do on another machine, or later.
fn is_of_machine(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::FileTooLarge
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::StaleNetworkFileHandle
            | ErrorKind::OutOfMemory
            | ErrorKind::TimedOut
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
    )
}

impl From<Done> for ExitCode {
    fn from(done: Done) -> Self {
        Self::from(done.code())
    }
}
