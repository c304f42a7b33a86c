//! Whether a folder can be written in, and how many bytes are free on its disk.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process;

use super::{Supply, size};

/// Free bytes that a folder must have before anything is started.
const LEAST: u64 = 1 << 20;

/// Whether files can be written in a folder, or where `made` says that it is made when it is missing,
/// in the nearest one above it that is there.
pub fn writable(folder: &Path, made: bool) -> Supply {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.into());
    let mut place = absolute.as_path();
    loop {
        match place.symlink_metadata().map_err(|error| (error.kind(), error)) {
            Ok(_) => break,
            // What is above is a file, or is not there either.
            Err((ErrorKind::NotFound | ErrorKind::NotADirectory, _)) if made => {}
            Err((ErrorKind::NotFound, _)) => return Supply::missing("it does not exist", ""),
            Err((_, error)) => {
                return Supply::missing(format!("{}: {error}", place.display()), "");
            }
        }
        let Some(above) = place.parent() else { break };
        place = above;
    }
    if !place.is_dir() {
        let target = place.read_link().ok().filter(|_| place.metadata().is_err());
        let found = target.map_or_else(
            || "file".into(),
            |target| format!("link to {}, where nothing is", target.display()),
        );
        let why = format!("{}: wanted a folder, found a {found}", place.display());
        return Supply::missing(why, "");
    }
    if let Some(free) = free_bytes(place).filter(|free| *free < LEAST) {
        let why = format!("only {} are free on its disk", size(free));
        return Supply::missing(why, "make room, or choose another folder");
    }
    match probe(place) {
        Ok(()) => Supply::Here,
        Err(error) => Supply::missing(format!("no file can be written in it: {error}"), ""),
    }
}

/// Writes a small file and removes it.
fn probe(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".regimen-{}.tmp", process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path)
        .and_then(|mut file| file.write_all(&[0; 4096]));
    match fs::remove_file(&path) {
        // Another process of this number removed it, in a container of its own.
        Err(error) if error.kind() == ErrorKind::NotFound => written,
        removed => written.and(removed),
    }
}

/// Free bytes on the disk of a folder, or of the nearest one above it that is there.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let found = folder.ancestors().find_map(|place| {
        let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        rustix::fs::statvfs(place).ok()
    })?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_can_be_written_in_or_it_is_said_why_not() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("a/b");
        assert_eq!(writable(dir.path(), false), Supply::Here);
        assert_eq!(writable(&below, true), Supply::Here);
        assert!(!below.exists() && fs::read_dir(dir.path()).unwrap().next().is_none());
        assert_eq!(writable(&below, false), Supply::missing("it does not exist", ""));
        fs::write(dir.path().join("file"), "").unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
        for (name, wanted) in [
            ("file", "file: wanted a folder, found a file"),
            ("file/below", "file: wanted a folder, found a file"),
            ("link", "link: wanted a folder, found a link to nowhere, where nothing is"),
        ] {
            let Supply::Missing { why, .. } = writable(&dir.path().join(name), true) else {
                panic!("{name} is fine")
            };
            assert!(why.ends_with(wanted), "{why}");
        }
        assert!(free_bytes(&below).is_some());
    }
}
