//! Files that a program left in its folder.

use std::path::{Path, PathBuf};

/// The files below `folder` that `pattern` finds there, each with its name below the folder, `/` as
/// `-`.
pub(crate) fn below(folder: &Path, pattern: &str) -> Vec<(String, PathBuf)> {
    let Some(folder) = folder.to_str() else { return Vec::new() };
    let whole = format!("{}/{pattern}", glob::Pattern::escape(folder));
    let found = glob::glob(&whole).into_iter().flatten().flatten();
    let files = found.filter(|path| path.is_file());
    files
        .map(|path| {
            let inside = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy();
            (inside.replace('/', "-"), path)
        })
        .collect()
}
