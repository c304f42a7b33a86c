use std::fs::{self, File, OpenOptions};
use std::io::Write;
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
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(Error::io("create", &path))?;
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
