//! Files of the store appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Error;

/// What is to appear as another file. Removed when dropped; one that stays behind is never read.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    /// A new file beside `target`. Host names and process ids repeat between containers, so that its
    /// name is drawn, and drawn again where somebody has left a file of that name.
    fn beside(target: &Path, mut draw: impl FnMut() -> u64) -> io::Result<Self> {
        loop {
            let path = target.with_file_name(format!(".{:016x}.tmp", draw()));
            match File::options().write(true).create_new(true).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                file => return Ok(Self { file: file?, path }),
            }
        }
    }

    fn write(target: &Path, parts: &[&[u8]]) -> io::Result<Self> {
        let mut draft = Self::beside(target, rand::random)?;
        parts.iter().try_for_each(|part| draft.file.write_all(part))?;
        Ok(draft)
    }

    /// Writes what a loss of power must not take away.
    fn write_synced(target: &Path, parts: &[&[u8]]) -> io::Result<Self> {
        let draft = Self::write(target, parts)?;
        draft.file.sync_all()?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Publishes `target` unless it exists; whether this call was the one that did.
///
/// link(2) decides: of any number of callers on any number of machines exactly one sees `true`.
pub(crate) fn once(target: &Path, content: &[u8]) -> Result<bool, Error> {
    let first = link(target, Draft::write_synced(target, &[content]))?;
    if first {
        sync_folder(target).map_err(Error::store("sync the folder of", target))?;
    }
    Ok(first)
}

/// The same without waiting for the disk: for what means nothing after a loss of power. Then it may
/// be gone, or empty.
pub(crate) fn once_unsynced(target: &Path, content: &[u8]) -> Result<bool, Error> {
    link(target, Draft::write(target, &[content]))
}

fn link(target: &Path, draft: io::Result<Draft>) -> Result<bool, Error> {
    let draft = draft.map_err(Error::store("publish", target))?;
    match fs::hard_link(&draft.path, target) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(Error::store("publish", target)(e)),
    }
}

/// Replaces `target` by `parts` written one after the other.
pub(crate) fn replace(target: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let draft = Draft::write_synced(target, parts)?;
    fs::rename(&draft.path, target)?;
    sync_folder(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_is_drawn_again_and_its_file_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (target, taken) = (dir.path().join("target"), dir.path().join(".0000000000000007.tmp"));
        fs::write(&taken, "theirs").unwrap();
        let mut names = [7, 7, 8].into_iter();
        let draft = Draft::beside(&target, || names.next().unwrap()).unwrap();
        assert_eq!(draft.path, dir.path().join(".0000000000000008.tmp"));
        drop(draft);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(fs::read(taken).unwrap(), b"theirs");
    }

    #[test]
    fn what_others_left_under_any_name_stops_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        // What a killed process of this host name and id would have left in another container.
        for number in 0..8 {
            let name = format!(".{host}.{}.{number}.tmp", std::process::id());
            fs::write(dir.path().join(name), "left").unwrap();
        }
        let target = dir.path().join("target");
        assert!(once(&target, b"first").unwrap());
        assert!(!once(&target, b"second").unwrap());
        assert!(once_unsynced(&dir.path().join("claim"), b"mine").unwrap());
        replace(&target, &[b"th", b"ird"]).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"third");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 10);
    }
}
