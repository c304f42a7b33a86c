//! Appends events to a locked segment file.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::frame;
use crate::{Error, Event, Opened};

/// Extension of segment files.
pub(crate) const EXTENSION: &str = "journal";

/// Appends events to a segment of its own, `DIR/WRITER.journal`.
///
/// An event is *recorded* when [`append`](Self::append) returns (it survives the end of this
/// process) and *synced* when [`sync`](Self::sync) does (it survives the loss of power).
#[derive(Debug)]
pub struct Writer {
    file: File,
    path: PathBuf,
    length: u64,
    sequence: u64,
    synced: bool,
}

impl Writer {
    /// Creates the segment of `opened.writer` and its first frame.
    ///
    /// # Errors
    /// [`Error::Io`], also when a writer of that name exists.
    pub fn create(dir: &Path, opened: Opened) -> Result<Self, Error> {
        fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
        let path = dir.join(&opened.writer).with_added_extension(EXTENSION);
        let file = create_locked(&path)?;
        let mut writer = Self { file, path, length: 0, sequence: 0, synced: false };
        writer.write(&frame::header())?;
        writer.append(&Event::Opened(opened))?;
        Ok(writer)
    }

    /// Records an event.
    ///
    /// # Errors
    /// [`Error::Io`], for example on a full disk; nothing of the event is kept then.
    pub fn append(&mut self, event: &Event) -> Result<(), Error> {
        let bytes = frame::encode(self.sequence, event)?;
        self.write(&bytes)?;
        self.sequence += 1;
        Ok(())
    }

    /// Makes sure that everything recorded reached the disk.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn sync(&mut self) -> Result<(), Error> {
        if !self.synced {
            self.file.sync_data().map_err(Error::io("sync", &self.path))?;
            self.synced = true;
        }
        Ok(())
    }

    /// The segment.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends bytes whole, or not at all.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let Err(error) = self.file.write_all(bytes) {
            // Part of a frame may be there; a reader would skip it, but it need not.
            let _ = self.file.set_len(self.length);
            return Err(Error::io("append to", &self.path)(error));
        }
        self.length += bytes.len() as u64;
        self.synced = false;
        Ok(())
    }
}

/// Creates a segment that is locked while its writer lives, so that nobody compacts it away.
fn create_locked(path: &Path) -> Result<File, Error> {
    loop {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(path)
            .map_err(Error::io("create", path))?;
        // Where there are no locks, `compact` gets none either and leaves the segment alone.
        if let Err(error) = file.lock() {
            tracing::debug!(path = %path.display(), %error, "segment is not locked");
        }
        // Compacted away as an empty one before it was locked.
        let links = file.metadata().map_err(Error::io("read", path))?.nlink();
        if links > 0 {
            return Ok(file);
        }
    }
}
