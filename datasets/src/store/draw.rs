//! Draws a data set's files out of one source.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry, EntryType};

use super::Store;
use super::download;
use super::folder;
use super::receive::{Staging, Stop};
use super::registry;
use crate::digest::Digest;
use crate::error::SourceFault;
use crate::manifest::{Holding, ManifestFile, Source};

/// A source's name in messages.
pub(super) fn describe(source: &Source, mirror: Option<&Path>) -> String {
    match (source, mirror) {
        (Source::Mirror { path, .. }, Some(mirror)) => mirror.join(path).display().to_string(),
        (Source::Mirror { path, .. }, None) => format!("mirror {path}"),
        (Source::Npm { package, version, .. }, _) => format!("npm {package}@{version}"),
        (Source::Url { url, .. }, _) => url.clone(),
    }
}

/// Opens a file of the mirror.
pub(super) fn open_mirrored(path: &Path) -> Result<File, SourceFault> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SourceFault::Absent),
        opened => opened.map_err(SourceFault::io("read", path)),
    }
}

impl Store {
    /// Puts the files `wanted` from `source` into `staging`.
    pub(super) fn draw(
        &self,
        source: &Source,
        wanted: &[&ManifestFile],
        staging: &mut Staging<'_>,
    ) -> Result<(), Stop> {
        match source {
            Source::Mirror { path, holds, sha256 } => {
                let path = self.mirror.as_ref().ok_or(SourceFault::NoMirror)?.join(path);
                open_mirrored(&path)?;
                unpack(&path, *sha256, holds, wanted, staging)
            }
            Source::Npm { .. } | Source::Url { .. } if self.offline => {
                Err(SourceFault::Offline.into())
            }
            Source::Npm { package, version, holds, sha256 } => {
                let found = registry::npm(
                    &self.npm,
                    (package, version),
                    *sha256,
                    &self.cache,
                    staging.progress,
                )?;
                let drawn = unpack(&found.archive, Some(*sha256), holds, wanted, staging);
                if !matches!(drawn, Err(Stop::Store(_))) {
                    folder::clear(&found.place)?;
                }
                drawn
            }
            Source::Url { url, holds, sha256, bytes } => {
                let limit = bytes.unwrap_or_else(|| largest(holds, wanted));
                let download = download::download(url, limit, &self.cache, staging.progress)?;
                let drawn = unpack(&download.path, *sha256, holds, wanted, staging);
                // A complete download that is no good must not be resumed; one that met a full disk
                // may be used again.
                if !matches!(drawn, Err(Stop::Store(_))) {
                    download.remove()?;
                }
                drawn
            }
        }
    }
}

/// A bound on the bytes of a source that says none: compression never adds more than this.
fn largest(holds: &Holding, wanted: &[&ManifestFile]) -> u64 {
    let unpacked = match holds {
        Holding::TarGz { unpacked, .. } => *unpacked,
        Holding::File { .. } => return wanted.iter().map(|file| file.bytes).sum(),
        Holding::Gz { .. } => wanted.iter().map(|file| file.bytes).sum(),
    };
    unpacked + unpacked / 1000 + 1024
}

fn unpack(
    path: &Path,
    sha256: Option<Digest>,
    holds: &Holding,
    wanted: &[&ManifestFile],
    staging: &mut Staging<'_>,
) -> Result<(), Stop> {
    let open = || File::open(path).map_err(SourceFault::io("read", path));
    if let Some(wanted) = sha256 {
        let found = Digest::of_reader(open()?).map_err(SourceFault::io("read", path))?;
        if found != wanted {
            let file = "the whole file".into();
            return Err(SourceFault::Checksum { file, wanted, found }.into());
        }
    }
    match holds {
        Holding::File { .. } => each(wanted, staging, open()?),
        Holding::Gz { .. } => each(wanted, staging, MultiGzDecoder::new(open()?)),
        Holding::TarGz { under, unpacked } => {
            let over = Rc::new(Cell::new(false));
            let plain = MultiGzDecoder::new(io::BufReader::new(open()?));
            let bounded = Bounded { inner: plain, left: *unpacked, over: Rc::clone(&over) };
            members(Archive::new(bounded), under, wanted, staging).map_err(|stop| {
                if over.get() { SourceFault::TooLarge { limit: *unpacked }.into() } else { stop }
            })
        }
    }
}

/// A source that is one file gives exactly the one it holds.
fn each(
    wanted: &[&ManifestFile],
    staging: &mut Staging<'_>,
    mut reader: impl Read,
) -> Result<(), Stop> {
    wanted.iter().try_for_each(|file| staging.receive(file, &file.path, &mut reader))
}

/// Receives the wanted members of an archive; every other member is passed over.
fn members(
    mut archive: Archive<impl Read>,
    under: &str,
    wanted: &[&ManifestFile],
    staging: &mut Staging<'_>,
) -> Result<(), Stop> {
    let member = |file: &ManifestFile| match under {
        "" => file.path.clone(),
        under => format!("{under}/{}", file.path),
    };
    let mut missing: BTreeMap<String, &ManifestFile> =
        wanted.iter().map(|file| (member(file), *file)).collect();
    for entry in archive.entries().map_err(SourceFault::Unpack)? {
        let mut entry = entry.map_err(SourceFault::Unpack)?;
        let Some(name) = plain_name(&entry) else { continue };
        let Some(file) = missing.remove(&name) else { continue };
        let kind = entry.header().entry_type();
        if !kind.is_file() {
            return Err(SourceFault::NotPlain { member: name, kind: in_words(kind) }.into());
        }
        staging.receive(file, &name, &mut entry)?;
        if missing.is_empty() {
            return Ok(());
        }
    }
    let (missing, member) = (missing.len(), missing.into_keys().next().unwrap_or_default());
    Err(SourceFault::NotInArchive { member, missing, wanted: wanted.len() }.into())
}

fn in_words(kind: EntryType) -> String {
    match kind {
        EntryType::Symlink => "symbolic link".into(),
        EntryType::Link => "hard link".into(),
        EntryType::Directory => "directory".into(),
        other => format!("special file ({other:?})"),
    }
}

/// The member's path as a manifest would write it; absolute paths and `..` never match one.
fn plain_name(entry: &Entry<'_, impl Read>) -> Option<String> {
    let name = String::from_utf8(entry.path_bytes().into_owned()).ok()?;
    Some(name.strip_prefix("./").unwrap_or(&name).to_owned())
}

/// A reader that fails once more than its allowance came out of it.
struct Bounded<R> {
    inner: R,
    left: u64,
    over: Rc<Cell<bool>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => {
                self.left = left;
                Ok(read)
            }
            None => {
                self.over.set(true);
                Err(io::Error::other("the archive is larger than its manifest allows"))
            }
        }
    }
}
