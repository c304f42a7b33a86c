//! Takes the wanted files out of an archive. Only these are written, and only where the manifest says:
//! a member's own path decides nothing.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry, EntryType};
use zip::ZipArchive;
use zip::result::ZipError;

use super::receive::{Staging, Stop};
use crate::digest::Digest;
use crate::error::SourceFault;
use crate::manifest::{Holding, Wanted};

/// Receives the files `wanted` from the file at `path`, whose own sum is checked first.
pub(super) fn unpack(
    path: &Path,
    sha256: Option<Digest>,
    holds: &Holding,
    wanted: &[Wanted<'_>],
    staging: &mut Staging<'_>,
) -> Result<(), Stop> {
    let open = || File::open(path).map_err(SourceFault::io("read", path));
    if let Some(wanted) = sha256 {
        let found = Digest::of_file(path).map_err(SourceFault::io("read", path))?;
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
            let plain = MultiGzDecoder::new(BufReader::new(open()?));
            let bounded = Bounded { inner: plain, left: *unpacked, over: Rc::clone(&over) };
            members(Archive::new(bounded), under, wanted, staging).map_err(|stop| {
                if over.get() { SourceFault::TooLarge { limit: *unpacked }.into() } else { stop }
            })
        }
        Holding::Zip { under } => zip_members(open()?, under, wanted, staging),
    }
}

/// A source that is one file gives exactly the one it holds.
fn each(
    wanted: &[Wanted<'_>],
    staging: &mut Staging<'_>,
    mut reader: impl Read,
) -> Result<(), Stop> {
    wanted.iter().try_for_each(|file| staging.receive(*file, file.path, &mut reader))
}

/// The path of `file` inside an archive.
fn member(under: &str, file: Wanted<'_>) -> String {
    match under {
        "" => file.path.into(),
        under => format!("{under}/{}", file.path),
    }
}

/// Receives the wanted members of an archive; every other member is passed over.
fn members(
    mut archive: Archive<impl Read>,
    under: &str,
    wanted: &[Wanted<'_>],
    staging: &mut Staging<'_>,
) -> Result<(), Stop> {
    let mut missing: BTreeMap<String, Wanted<'_>> =
        wanted.iter().map(|file| (member(under, *file), *file)).collect();
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

/// Receives the wanted members of a zip archive, which has a directory of them.
fn zip_members(
    file: File,
    under: &str,
    wanted: &[Wanted<'_>],
    staging: &mut Staging<'_>,
) -> Result<(), Stop> {
    let unreadable = |error: ZipError| SourceFault::Unpack(error.into());
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(unreadable)?;
    let lost = |file: &&Wanted<'_>| archive.index_for_name(&member(under, **file)).is_none();
    let missing: Vec<_> = wanted.iter().filter(lost).collect();
    if let Some(first) = missing.first() {
        let (member, missing) = (member(under, **first), missing.len());
        return Err(SourceFault::NotInArchive { member, missing, wanted: wanted.len() }.into());
    }
    for file in wanted {
        let name = member(under, *file);
        let mut entry = archive.by_name(&name).map_err(unreadable)?;
        if !entry.is_file() {
            let kind = if entry.is_symlink() { "symbolic link" } else { "directory" };
            return Err(SourceFault::NotPlain { member: name, kind: kind.into() }.into());
        }
        staging.receive(*file, &name, &mut entry)?;
    }
    Ok(())
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
