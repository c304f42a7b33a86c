//! Draws a data set's files out of one source.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::archive::unpack;
use super::download::{self, Download};
use super::folder;
use super::receive::{Staging, Stop};
use super::registry::Order;
use super::{Store, recipe};
use crate::error::SourceFault;
use crate::manifest::{Holding, Source, Wanted};

/// A source's name in messages.
pub(super) fn describe(source: &Source, mirror: Option<&Path>) -> String {
    match (source, mirror) {
        (Source::Mirror { path, .. }, Some(mirror)) => mirror.join(path).display().to_string(),
        (Source::Mirror { path, .. }, None) => format!("mirror {path}"),
        (Source::Registry { registry, package, version: Some(version), .. }, _) => {
            format!("{registry} {package} {version}")
        }
        (Source::Registry { registry, package, .. }, _) => format!("{registry} {package}"),
        (Source::Url { url, .. }, _) => url.clone(),
        (Source::Made { of, .. }, _) => of.join(" and "),
        (Source::Tree { by, .. }, _) => format!("the released files of {}", by.dataset()),
    }
}

/// Opens a file of the mirror. What is none, such as a pipe, is refused: whoever opens it may wait for
/// ever.
pub(super) fn open_mirrored(path: &Path) -> Result<File, SourceFault> {
    let found = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(SourceFault::Absent),
        found => found.map_err(SourceFault::io("read", path))?,
    };
    if !found.is_file() {
        let what = "wanted a regular file, found something else";
        let error = io::Error::new(io::ErrorKind::InvalidInput, what);
        return Err(SourceFault::io("read", path)(error));
    }
    File::open(path).map_err(SourceFault::io("read", path))
}

impl Store {
    /// Puts the files `wanted` from `source` into `staging`; `folders` are those in which files of the data
    /// set may lie.
    pub(super) fn draw(
        &self,
        source: &Source,
        folders: &[PathBuf],
        wanted: &[Wanted<'_>],
        staging: &mut Staging<'_>,
    ) -> Result<(), Stop> {
        if self.offline && source.is_remote() {
            return Err(SourceFault::Offline.into());
        }
        match source {
            Source::Mirror { path, holds, sha256 } => {
                let path = self.mirror.as_ref().ok_or(SourceFault::Absent)?.join(path);
                open_mirrored(&path)?;
                unpack(&path, *sha256, holds, wanted, staging)
            }
            Source::Registry { registry, package, version, holds, sha256 } => {
                let (version, sha256) = (version.as_deref(), *sha256);
                let program = self.program(*registry);
                let order = Order { registry: *registry, program, package, version, sha256 };
                let found = order.get(&self.cache, staging.progress)?;
                staging.origin = format!("{registry} {}", found.name);
                let drawn = unpack(&found.archive, Some(found.sha256), holds, wanted, staging);
                if !matches!(drawn, Err(Stop::Store(_))) {
                    folder::clear(&found.place)?;
                }
                drawn
            }
            Source::Url { url, holds, sha256, bytes } => {
                let limit = bytes.unwrap_or_else(|| largest(holds, wanted));
                let download = download::download(url, limit, &self.cache, staging.progress)?;
                let drawn = unpack(&download.path, *sha256, holds, wanted, staging);
                used(drawn, [download])
            }
            Source::Made { by, of, bytes } => {
                let get =
                    |url: &String| download::download(url, *bytes, &self.cache, staging.progress);
                let downloads = of.iter().map(get).collect::<Result<Vec<_>, _>>()?;
                let paths: Vec<_> = downloads.iter().map(|download| &*download.path).collect();
                let made = recipe::make(*by, &paths, wanted, staging);
                used(made, downloads)
            }
            Source::Tree { by } => {
                let root = folders.iter().find_map(|folder| by.root(folder));
                let root = root.ok_or(SourceFault::NoTree)?;
                staging.origin = root.display().to_string();
                recipe::from_tree(*by, (&root, &self.decoder), wanted, staging)
            }
        }
    }
}

/// Removes complete downloads that were used: one that is no good must not be resumed, but one that
/// met a full disk may be used again.
fn used(
    drawn: Result<(), Stop>,
    downloads: impl IntoIterator<Item = Download>,
) -> Result<(), Stop> {
    if !matches!(drawn, Err(Stop::Store(_))) {
        downloads.into_iter().try_for_each(Download::remove)?;
    }
    drawn
}

/// A bound on the bytes of a source that says none: compression never adds more than this.
fn largest(holds: &Holding, wanted: &[Wanted<'_>]) -> u64 {
    let files = || wanted.iter().map(|file| file.content.bound()).sum();
    let unpacked: u64 = match holds {
        Holding::TarGz { unpacked, .. } => *unpacked,
        Holding::File { .. } => return files(),
        Holding::Gz { .. } | Holding::Zip { .. } => files(),
    };
    unpacked + unpacked / 1000 + 1024
}
