//! Damage and contradictions in a journal that a reader reports and reads past.

use std::path::PathBuf;

use experiment::RunId;

/// Something a reader should know and can live with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The last write of a segment was cut off, or is still under way.
    #[error("{}: the last {bytes} bytes, from {offset}, are no whole frame", segment.display())]
    Torn {
        /// The segment.
        segment: PathBuf,
        /// Where the bytes begin.
        offset: u64,
        /// How many.
        bytes: u64,
    },
    /// Bytes in the middle of a segment do not match their checksum; the frames around them count.
    #[error("{}: {bytes} damaged bytes at {offset} were skipped", segment.display())]
    Damaged {
        /// The segment.
        segment: PathBuf,
        /// Where the bytes begin.
        offset: u64,
        /// How many.
        bytes: u64,
    },
    /// A file among the segments is not one, or nothing in it is readable; it is ignored.
    #[error(
        "{}: wanted a journal segment, found something else: nothing in it counts; move it elsewhere, \
         or put a sound copy in its place",
        segment.display()
    )]
    NotASegment {
        /// The file.
        segment: PathBuf,
    },
    /// A segment says that it was written by another version of the format: it is set aside.
    #[error(
        "{}: wanted journal format {wanted}, found {found}: nothing in it counts; use the version of \
         regimen that wrote it, or put a sound copy in its place",
        segment.display()
    )]
    Version {
        /// The segment.
        segment: PathBuf,
        /// The version in the file.
        found: u32,
        /// The version this program reads.
        wanted: u32,
    },
    /// A frame holds an event that this version does not know.
    #[error("{}: the event at {offset} is not known: {message}", segment.display())]
    Unknown {
        /// The segment.
        segment: PathBuf,
        /// Where the frame begins.
        offset: u64,
        /// What the decoder said.
        message: String,
    },
    /// Two attempts at a run finished with different final metrics.
    #[error("run {run} is nondeterministic: attempts {first} and {second} differ")]
    Nondeterministic {
        /// The run.
        run: RunId,
        /// The attempt that counts.
        first: u32,
        /// The attempt that differs.
        second: u32,
    },
}
