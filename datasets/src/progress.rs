//! The steps of a fetch, and the trait that is told of them.

use std::path::Path;

use crate::error::SourceFault;

/// One thing that happened while a data set was fetched.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step<'a> {
    /// Another process fetches the same data set; this one waits for it.
    Waiting {
        /// The lock that the other process holds.
        lock: &'a Path,
    },
    /// A source is tried.
    Trying {
        /// Where the files should come from.
        source: &'a str,
    },
    /// Bytes of a download that are on disk, counted from the start of the file.
    Downloaded {
        /// Bytes so far.
        bytes: u64,
        /// Bytes at the end, where the server said.
        total: Option<u64>,
    },
    /// A file came out of the source with the right bytes.
    Verified {
        /// The file's path inside the data set.
        file: &'a str,
        /// How many files are there now.
        done: usize,
        /// How many files the data set has.
        files: usize,
    },
    /// A source failed; the next one is tried.
    Failed {
        /// Where the files should have come from.
        source: &'a str,
        /// Why they did not.
        reason: &'a SourceFault,
    },
    /// The data set is complete and visible.
    Published {
        /// Its directory.
        path: &'a Path,
    },
}

/// Told what happens during a fetch; a closure over [`Step`] is one, and `()` ignores everything.
pub trait Progress {
    /// Called in order, on the fetching thread.
    fn step(&mut self, step: Step<'_>);
}

impl Progress for () {
    fn step(&mut self, _: Step<'_>) {}
}

impl<F: FnMut(Step<'_>)> Progress for F {
    fn step(&mut self, step: Step<'_>) {
        self(step);
    }
}
