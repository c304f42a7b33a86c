//! Files that runs leave beside the tables.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use experiment::RunId;
use journal::Fold;
use sha2::{Digest, Sha256};

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

/// Why the bytes of a file are not those that its run published, as far as the journals know.
///
/// # Errors
/// What was wanted and what was found, and how to have it made again.
pub fn verify_artifact(fold: &Fold, run: &str, name: &str, bytes: &[u8]) -> Result<(), String> {
    let state = run.parse().ok().and_then(|run: RunId| fold.runs.get(&run));
    let Some(wanted) = state.and_then(|state| state.artifacts().get(name).copied()) else {
        tracing::warn!(run, name, "no journal tells what the file has to hold");
        return Ok(());
    };
    let found = sha256(bytes);
    if found == wanted.sha256 {
        return Ok(());
    }
    Err(format!(
        "wanted the {} bytes that the run published, sha256 {}, found {} bytes, sha256 {found}; \
         `regimen run` with --force makes it again",
        wanted.bytes,
        wanted.sha256,
        bytes.len()
    ))
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
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
