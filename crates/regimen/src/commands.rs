//! One module a command: arguments in, calls into the other crates, text out.

pub(crate) mod cancel;
pub(crate) mod cluster;
pub(crate) mod compact;
pub(crate) mod compare;
pub(crate) mod datasets;
pub(crate) mod doctor;
pub(crate) mod join;
pub(crate) mod logs;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod status;
pub(crate) mod tool;
pub(crate) mod wanted;

use std::process::ExitCode;

/// How a command ended, apart from errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    Well,
    SomeFailed,
    BadInput,
    NothingToCompare,
    Interrupted,
    /// A task asks its scheduler for another turn by this code.
    Again(u8),
}

impl From<Done> for ExitCode {
    fn from(done: Done) -> Self {
        Self::from(match done {
            Done::Well => 0,
            Done::SomeFailed => 1,
            Done::BadInput => 2,
            Done::NothingToCompare => 3,
            Done::Interrupted => 130,
            Done::Again(code) => code,
        })
    }
}
