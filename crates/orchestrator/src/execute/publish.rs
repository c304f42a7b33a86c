//! Files of the store appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::Error;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A name beside `target` that no other thread or process uses.
fn temporary(target: &Path) -> PathBuf {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let host = rustix::system::uname().nodename().to_string_lossy().replace('/', "_");
    let name = format!(".{host}.{}.{number}.tmp", std::process::id());
    target.with_file_name(name)
}

fn write(path: &Path, parts: &[&[u8]]) -> io::Result<File> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    parts.iter().try_for_each(|part| file.write_all(part))?;
    Ok(file)
}

/// Writes what a loss of power must not take away.
fn write_synced(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    write(path, parts)?.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Publishes `target` unless it exists; whether this call was the one that did.
///
/// link(2) decides: of any number of callers on any number of machines exactly one sees `true`.
pub(crate) fn once(target: &Path, content: &[u8]) -> Result<bool, Error> {
    let first = link(target, |draft| write_synced(draft, &[content]))?;
    if first {
        sync_folder(target).map_err(Error::store("sync the folder of", target))?;
    }
    Ok(first)
}

/// The same without waiting for the disk: for what means nothing after a loss of power. Then it may
/// be gone, or empty.
pub(crate) fn once_unsynced(target: &Path, content: &[u8]) -> Result<bool, Error> {
    link(target, |draft| write(draft, &[content]).map(drop))
}

fn link(target: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> Result<bool, Error> {
    let draft = temporary(target);
    let linked = write(&draft).and_then(|()| fs::hard_link(&draft, target));
    // A draft that stays behind is never read.
    let _ = fs::remove_file(&draft);
    match linked {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(Error::store("publish", target)(e)),
    }
}

/// Replaces `target` by `parts` written one after the other.
pub(crate) fn replace(target: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let draft = temporary(target);
    let done = write_synced(&draft, parts).and_then(|()| fs::rename(&draft, target));
    if done.is_err() {
        let _ = fs::remove_file(&draft);
    }
    done.and_then(|()| sync_folder(target))
}
