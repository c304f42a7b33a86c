//! Packages of a registry, by the registry's own client.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::folder;
use super::receive::Stop;
use crate::digest::Digest;
use crate::error::{Error, SourceFault};
use crate::progress::{Progress, Step};

/// A package's archive, locked against other processes until it is dropped.
pub(super) struct Package {
    pub(super) archive: PathBuf,
    /// The folder it lies in, which holds nothing else.
    pub(super) place: PathBuf,
    _lock: fs::File,
}

/// The archive of a package at a version, below `cache`: what `npm pack` writes.
///
/// An archive that an interrupted fetch left there is used again if its sum is right; npm's own
/// cache resumes what it had begun.
pub(super) fn npm(
    npm: &Path,
    (package, version): (&str, &str),
    sha256: Digest,
    cache: &Path,
    progress: &mut dyn Progress,
) -> Result<Package, Stop> {
    let name = format!("{package}@{version}");
    let place = cache.join("downloads").join(format!("npm-{}", Digest::of(name.as_bytes())));
    folder::make(cache, &place)?;
    let lock = folder::lock(&place.with_extension("lock"), progress)?;
    if let Some(archive) = archive(&place)? {
        if sum(&archive)? == sha256 {
            return Ok(Package { archive, place, _lock: lock });
        }
        folder::clear(&place)?;
        folder::make(cache, &place)?;
    }
    let output = Command::new(npm)
        .args(["pack", &name, "--silent", "--ignore-scripts"])
        .current_dir(&place)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| client(npm, error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing");
        return Err(client(npm, format!("{}: {last}", output.status)).into());
    }
    let archive = archive(&place)?.ok_or_else(|| client(npm, "it left no archive".into()))?;
    let bytes = fs::metadata(&archive).map_err(Error::io("read", &archive))?.len();
    progress.step(Step::Downloaded { bytes, total: Some(bytes) });
    Ok(Package { archive, place, _lock: lock })
}

fn client(npm: &Path, reason: String) -> SourceFault {
    SourceFault::Client { program: npm.display().to_string(), reason }
}

/// The one archive in a folder.
fn archive(place: &Path) -> Result<Option<PathBuf>, Error> {
    for entry in fs::read_dir(place).map_err(Error::io("read", place))? {
        let path = entry.map_err(Error::io("read", place))?.path();
        if path.extension().is_some_and(|extension| extension == "tgz") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn sum(path: &Path) -> Result<Digest, Error> {
    fs::File::open(path).and_then(Digest::of_reader).map_err(Error::io("read", path))
}
