//! A table on disk: written beside its place, synced, renamed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use polars::prelude::*;

use crate::Error;

/// A file that counts what is written to it, shared with the Parquet writer that owns one handle.
#[derive(Clone)]
struct Counted(Arc<(File, AtomicU64)>);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = (&self.0.0).write(bytes)?;
        self.0.1.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&self.0.0).flush()
    }
}

/// A Parquet file that appears under its name when it is whole, or not at all.
pub(crate) struct TableFile {
    target: PathBuf,
    temporary: PathBuf,
    file: Counted,
    writer: BatchedWriter<Counted>,
    committed: bool,
}

impl TableFile {
    pub(crate) fn create(target: &Path, schema: &Schema) -> Result<Self, Error> {
        let folder = parent(target);
        fs::create_dir_all(folder).map_err(|e| failed("create", folder, e))?;
        let (temporary, file) = create_temporary(target)?;
        let file = Counted(Arc::new((file, AtomicU64::new(0))));
        let writer = ParquetWriter::new(file.clone())
            .with_compression(ParquetCompression::Zstd(None))
            .with_statistics(StatisticsOptions::full())
            .batched(schema);
        match writer {
            Ok(writer) => {
                Ok(Self { target: target.into(), temporary, file, writer, committed: false })
            }
            Err(source) => {
                // Nothing is lost by a leftover that could not be removed.
                let _ = fs::remove_file(&temporary);
                Err(Error::Parquet { path: target.into(), source })
            }
        }
    }

    /// Appends rows as one row group.
    pub(crate) fn write(&mut self, frame: &DataFrame) -> Result<(), Error> {
        self.writer.write_batch(frame).map_err(|source| self.parquet(source))
    }

    /// Bytes on disk so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.file.0.1.load(Ordering::Relaxed)
    }

    /// Completes the file and puts it in its place.
    pub(crate) fn commit(mut self) -> Result<PathBuf, Error> {
        self.writer.finish().map_err(|source| self.parquet(source))?;
        self.file.0.0.sync_all().map_err(|e| failed("sync", &self.temporary, e))?;
        fs::rename(&self.temporary, &self.target)
            .map_err(|e| failed("replace", &self.target, e))?;
        self.committed = true;
        let folder = parent(&self.target);
        File::open(folder).and_then(|f| f.sync_all()).map_err(|e| failed("sync", folder, e))?;
        Ok(self.target.clone())
    }

    fn parquet(&self, source: PolarsError) -> Error {
        Error::Parquet { path: self.target.clone(), source }
    }
}

impl Drop for TableFile {
    fn drop(&mut self) {
        if !self.committed {
            // The error that ended the writing is the one worth reporting.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Writes a whole table at once.
pub(crate) fn write_frame(target: &Path, frame: &DataFrame) -> Result<PathBuf, Error> {
    let mut file = TableFile::create(target, frame.schema())?;
    if frame.height() > 0 {
        file.write(frame)?;
    }
    file.commit()
}

pub(crate) fn failed(what: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io { what, path: path.into(), source }
}

/// A new file beside `target` whose name no `*.parquet` pattern matches.
pub(crate) fn create_temporary(target: &Path) -> Result<(PathBuf, File), Error> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    for attempt in 0_u32.. {
        let path = parent(target).join(format!(".{name}.{}-{attempt}.tmp", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(failed("create", &path, e)),
        }
    }
    Err(failed("create", target, io::ErrorKind::AlreadyExists.into()))
}

pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
