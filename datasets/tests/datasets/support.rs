//! Small data sets and archives for the other modules.

use std::fmt;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use datasets::{Digest, Manifest, State, Store};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions as FileOptions;

/// The files of the data set `small`.
pub(crate) const FILES: [(&str, &[u8]); 2] = [("a/one.txt", b"one\n"), ("two.txt", b"two two\n")];

/// The manifest of `small`, with `sources` in YAML.
pub(crate) fn small(sources: &str) -> Manifest {
    let mut yaml = format!(
        "{{ name: small, version: 1, summary: two files, licence: CC0, citation: none, \
         sources: [{sources}], files: ["
    );
    for (path, bytes) in FILES {
        let (length, sum) = (bytes.len(), Digest::of(bytes));
        yaml.push_str(&format!("{{ path: {path}, bytes: {length}, sha256: {sum} }}, "));
    }
    Manifest::parse("small.yaml", &(yaml + "] }")).unwrap()
}

/// An archive of the mirror that holds `small` in the folder `s`.
pub(crate) const ARCHIVE: &str =
    "{ from: mirror, path: small.tgz, holds: { as: tar.gz, under: s, unpacked: 20000 } }";

/// A source that is an archive on the web.
pub(crate) fn at(url: impl fmt::Display, more: &str) -> String {
    format!(
        "{{ from: url, url: '{url}', holds: {{ as: tar.gz, under: s, unpacked: 20000 }}{more} }}"
    )
}

/// An archive with `small` in the folder `s`.
pub(crate) fn archive() -> Vec<u8> {
    let mut tar = Tar::default();
    for (path, bytes) in FILES {
        tar.file(&format!("s/{path}"), bytes);
    }
    tar.gz()
}

/// Builds archives, also ones that no sane program would write.
pub(crate) struct Tar(Builder<Vec<u8>>);

impl Default for Tar {
    fn default() -> Self {
        Self(Builder::new(Vec::new()))
    }
}

impl Tar {
    pub(crate) fn file(&mut self, path: &str, bytes: &[u8]) -> &mut Self {
        self.entry(path, EntryType::Regular, "", bytes)
    }

    pub(crate) fn entry(
        &mut self,
        path: &str,
        kind: EntryType,
        link: &str,
        bytes: &[u8],
    ) -> &mut Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // The setters refuse what these tests need.
        let old = header.as_old_mut();
        old.name[..path.len()].copy_from_slice(path.as_bytes());
        old.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        self.0.append(&header, bytes).unwrap();
        self
    }

    pub(crate) fn plain(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }

    pub(crate) fn gz(self) -> Vec<u8> {
        gz(&self.plain())
    }
}

/// Builds zip archives.
pub(crate) struct Zip(ZipWriter<Cursor<Vec<u8>>>);

impl Default for Zip {
    fn default() -> Self {
        Self(ZipWriter::new(Cursor::new(Vec::new())))
    }
}

impl Zip {
    pub(crate) fn file(&mut self, path: &str, bytes: &[u8]) -> &mut Self {
        self.0.start_file(path, FileOptions::DEFAULT).unwrap();
        self.0.write_all(bytes).unwrap();
        self
    }

    pub(crate) fn link(&mut self, path: &str, target: &str) -> &mut Self {
        self.0.add_symlink(path, target, FileOptions::DEFAULT).unwrap();
        self
    }

    pub(crate) fn folder(&mut self, path: &str) -> &mut Self {
        self.0.add_directory(path, FileOptions::DEFAULT).unwrap();
        self
    }

    pub(crate) fn bytes(&mut self) -> Vec<u8> {
        std::mem::take(self).0.finish().unwrap().into_inner()
    }
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An empty cache and an empty mirror.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("mirror")).unwrap();
        Self { folder }
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    pub(crate) fn mirror(&self) -> PathBuf {
        self.folder.path().join("mirror")
    }

    /// Puts a file into the mirror.
    pub(crate) fn mirrored(self, path: &str, bytes: &[u8]) -> Self {
        let path = self.mirror().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// A store that knows `small` with these sources.
    pub(crate) fn store(&self, sources: &str) -> Store {
        Store::new(&self.cache(), Some(&self.mirror()), false).with_manifest(small(sources))
    }

    /// `message` without what differs from run to run.
    pub(crate) fn anonymous(&self, message: impl fmt::Display) -> String {
        message.to_string().replace(&self.folder.path().display().to_string(), "TMP")
    }

    /// Every file and link in the cache, except locks.
    pub(crate) fn kept(&self) -> Vec<String> {
        let mut kept = Vec::new();
        walk(&self.cache(), &mut kept);
        kept.retain(|path| path.extension().is_none_or(|extension| extension != "lock"));
        let relative = |path: PathBuf| self.anonymous(path.display());
        let mut kept: Vec<_> = kept.into_iter().map(relative).collect();
        kept.sort();
        kept
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => walk(&entry.path(), found),
            false => found.push(entry.path()),
        }
    }
}

/// Whether `small` is in the store.
pub(crate) fn state(store: &Store) -> State {
    store.list().into_iter().find(|row| row.name == "small").unwrap().state
}

/// Asserts that `store` gives `small` as it should be.
pub(crate) fn assert_sound(store: &Store) {
    let dir = store.open("small").unwrap();
    for (path, bytes) in FILES {
        assert_eq!(dir.read(path).unwrap(), bytes, "{path}");
    }
    assert_eq!(store.verify("small").unwrap().faults, []);
}
