//! Files that runs leave beside the tables.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::publish;

/// Name of the checkpoint in a run's folder; no artifact may take it.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// Where artifact `name` goes in the run's folder.
fn place(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let mut parts = Path::new(name).components();
    let plain = matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None)
        if part == name && !name.starts_with('.') && !name.contains(['\\', '\0']));
    if !plain || name == CHECKPOINT {
        let message = format!("wanted a plain file name, found {name:?}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let path = folder.join(name);
    for existing in [folder, &path] {
        if existing.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            let message = format!("found a symbolic link at {}", existing.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
    }
    Ok(path)
}

/// Publishes an artifact whole, replacing an earlier one of that name.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = place(folder, name)?;
    fs::create_dir_all(folder)?;
    publish::replace(&path, &[bytes])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_taken() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("run");
        write(&folder, "picture.png", b"1").unwrap();
        write(&folder, "picture.png", b"2").unwrap();
        assert_eq!(fs::read(folder.join("picture.png")).unwrap(), b"2");
        for name in ["", ".", "..", "../x", "a/b", "/etc/x", "a/", ".x", "a\\b", "checkpoint"] {
            let error = write(&folder, name, b"3").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name:?}");
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        fs::write(&outside, "kept").unwrap();
        std::os::unix::fs::symlink(&outside, dir.path().join("model")).unwrap();
        assert!(write(dir.path(), "model", b"lost").is_err());
        std::os::unix::fs::symlink(dir.path(), dir.path().join("folder")).unwrap();
        assert!(write(&dir.path().join("folder"), "model2", b"lost").is_err());
        assert_eq!(fs::read(&outside).unwrap(), b"kept");
    }
}
