//! Errors of reading and writing a journal.

use std::io;
use std::path::{Path, PathBuf};

/// A journal could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was tried, for example `append to`.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// Why it was refused.
        source: io::Error,
    },
    /// Another process compacts the folder.
    #[error("{}: is being compacted by another process", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// A frame that was read before is now damaged.
    #[error("{}: the frame at {offset} changed", path.display())]
    Changed {
        /// The segment.
        path: PathBuf,
        /// Where the frame begins.
        offset: u64,
    },
    /// An event that cannot be written down.
    #[error("could not encode an event: {0}")]
    Encode(String),
}

impl Error {
    /// Whether a segment that was read is not there any more, as after a compaction by somebody
    /// else. What it said is in another one: fold again.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
