//! A table on disk: written beside its place, synced, renamed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use polars::prelude::*;
use polars_io::parquet::write::{
    BatchedWriter, ParquetCompression, ParquetWriter, StatisticsOptions,
};

use crate::{Error, stamp::Sum};

/// A file that sums what is written to it, shared with the Parquet writer that owns one handle.
#[derive(Clone)]
struct Summed(Arc<(File, Mutex<(u64, crc32fast::Hasher)>)>);

impl Summed {
    fn new(file: File) -> Self {
        Self(Arc::new((file, Mutex::default())))
    }

    fn sum(&self) -> Sum {
        let (bytes, crc) = &*self.0.1.lock().unwrap_or_else(PoisonError::into_inner);
        Sum { bytes: *bytes, crc32: crc.clone().finalize() }
    }
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = (&self.0.0).write(bytes)?;
        let (length, crc) = &mut *self.0.1.lock().unwrap_or_else(PoisonError::into_inner);
        *length += written as u64;
        crc.update(&bytes[..written]);
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
    file: Summed,
    writer: BatchedWriter<Summed>,
    committed: bool,
}

impl TableFile {
    pub(crate) fn create(target: &Path, schema: &Schema) -> Result<Self, Error> {
        let folder = parent(target);
        fs::create_dir_all(folder).map_err(|e| failed("create", folder, e))?;
        let (temporary, file) =
            temporary_beside(target).map_err(|e| failed("create", target, e))?;
        let file = Summed::new(file);
        match writer(file.clone(), schema) {
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
        self.file.sum().bytes
    }

    /// Completes the file and puts it in its place.
    pub(crate) fn commit(mut self) -> Result<(PathBuf, Sum), Error> {
        finish(&mut self.writer).map_err(|source| self.parquet(source))?;
        self.file.0.0.sync_all().map_err(|e| failed("sync", &self.temporary, e))?;
        fs::rename(&self.temporary, &self.target)
            .map_err(|e| failed("replace", &self.target, e))?;
        self.committed = true;
        let folder = parent(&self.target);
        File::open(folder).and_then(|f| f.sync_all()).map_err(|e| failed("sync", folder, e))?;
        Ok((self.target.clone(), self.file.sum()))
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

/// Everything that is written as Parquet is written by this.
fn writer<W: Write>(to: W, schema: &Schema) -> PolarsResult<BatchedWriter<W>> {
    ParquetWriter::new(to)
        .with_compression(ParquetCompression::Zstd(None))
        .with_statistics(StatisticsOptions::full())
        .batched(schema)
}

/// Ends a file without the Arrow schema that polars would add: it asks readers for types that not
/// all of them have in lists, where Parquet's own are what every one takes.
fn finish<W: Write>(writer: &mut BatchedWriter<W>) -> PolarsResult<()> {
    let file = writer.get_writer();
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    file.end(Some(Vec::new())).map(drop)
}

/// A table as the bytes of a Parquet file.
pub(crate) fn parquet(frame: &DataFrame) -> PolarsResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = writer(&mut bytes, frame.schema())?;
    if frame.height() > 0 {
        writer.write_batch(frame)?;
    }
    finish(&mut writer)?;
    drop(writer);
    Ok(bytes)
}

/// Writes a whole table at once.
pub(crate) fn write_frame(target: &Path, frame: &DataFrame) -> Result<(PathBuf, Sum), Error> {
    let mut file = TableFile::create(target, frame.schema())?;
    if frame.height() > 0 {
        file.write(frame)?;
    }
    file.commit()
}

pub(crate) fn failed(what: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io { what, path: path.into(), source }
}

/// A new file in the folder of `target` under a name of its own, which no `*.parquet` pattern matches.
pub(crate) fn temporary_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    let mut attempt = 0_u32;
    loop {
        // Without the target's name, which may be as long as a name can be.
        let path = parent(target).join(format!(".regimen.{}-{attempt}.tmp", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => attempt += 1,
            created => return Ok((path, created?)),
        }
    }
}

pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
