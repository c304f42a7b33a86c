//! Directories of the store's own: real ones, never links to somewhere else.

use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::progress::{Progress, Step};

/// Whether every directory from `cache` down to `path` is there and is a real one.
///
/// The cache itself may be a link: a user may keep it on another disk.
pub(super) fn is_own(cache: &Path, path: &Path) -> Result<bool, Error> {
    for directory in chain(cache, path) {
        let found = if directory == cache {
            fs::metadata(&directory)
        } else {
            fs::symlink_metadata(&directory)
        };
        match found {
            Ok(found) if found.is_dir() => {}
            Ok(found) => return Err(not_a_directory(&directory, &found)),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::io("read", &directory)(error)),
        }
    }
    Ok(true)
}

/// Makes every directory from `cache` down to `path` that is not there yet.
pub(super) fn make(cache: &Path, path: &Path) -> Result<(), Error> {
    if is_own(cache, path)? {
        return Ok(());
    }
    fs::create_dir_all(path).map_err(Error::io("create", path))
}

/// `cache`, then each directory below it on the way to `path`.
fn chain(cache: &Path, path: &Path) -> Vec<PathBuf> {
    let mut chain: Vec<_> =
        path.ancestors().take_while(|above| *above != cache).map(Path::to_owned).collect();
    chain.push(cache.to_owned());
    chain.reverse();
    chain
}

fn not_a_directory(path: &Path, found: &Metadata) -> Error {
    Error::NotADirectory { path: path.to_owned(), found: kind(path, found) }
}

/// What stands at `path`, in words.
pub(super) fn kind(path: &Path, found: &Metadata) -> String {
    if found.is_file() {
        return "a file".into();
    }
    if found.is_dir() {
        return "a directory".into();
    }
    match fs::read_link(path) {
        Ok(target) => format!("a symbolic link to {}", target.display()),
        Err(_) => "a special file".into(),
    }
}

/// Removes whatever stands at `path`, if anything does.
pub(super) fn clear(path: &Path) -> Result<(), Error> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Makes the entries of `directory` and of every directory below it survive a power loss.
pub(super) fn sync_tree(directory: &Path) -> Result<(), Error> {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    for entry in entries.map_err(Error::io("read", directory))? {
        if entry.file_type().map_err(Error::io("read", &entry.path()))?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    sync(directory)
}

/// Makes the entries of `directory` survive a power loss.
pub(super) fn sync(directory: &Path) -> Result<(), Error> {
    File::open(directory).and_then(|dir| dir.sync_all()).map_err(Error::io("sync", directory))
}

/// Holds the lock file at `path` until the result is dropped.
pub(super) fn lock(path: &Path, progress: &mut dyn Progress) -> Result<File, Error> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(Error::io("open", path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            progress.step(Step::Waiting { lock: path });
            file.lock().map_err(Error::io("lock", path))?;
        }
        Err(TryLockError::Error(error)) => return Err(Error::io("lock", path)(error)),
    }
    Ok(file)
}
