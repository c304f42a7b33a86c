//! Errors of finding, fetching, verifying and reading data sets.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::babi_dialog::ReadError;
use crate::digest::Digest;
use crate::idx::IdxError;
use crate::manifest::ManifestError;
use crate::mismatch::Mismatch;
use crate::store::Received;

/// What helps where no mirror is given.
const ELSEWHERE: &str =
    "\n  a folder that has the files already can be given by --mirror or REGIMEN_MIRROR";

/// Why a data set cannot be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// No manifest has this name.
    #[error("no data set is called {name:?}, there are: {}", known.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
        /// Every name there is.
        known: Vec<String>,
    },
    /// Its manifest, in a folder of the user, cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file without a sum in the manifest is not what it was when it was seen first.
    #[error(
        "data set {dataset:?}: {} is not what was recorded when it was fetched first: wanted sha256 \
         {wanted}, found {} from {}; runs on it would be others, so that it is not taken: remove {} to \
         take it",
        came.file.path, came.file.sha256, came.from, record.display()
    )]
    Changed {
        /// The data set.
        dataset: String,
        /// The sum that was recorded.
        wanted: Digest,
        /// What came.
        came: Box<Received>,
        /// Where the first sum is kept.
        record: PathBuf,
    },
    /// The data set is not in the cache.
    #[error("data set {dataset:?} is not in the cache at {}, `regimen datasets fetch {dataset}` puts it there", path.display())]
    Absent {
        /// The data set.
        dataset: String,
        /// Where it would lie.
        path: PathBuf,
    },
    /// The manifest of a data set lists no such file.
    #[error("data set {dataset:?} has no file {file:?}")]
    NoFile {
        /// The data set.
        dataset: String,
        /// What was asked for.
        file: String,
    },
    /// Every source failed for at least one file.
    #[error(
        "data set {dataset:?} could not be fetched: {missing} of {files} files are missing{}{}{}",
        lines(attempts),
        obtain.as_deref().unwrap_or_default(),
        if *mirror { "" } else { ELSEWHERE }
    )]
    Fetch {
        /// The data set.
        dataset: String,
        /// How many files no source gave.
        missing: usize,
        /// How many files the data set has.
        files: usize,
        /// Every source that failed, in the order tried.
        attempts: Vec<Attempt>,
        /// What the user brings, and where it is put; begins with a new line.
        obtain: Option<String>,
        /// Whether a mirror was looked through.
        mirror: bool,
    },
    /// A published file is not what was published.
    #[error("{}: wanted {wanted}, found {found} (repair it with `regimen datasets fetch {dataset}`)", path.display())]
    Damaged {
        /// The data set.
        dataset: String,
        /// The file.
        path: PathBuf,
        /// What should be there.
        wanted: String,
        /// What is there.
        found: String,
    },
    /// Something else stands where the store wants a directory of its own.
    #[error("{}: wanted a directory, found {found}", path.display())]
    NotADirectory {
        /// The place.
        path: PathBuf,
        /// What stands there.
        found: String,
    },
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `read`, `write`, `lock`, ...
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No environment variable says where the cache may lie.
    #[error("no cache directory: none of REGIMEN_CACHE, XDG_CACHE_HOME and HOME is set")]
    NoCache,
    /// A released file does not follow its format.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An array of bytes does not follow its format.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// A file is not what its reader wants.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The released dialog files exist for three policies only.
    #[error("policy_accuracy: the released files have 0.5, 0.1 and 0.01, found {found}")]
    PolicyAccuracy {
        /// What was asked for.
        found: f64,
    },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

/// A source that did not give the files it promised.
#[derive(Debug)]
pub struct Attempt {
    /// Where the files should have come from.
    pub source: String,
    /// Why they did not.
    pub reason: SourceFault,
}

fn lines(attempts: &[Attempt]) -> Lines<'_> {
    Lines(attempts)
}

struct Lines<'a>(&'a [Attempt]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|Attempt { source, reason }| write!(f, "\n  {source}: {reason}"))
    }
}

/// Why a source did not give the files it promised.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceFault {
    /// A source on the network, and this process may not use it.
    #[error("offline: the network may not be used here")]
    Offline,
    /// The mirror has no such file.
    #[error("there is no such file")]
    Absent,
    /// The wrong bytes, although in the right number.
    #[error("{file}: wanted sha256 {wanted}, found {found}")]
    Checksum {
        /// The file, or the whole archive.
        file: String,
        /// The manifest's sum.
        wanted: Digest,
        /// The sum of what came.
        found: Digest,
    },
    /// The wrong number of bytes.
    #[error("{file}: wanted {wanted} bytes, found {found}")]
    Length {
        /// The file.
        file: String,
        /// The manifest's count.
        wanted: u64,
        /// What came, or "more".
        found: String,
    },
    /// An archive without some of the files.
    #[error("the archive does not contain {member} ({missing} of {wanted} files are missing)")]
    NotInArchive {
        /// The first member that is missing.
        member: String,
        /// How many are missing.
        missing: usize,
        /// How many were wanted.
        wanted: usize,
    },
    /// A member of the archive that is no plain file.
    #[error("{member} is a {kind} in the archive, wanted a plain file")]
    NotPlain {
        /// The member.
        member: String,
        /// What it is.
        kind: String,
    },
    /// More came out of the source than the manifest allows.
    #[error("gives more than {limit} bytes")]
    TooLarge {
        /// The manifest's bound.
        limit: u64,
    },
    /// The archive or compressed file cannot be unpacked.
    #[error("cannot unpack: {}", printable(.0))]
    Unpack(#[source] io::Error),
    /// The released files that the data set is made from are in none of its folders.
    #[error("they are not here")]
    NoTree,
    /// A registry's client is not there.
    #[error("the program {program} is not here: {install}")]
    NoClient {
        /// The program.
        program: String,
        /// How it comes onto a machine.
        install: &'static str,
    },
    /// A registry's client failed.
    #[error("{program}: {reason}")]
    Client {
        /// The program.
        program: String,
        /// What it said.
        reason: String,
    },
    /// What a recipe is given is not what it wants.
    #[error(transparent)]
    Recipe(#[from] Mismatch),
    /// The server said no.
    #[error("the server answered {status}")]
    Status {
        /// The status code and its text.
        status: String,
    },
    /// The connection failed.
    #[error("{0}")]
    Http(String),
    /// The download ended early, also after it was resumed.
    #[error("the download ended after {bytes} of {} bytes: {reason}", total.map_or("an unknown number of".into(), |n| n.to_string()))]
    Truncated {
        /// Bytes on disk, kept for the next attempt.
        bytes: u64,
        /// Bytes the server promised.
        total: Option<u64>,
        /// How the connection ended.
        reason: String,
    },
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl SourceFault {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

/// Messages about an archive may quote bytes of it.
fn printable(error: &io::Error) -> String {
    error.to_string().replace(char::is_control, "?")
}
