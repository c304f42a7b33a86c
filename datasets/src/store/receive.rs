//! The hidden folder in which files are verified before they are published.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use super::{Received, folder};
use crate::digest::Hashing;
use crate::error::{Error, SourceFault};
use crate::manifest::{Content, ManifestFile, Wanted};
use crate::progress::{Progress, Step};

/// Why receiving stopped.
pub(super) enum Stop {
    /// The source is at fault; another one may do better.
    Source(SourceFault),
    /// The store is at fault; no source can help.
    Store(Error),
}

impl Stop {
    /// The source's fault, or the store's as an error.
    pub(super) fn at_source(self) -> Result<SourceFault, Error> {
        match self {
            Self::Source(fault) => Ok(fault),
            Self::Store(error) => Err(error),
        }
    }
}

impl From<SourceFault> for Stop {
    fn from(fault: SourceFault) -> Self {
        Self::Source(fault)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// A folder that collects verified files.
pub(super) struct Staging<'a> {
    folder: &'a Path,
    files: usize,
    verified: BTreeMap<String, Received>,
    /// Where the next files come from.
    pub(super) origin: String,
    pub(super) progress: &'a mut dyn Progress,
}

impl<'a> Staging<'a> {
    pub(super) fn new(folder: &'a Path, files: usize, progress: &'a mut dyn Progress) -> Self {
        Self { folder, files, verified: BTreeMap::new(), origin: String::new(), progress }
    }

    pub(super) fn len(&self) -> usize {
        self.verified.len()
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.verified.contains_key(path)
    }

    /// What came for the file at `path`.
    pub(super) fn received(&self, path: &str) -> Option<&Received> {
        self.verified.get(path)
    }

    /// Removes `files` again.
    pub(super) fn forget(&mut self, files: &[Wanted<'_>]) -> Result<(), Error> {
        for file in files {
            self.verified.remove(file.path);
            folder::clear(&self.folder.join(file.path))?;
        }
        Ok(())
    }

    /// Writes what `reader` gives to `file`, called `name` in errors, and keeps it when the length
    /// and the sum are the manifest's. Reads at most one byte more than the manifest says.
    pub(super) fn receive(
        &mut self,
        file: Wanted<'_>,
        name: &str,
        reader: &mut dyn Read,
    ) -> Result<(), Stop> {
        let path = self.folder.join(file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        }
        let mut target = File::create(&path).map_err(Error::io("create", &path))?;
        let copied = copy(file, name, reader, &mut target, &path);
        let received = match copied {
            Ok(file) => Received { file, from: self.origin.clone() },
            Err(stop) => {
                folder::clear(&path)?;
                return Err(stop);
            }
        };
        target.sync_all().map_err(Error::io("sync", &path))?;
        self.verified.insert(file.path.into(), received);
        let (done, files) = (self.verified.len(), self.files);
        self.progress.step(Step::Verified { file: file.path, done, files });
        Ok(())
    }
}

/// Copies and describes a content, which is what `file` wants.
fn copy(
    file: Wanted<'_>,
    name: &str,
    reader: &mut dyn Read,
    target: &mut dyn Write,
    path: &Path,
) -> Result<ManifestFile, Stop> {
    let bound = file.content.bound();
    let mut reader = Hashing::new(reader.take(bound + 1));
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(SourceFault::Unpack(error).into()),
        };
        target.write_all(&buffer[..read]).map_err(Error::io("write", path))?;
    }
    let (name, bytes) = (name.to_owned(), reader.count());
    let exact = matches!(file.content, Content::Pinned { .. });
    if bytes > bound || exact && bytes < bound {
        let found = if bytes > bound { "more".into() } else { bytes.to_string() };
        return Err(SourceFault::Length { file: name, wanted: bound, found }.into());
    }
    let found = reader.finish();
    if let Content::Pinned { sha256: wanted, .. } = file.content
        && found != wanted
    {
        return Err(SourceFault::Checksum { file: name, wanted, found }.into());
    }
    Ok(ManifestFile { path: file.path.into(), bytes, sha256: found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn a_full_disk_is_the_stores_fault_and_names_the_path() {
        let content = Content::Pinned { bytes: 3, sha256: Digest::of(b"abc") };
        let file = Wanted { path: "one", content };
        let mut full = File::options().write(true).open("/dev/full").unwrap();
        let stop = copy(file, "one", &mut &b"abc"[..], &mut full, Path::new("/cache/one"));
        let Err(Stop::Store(error)) = stop else { panic!("the store is not blamed") };
        assert!(error.to_string().starts_with("cannot write /cache/one: No space left"), "{error}");
    }
}
