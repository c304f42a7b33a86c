use std::{fs, io::Write, path::Path};

use crate::{
    Error,
    file::{create_temporary, failed, parent},
};

/// Writes a page beside its place and renames it, so that a reader finds the old page or the whole
/// new one.
///
/// # Errors
/// [`Error::Io`] when `path` is a folder or cannot be written; what was there stays as it was.
pub fn write_page(path: &Path, page: &str) -> Result<(), Error> {
    if path.is_dir() {
        return Err(failed("replace", path, std::io::ErrorKind::IsADirectory.into()));
    }
    let folder = parent(path);
    fs::create_dir_all(folder).map_err(|e| failed("create", folder, e))?;
    let (temporary, mut file) = create_temporary(path)?;
    let written = file
        .write_all(page.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|e| failed("write", &temporary, e))
        .and_then(|()| fs::rename(&temporary, path).map_err(|e| failed("replace", path, e)));
    if written.is_err() {
        // The error that ended the writing is the one worth reporting.
        let _ = fs::remove_file(&temporary);
    }
    written
}
