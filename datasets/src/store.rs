//! The cache of verified data sets.
//!
//! ```text
//! CACHE/datasets/NAME/VERSION-CHECKSUM/   the files and a marker: visible only when complete
//! CACHE/datasets/NAME-*.recorded.json     sums of files that the manifest knows none of, as they came first
//! CACHE/datasets/NAME.lock                held while one process fetches
//! CACHE/downloads/SHA256-OF-URL.part      a download that can be resumed
//! CACHE/downloads/REGISTRY-SHA256/        where a registry's client puts a package
//! ```

mod archive;
mod download;
mod draw;
mod fetch;
mod folder;
mod receive;
mod recipe;
mod registry;
mod verify;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::Error;
use crate::manifest::{Manifest, ManifestError, ManifestFile, Registry, Source};
use crate::own;
use crate::progress::Progress;
pub use verify::{Fault, Report};

const MARKER: &str = ".published.json";

/// The cache of verified data sets, and the right to fill it.
///
/// A data set is either not there or complete: files are gathered and verified in a hidden folder,
/// synced, and published by one rename, under a lock.
#[derive(Debug, Clone)]
pub struct Store {
    cache: PathBuf,
    mirror: Option<PathBuf>,
    offline: bool,
    /// Programs in place of those in the search path.
    clients: BTreeMap<Registry, PathBuf>,
    /// The program that decodes videos.
    decoder: PathBuf,
    manifests: Vec<Manifest>,
    /// Manifests of the user that cannot be used.
    wrong: BTreeMap<String, ManifestError>,
}

/// A published data set.
#[derive(Debug, Clone)]
pub struct DatasetDir {
    /// With every file pinned.
    manifest: Manifest,
    received: Vec<Received>,
    path: PathBuf,
}

/// A file that the manifest knows no sum of, as it was recorded when it was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// What came.
    pub file: ManifestFile,
    /// Where it came from: a package with its version, or a path of the mirror.
    pub from: String,
}

/// One line of [`Store::list`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The data set.
    pub name: String,
    /// The manifest's version.
    pub version: u32,
    /// Whether it is in the cache.
    pub state: State,
    /// Length of all files together.
    pub bytes: u64,
    /// The licence of the data.
    pub licence: String,
    /// What it is.
    pub summary: String,
}

/// Whether a data set is in the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Verified and visible.
    Published,
    /// Not there.
    Absent,
    /// Something else stands in its place.
    Unusable(String),
}

/// What the marker file of a published directory says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Marker {
    name: String,
    version: u32,
    checksum: Digest,
    /// In the manifest's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    received: Vec<Received>,
}

impl Store {
    /// The store at `cache` with this crate's manifests and those of [`look_in`](crate::look_in).
    ///
    /// `mirror` is a directory where sources may already lie. With `offline`, nothing touches the
    /// network (mirrors are still used). Touches no file.
    pub fn new(cache: &Path, mirror: Option<&Path>, offline: bool) -> Self {
        let (mut manifests, mut wrong) = (Manifest::all().to_vec(), BTreeMap::new());
        for (name, own) in own::all() {
            match own {
                Ok(manifest) => manifests.push(manifest),
                Err(error) => drop(wrong.insert(name, error)),
            }
        }
        let (cache, mirror) = (cache.to_owned(), mirror.map(Path::to_owned));
        let (clients, decoder) = (BTreeMap::new(), "ffmpeg".into());
        Self { cache, mirror, offline, clients, decoder, manifests, wrong }
    }

    /// The same store, which also knows `manifest`, in place of one with the same name.
    #[must_use]
    pub fn with_manifest(mut self, manifest: Manifest) -> Self {
        self.manifests.retain(|known| known.name != manifest.name);
        self.manifests.push(manifest);
        self
    }

    /// The same store, which runs `program` as the client of `registry`, in place of the one in the
    /// search path.
    #[must_use]
    pub fn with_client(mut self, registry: Registry, program: &Path) -> Self {
        self.clients.insert(registry, program.into());
        self
    }

    /// The same store, which decodes videos by `program`, in place of the ffmpeg in the search path.
    #[must_use]
    pub fn with_decoder(self, program: &Path) -> Self {
        Self { decoder: program.into(), ..self }
    }

    fn program(&self, registry: Registry) -> &Path {
        self.clients.get(&registry).map_or(registry.program().as_ref(), PathBuf::as_path)
    }

    /// The manifest called `name`.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::Manifest`] where one of the user cannot be used.
    pub fn manifest(&self, name: &str) -> Result<&Manifest, Error> {
        if let Some(error) = self.wrong.get(name) {
            return Err(error.clone().into());
        }
        self.manifests.iter().find(|manifest| manifest.name == name).ok_or_else(|| {
            let known = self.manifests.iter().map(|manifest| manifest.name.clone()).collect();
            Error::Unknown { name: name.into(), known }
        })
    }

    /// The data set `name`, fetched first where it is not in the cache.
    ///
    /// A published directory is trusted and costs a few system calls; [`Store::verify`] hashes it.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Fetch`] with every source's reason, or what the file system said.
    pub fn open(&self, name: &str) -> Result<DatasetDir, Error> {
        let manifest = self.manifest(name)?;
        match self.published(manifest)? {
            Some(dir) => Ok(dir),
            None => self.publish(manifest, &mut (), |found| Ok(found.is_some())),
        }
    }

    /// Makes the data set `name` right: fetches it where it is absent or does not verify.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn fetch(&self, name: &str, progress: &mut dyn Progress) -> Result<DatasetDir, Error> {
        let sound = |found: Option<&DatasetDir>| match found {
            Some(dir) => Ok(dir.verify()?.faults.is_empty()),
            None => Ok(false),
        };
        self.publish(self.manifest(name)?, progress, sound)
    }

    /// Hashes every file of the published data set `name`.
    ///
    /// # Errors
    /// [`Error::Absent`], or what the file system said; a wrong file is in the report, not an error.
    pub fn verify(&self, name: &str) -> Result<Report, Error> {
        self.present(name)?.verify()
    }

    /// The directory of the published data set `name`.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Absent`].
    pub fn path(&self, name: &str) -> Result<PathBuf, Error> {
        Ok(self.present(name)?.path)
    }

    /// Identifies the content of the data set `name`, as a run's identity has it: the manifest's sum,
    /// or where files are recorded, the sum of what is published.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::Absent`] where files are recorded and none is published.
    pub fn checksum(&self, name: &str) -> Result<Digest, Error> {
        let manifest = self.manifest(name)?;
        if manifest.recorded.is_empty() {
            return Ok(manifest.checksum());
        }
        Ok(self.present(name)?.manifest.checksum())
    }

    /// Whether the mirror, or the user's folder beside the manifest, has every file of the data set `name`, by their names alone.
    ///
    /// # Errors
    /// [`Error::Unknown`].
    pub fn is_mirrored(&self, name: &str) -> Result<bool, Error> {
        let manifest = self.manifest(name)?;
        let folders = self.folders(manifest);
        let sources = || {
            manifest.sources.iter().filter(|source| match (source, &self.mirror) {
                (Source::Mirror { path, .. }, Some(mirror)) => mirror.join(path).is_file(),
                (Source::Tree { by, .. }, _) => folders.iter().any(|at| by.root(at).is_some()),
                _ => false,
            })
        };
        Ok(manifest.wanted().all(|file| {
            let lies = folders.iter().any(|folder| folder.join(file.path).is_file());
            lies || sources().any(|source| source.gives(file.path))
        }))
    }

    /// Folders in which the files of a data set may lie as they are: the mirror's, and the user's beside
    /// the manifest.
    fn folders(&self, manifest: &Manifest) -> Vec<PathBuf> {
        let folders = [self.mirror.as_ref(), manifest.folder.as_ref()];
        folders.into_iter().flatten().map(|folder| folder.join(&manifest.name)).collect()
    }

    /// Where the sums are kept that files had when they came first.
    fn record(&self, manifest: &Manifest) -> PathBuf {
        let version = self.directory(manifest);
        let version = version.file_name().unwrap_or_default().to_string_lossy();
        self.cache.join("datasets").join(format!("{}-{version}.recorded.json", manifest.name))
    }

    /// Whether a data set may be fetched from the network.
    pub fn is_online(&self) -> bool {
        !self.offline
    }

    /// Every data set this store knows, sorted by name.
    pub fn list(&self) -> Vec<Row> {
        let mut rows: Vec<_> = self.manifests.iter().map(|manifest| self.row(manifest)).collect();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows
    }

    fn row(&self, manifest: &Manifest) -> Row {
        let state = match self.published(manifest) {
            Ok(Some(_)) => State::Published,
            Ok(None) => State::Absent,
            Err(error) => State::Unusable(error.to_string()),
        };
        Row {
            name: manifest.name.clone(),
            version: manifest.version,
            state,
            bytes: manifest.bytes(),
            licence: manifest.licence.clone(),
            summary: manifest.summary.clone(),
        }
    }

    fn present(&self, name: &str) -> Result<DatasetDir, Error> {
        let manifest = self.manifest(name)?;
        self.published(manifest)?
            .ok_or_else(|| Error::Absent { dataset: name.into(), path: self.directory(manifest) })
    }

    /// The folder of all versions of a data set.
    fn home(&self, manifest: &Manifest) -> PathBuf {
        self.cache.join("datasets").join(&manifest.name)
    }

    /// Where a data set is published.
    fn directory(&self, manifest: &Manifest) -> PathBuf {
        let checksum = manifest.checksum().to_string();
        self.home(manifest).join(format!("{}-{}", manifest.version, &checksum[..16]))
    }

    fn published(&self, manifest: &Manifest) -> Result<Option<DatasetDir>, Error> {
        let path = self.directory(manifest);
        if !folder::is_own(&self.cache, &path)? {
            return Ok(None);
        }
        let marker = path.join(MARKER);
        match fs::read(&marker) {
            Ok(bytes) => {
                let marker: Option<Marker> = serde_json::from_slice(&bytes).ok();
                let ours = marker.filter(|marker| marker.is_of(manifest));
                Ok(ours.map(|marker| DatasetDir::new(manifest, marker.received, path)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", &marker)(error)),
        }
    }
}

impl Marker {
    fn of(manifest: &Manifest) -> Self {
        Self {
            name: manifest.name.clone(),
            version: manifest.version,
            checksum: manifest.checksum(),
            received: Vec::new(),
        }
    }

    fn is_of(&self, manifest: &Manifest) -> bool {
        let Self { name, version, checksum, received } = self;
        let recorded = manifest.recorded.iter().map(|file| &file.path);
        (name, *version, *checksum) == (&manifest.name, manifest.version, manifest.checksum())
            && received.iter().map(|received| &received.file.path).eq(recorded)
    }
}

impl DatasetDir {
    fn new(manifest: &Manifest, received: Vec<Received>, path: PathBuf) -> Self {
        let mut manifest = manifest.clone();
        manifest.recorded.clear();
        manifest.files.extend(received.iter().map(|received| received.file.clone()));
        Self { manifest, received, path }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the directory holds; a recorded file is among the others, with the sum of what came.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The path of `file`.
    ///
    /// # Errors
    /// [`Error::NoFile`] when the manifest does not list it.
    pub fn file(&self, file: &str) -> Result<PathBuf, Error> {
        Ok(self.path.join(&self.listed(file)?.path))
    }

    /// The content of `file`.
    ///
    /// # Errors
    /// [`Error::NoFile`], [`Error::Damaged`] when it is not a plain file of the manifest's length,
    /// or what the file system said.
    pub fn read(&self, file: &str) -> Result<Vec<u8>, Error> {
        let listed = self.listed(file)?;
        if let Some(Fault { wanted, found, .. }) = self.length_fault(listed)? {
            let (dataset, path) = (self.manifest.name.clone(), self.path.join(file));
            return Err(Error::Damaged { dataset, path, wanted, found });
        }
        let path = self.path.join(file);
        fs::read(&path).map_err(Error::io("read", &path))
    }

    fn listed(&self, file: &str) -> Result<&ManifestFile, Error> {
        self.manifest
            .file(file)
            .ok_or_else(|| Error::NoFile { dataset: self.manifest.name.clone(), file: file.into() })
    }
}

/// Where the cache lies by default: `REGIMEN_CACHE`, else `$XDG_CACHE_HOME/regimen`, else
/// `$HOME/.cache/regimen`.
///
/// # Errors
/// [`Error::NoCache`] when none of the three is set.
pub fn default_cache() -> Result<PathBuf, Error> {
    cache_from(|name| env::var_os(name)).ok_or(Error::NoCache)
}

/// An empty variable counts as unset, and so does a relative `XDG_CACHE_HOME`, as its
/// specification wants.
fn cache_from(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let path = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    path("REGIMEN_CACHE")
        .or_else(|| {
            path("XDG_CACHE_HOME").filter(|xdg| xdg.is_absolute()).map(|p| p.join("regimen"))
        })
        .or_else(|| path("HOME").map(|home| home.join(".cache/regimen")))
}

#[cfg(test)]
mod tests {
    use super::cache_from;
    use std::path::PathBuf;

    #[test]
    fn the_first_variable_that_is_set_names_the_cache() {
        let cache = |set: &[(&str, &str)]| {
            cache_from(|name| set.iter().find(|(key, _)| *key == name).map(|(_, v)| (*v).into()))
        };
        let (own, xdg, home) = (("REGIMEN_CACHE", "c"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h"));
        assert_eq!(cache(&[home, xdg, own]), Some(PathBuf::from("c")));
        assert_eq!(cache(&[home, xdg, ("REGIMEN_CACHE", "")]), Some(PathBuf::from("/x/regimen")));
        assert_eq!(cache(&[home, ("XDG_CACHE_HOME", "x")]), Some("/h/.cache/regimen".into()));
        assert_eq!(cache(&[]), None);
    }
}
