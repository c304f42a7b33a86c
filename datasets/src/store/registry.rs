//! Packages of a registry, by the registry's own client.
//!
//! | registry | what is run | code of the package that runs |
//! |---|---|---|
//! | npm | `npm pack NAME@VERSION --ignore-scripts` | none |
//! | pip | `pip download --no-deps --no-build-isolation --require-hashes` | none, see below |
//! | apt | `apt-get download NAME`, after `--print-uris` told version and sum | none |
//!
//! pip compares the sum before it opens an archive. It then wants the metadata of a source
//! distribution, for which setuptools would run `setup.py`: `pip/build_meta.py` stands in for setuptools
//! and gives the metadata that lies in the archive. A package with another build backend does not get
//! it from an environment without one, and says so.
//!
//! A whole archive that an interrupted fetch left is used again when its sum is right, and anything else
//! that it left is removed: apt takes a file of the right length for the right one. A client that is
//! interrupted in the middle of a package begins the package again, unless its own cache has it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::folder;
use super::receive::Stop;
use crate::digest::Digest;
use crate::error::{Error, SourceFault};
use crate::manifest::Registry;
use crate::progress::{Progress, Step};

const BACKEND: &str = include_str!("pip/build_meta.py");
/// How the names of archives end.
const ARCHIVES: [&str; 5] = ["tgz", "gz", "zip", "whl", "deb"];
/// What clients say when the disk is full.
const FULL: [&str; 2] = ["No space left on device", "ENOSPC"];
/// What clients say when they reach nothing.
const UNREACHABLE: [&str; 8] = [
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ENETUNREACH",
    "Failed to establish a new connection",
    "NameResolutionError",
    "Network is unreachable",
    "Temporary failure",
];

/// A package, and the client that gets it.
pub(super) struct Order<'a> {
    pub(super) registry: Registry,
    pub(super) program: &'a Path,
    pub(super) package: &'a str,
    pub(super) version: Option<&'a str>,
    pub(super) sha256: Option<Digest>,
}

/// A package's archive, locked against other processes until it is dropped.
pub(super) struct Package {
    pub(super) archive: PathBuf,
    /// What the archive's sum must be.
    pub(super) sha256: Digest,
    /// The package with its version.
    pub(super) name: String,
    /// The folder it lies in, which holds nothing else.
    pub(super) place: PathBuf,
    _lock: fs::File,
}

/// What an archive will be.
struct Promise {
    name: String,
    sha256: Digest,
}

impl Order<'_> {
    /// Gets the archive, below `cache`.
    pub(super) fn get(&self, cache: &Path, progress: &mut dyn Progress) -> Result<Package, Stop> {
        let wanted = self.name(self.version);
        let sum = Digest::of(wanted.as_bytes());
        let place = cache.join("downloads").join(format!("{}-{sum}", self.registry));
        folder::make(cache, &place)?;
        let lock = folder::lock(&place.with_extension("lock"), progress)?;
        let Promise { name, sha256 } = self.promise(&place)?;
        if let Some(archive) = archive(&place)? {
            if Digest::of_file(&archive).map_err(Error::io("read", &archive))? == sha256 {
                return Ok(Package { archive, sha256, name, place, _lock: lock });
            }
            folder::clear(&place)?;
            folder::make(cache, &place)?;
        }
        self.run(&mut self.client(&place)?)?;
        let archive = archive(&place)?.ok_or_else(|| self.fault("it left no archive".into()))?;
        let bytes = fs::metadata(&archive).map_err(Error::io("read", &archive))?.len();
        progress.step(Step::Downloaded { bytes, total: Some(bytes) });
        Ok(Package { archive, sha256, name, place, _lock: lock })
    }

    /// The package at a version, as its registry writes it.
    pub(super) fn name(&self, version: Option<&str>) -> String {
        let (package, version) = (self.package, version.unwrap_or_default());
        match self.registry {
            _ if version.is_empty() => package.into(),
            Registry::Npm => format!("{package}@{version}"),
            Registry::Pip => format!("{package}=={version}"),
            Registry::Apt => format!("{package}={version}"),
        }
    }

    /// What the manifest says, or else the registry.
    fn promise(&self, place: &Path) -> Result<Promise, Stop> {
        if let Some(sha256) = self.sha256 {
            return Ok(Promise { name: self.name(self.version), sha256 });
        }
        let mut ask = self.command(place);
        ask.args(["download", "--print-uris", "-o", "Acquire::ForceHash=SHA256", self.package]);
        let answer = String::from_utf8_lossy(&self.run(&mut ask)?.stdout).into_owned();
        let line = answer.lines().rfind(|line| line.starts_with('\'')).unwrap_or_default();
        // 'ADDRESS' NAME_VERSION_ARCHITECTURE.deb BYTES SHA256:SUM
        let words: Vec<_> = line.split(' ').collect();
        let described = || {
            let &[_, file, _, sum] = words.as_slice() else { return None };
            let version = file.split('_').nth(1)?.replace("%3a", ":");
            let sha256 = sum.strip_prefix("SHA256:")?.parse().ok()?;
            Some(Promise { name: self.name(Some(&version)), sha256 })
        };
        let found =
            || self.fault(format!("wanted the sha256 of its package, it answered {line:?}"));
        Ok(described().ok_or_else(found)?)
    }

    /// The command that puts the archive into `place`.
    fn client(&self, place: &Path) -> Result<Command, Error> {
        let mut command = self.command(place);
        let name = self.name(self.version);
        match self.registry {
            Registry::Npm => {
                command.args(["pack", &name, "--silent", "--ignore-scripts"]);
                // It would wait for minutes between its attempts.
                command.env("npm_config_fetch_retry_mintimeout", "1000");
                command.env("npm_config_fetch_retry_maxtimeout", "5000");
            }
            Registry::Pip => {
                let backend = place.join("backend");
                folder::clear(&backend)?;
                write(&backend.join("setuptools/__init__.py"), "")?;
                write(&backend.join("setuptools/build_meta.py"), BACKEND)?;
                let sum = self.sha256.map(|sum| format!(" --hash=sha256:{sum}"));
                let line = format!("{name}{}\n", sum.unwrap_or_default());
                write(&place.join("wanted.txt"), &line)?;
                command.args(["download", "--no-deps", "--no-build-isolation", "--require-hashes"]);
                command.args(["--requirement", "wanted.txt", "--dest", "."]);
                command.env("PYTHONPATH", backend).env("PYTHONDONTWRITEBYTECODE", "1");
                for (key, value) in [
                    ("PIP_USE_PEP517", "1"),
                    ("PIP_NO_INPUT", "1"),
                    ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
                    ("PIP_PROGRESS_BAR", "off"),
                ] {
                    command.env(key, value);
                }
            }
            Registry::Apt => {
                command.args(["download", "-o", "APT::Get::AllowUnauthenticated=false", &name]);
            }
        }
        Ok(command)
    }

    fn command(&self, place: &Path) -> Command {
        let mut command = Command::new(self.program);
        command.current_dir(place).stdin(Stdio::null()).env("LC_ALL", "C");
        command
    }

    /// Runs the client to its end.
    fn run(&self, command: &mut Command) -> Result<Output, SourceFault> {
        let output = command.output().map_err(|error| match error.kind() {
            ErrorKind::NotFound => SourceFault::NoClient {
                program: self.program.display().to_string(),
                install: self.registry.install(),
            },
            _ => self.fault(error.to_string()),
        })?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(self.fault(format!("{}: {}", output.status, gist(&said))))
    }

    fn fault(&self, reason: String) -> SourceFault {
        SourceFault::Client { program: self.program.display().to_string(), reason }
    }
}

/// The line of a client's complaint that says most.
fn gist(said: &str) -> String {
    let all: Vec<_> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if let Some(line) = all.iter().find(|line| FULL.iter().any(|mark| line.contains(mark))) {
        return (*line).into();
    }
    if let Some(line) = all.iter().find(|line| UNREACHABLE.iter().any(|mark| line.contains(mark))) {
        return format!("the registry cannot be reached: {line}");
    }
    let error = |line: &&&str| ["E: ", "ERROR: ", "error: "].iter().any(|m| line.starts_with(m));
    let line = all.iter().find(error).or(all.last()).copied().unwrap_or("nothing");
    let unknown = ["Unable to locate package", "Can't select candidate", "404  Not Found"];
    match unknown.iter().any(|mark| line.contains(mark)) {
        true => format!("{line} (`apt-get update` reads the index)"),
        false => line.into(),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    fs::write(path, text).map_err(Error::io("write", path))
}

/// The one archive in a folder.
fn archive(place: &Path) -> Result<Option<PathBuf>, Error> {
    for entry in fs::read_dir(place).map_err(Error::io("read", place))? {
        let path = entry.map_err(Error::io("read", place))?.path();
        let ending = path.extension().and_then(|extension| extension.to_str());
        if path.is_file() && ending.is_some_and(|ending| ARCHIVES.contains(&ending)) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
