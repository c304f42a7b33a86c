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
