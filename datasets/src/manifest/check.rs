//! Checks that a manifest is complete and consistent.

use std::collections::BTreeSet;

use yaml::{Error, Node, Path};

use super::{Holding, Manifest, Registry, Source};

/// What makes a manifest unusable.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The key at the top that it is about.
    key: &'static str,
    /// What was wanted and what was found.
    message: String,
}

impl Fault {
    pub(crate) fn new(key: &'static str, message: impl Into<String>) -> Self {
        Self { key, message: message.into() }
    }

    /// With the place of its key in the tree that the manifest was read from.
    pub(crate) fn at(self, manifest: &Node) -> Error {
        let span = manifest.get(self.key).map_or(&manifest.span, |node| &node.span);
        Error::new(span, Path::from_iter([self.key]), self.message)
    }
}

impl Manifest {
    /// What makes a manifest unusable, the first thing only.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || self.name.starts_with('-') || !self.name.chars().all(plain) {
            let wanted = "lower-case letters, digits and hyphens";
            return Err(Fault::new("name", format!("wanted {wanted}, found {:?}", self.name)));
        }
        for (key, text) in
            [("summary", &self.summary), ("licence", &self.licence), ("citation", &self.citation)]
        {
            if text.trim().is_empty() {
                return Err(Fault::new(key, "wanted a text, found none"));
            }
        }
        if self.obtain.as_ref().is_some_and(|text| text.trim().is_empty()) {
            return Err(Fault::new("obtain", "wanted a text, found none"));
        }
        self.check_files()?;
        self.check_sources()
    }

    fn check_files(&self) -> Result<(), Fault> {
        let mut paths = BTreeSet::new();
        for file in self.wanted() {
            inside("files", file.path)?;
            if !paths.insert(file.path) {
                return Err(Fault::new("files", format!("{:?} is listed twice", file.path)));
            }
        }
        if paths.is_empty() {
            return Err(Fault::new("files", "wanted at least one"));
        }
        for path in &paths {
            let parents = path.match_indices('/').map(|(at, _)| &path[..at]);
            if let Some(parent) = parents.into_iter().find(|parent| paths.contains(parent)) {
                return Err(Fault::new(
                    "files",
                    format!("{parent:?} is a file and a folder of {path:?}"),
                ));
            }
        }
        Ok(())
    }

    fn check_sources(&self) -> Result<(), Fault> {
        for source in &self.sources {
            match source {
                Source::Mirror { path, holds, .. } => {
                    inside("sources", path)?;
                    self.check_holding(holds)?;
                }
                Source::Registry { registry, package, version, holds, sha256 } => {
                    check_package(*registry, package, version.as_deref(), sha256.is_some())?;
                    self.check_holding(holds)?;
                }
                Source::Url { url, holds, .. } => {
                    check_address(url)?;
                    self.check_holding(holds)?;
                }
                Source::Made { of, .. } => of.iter().try_for_each(|url| check_address(url))?,
                Source::Tree { .. } => {}
            }
            let apt = matches!(source, Source::Registry { registry: Registry::Apt, .. });
            // The user vouches for a tree.
            let signed = apt || matches!(source, Source::Tree { .. });
            if let Some(file) = self.recorded.iter().find(|file| source.gives(&file.path))
                && !signed
            {
                let wanted = "apt or a tree alone to give a recorded file";
                return Err(Fault::new(
                    "sources",
                    format!("wanted {wanted}, found another for {:?}", file.path),
                ));
            }
        }
        for file in self.wanted() {
            // The user gives it.
            let recorded = self.recorded.iter().any(|recorded| recorded.path == file.path);
            if !recorded && !self.sources.iter().any(|source| source.gives(file.path)) {
                return Err(Fault::new("sources", format!("none gives {:?}", file.path)));
            }
        }
        Ok(())
    }

    fn check_holding(&self, holds: &Holding) -> Result<(), Fault> {
        match holds {
            Holding::File { file } | Holding::Gz { file } => {
                if !self.wanted().any(|wanted| wanted.path == file) {
                    return Err(Fault::new("sources", format!("{file:?} is not among the files")));
                }
                Ok(())
            }
            Holding::TarGz { under, .. } | Holding::Zip { under } => {
                if under.is_empty() {
                    Ok(())
                } else {
                    inside("sources", under)
                }
            }
        }
    }
}

/// Names that a client cannot take for anything else, and all that pins the archive.
fn check_package(
    registry: Registry,
    package: &str,
    version: Option<&str>,
    sum: bool,
) -> Result<(), Fault> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@/._+-".contains(c);
    for text in [Some(package), version].into_iter().flatten() {
        if text.is_empty() || text.starts_with(['-', '.', '/']) || !text.chars().all(plain) {
            let wanted = format!("the name and version of a package of {registry}");
            return Err(Fault::new("sources", format!("wanted {wanted}, found {text:?}")));
        }
    }
    match (registry, version.is_some(), sum) {
        (Registry::Apt, false, false) | (Registry::Npm | Registry::Pip, true, true) => Ok(()),
        (Registry::Apt, ..) => Err(Fault::new(
            "sources",
            format!("apt withdraws releases, wanted no version and no sha256 of {package:?}"),
        )),
        _ => Err(Fault::new(
            "sources",
            format!("wanted the version and the sha256 of {package:?} of {registry}"),
        )),
    }
}

fn check_address(url: &str) -> Result<(), Fault> {
    if ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(());
    }
    Err(Fault::new("sources", format!("wanted an http(s) address, found {url:?}")))
}

/// Whether `path` names something inside the folder it is relative to, whatever that folder is.
/// Names with a leading dot are the store's own.
fn inside(key: &'static str, path: &str) -> Result<(), Fault> {
    let part = |part: &str| !part.is_empty() && !part.starts_with('.');
    if path.contains(['\\', '\0']) || !path.split('/').all(part) {
        return Err(Fault::new(key, format!("wanted a plain relative path, found {path:?}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::manifest::{EMBEDDED, Manifest};

    const SOUND: &str = "
name: small
version: 1
summary: two files
licence: CC0
citation: none
sources:
  - { from: mirror, path: small.tgz, holds: { as: tar.gz, under: small, unpacked: 10240 } }
files:
  - { path: a/one, bytes: 3, sha256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad }
  - { path: two, bytes: 0, sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 }
";

    #[test]
    fn every_embedded_manifest_is_sound_and_named_like_its_file() {
        for (path, text) in EMBEDDED {
            let manifest = Manifest::parse(path, text).unwrap();
            assert_eq!(format!("manifests/{}.yaml", manifest.name), *path);
        }
        let babi = Manifest::named("babi1-dialog").unwrap();
        assert_eq!((babi.files.len(), babi.bytes()), (90, 7_770_092));
    }

    #[test]
    fn the_checksum_is_over_the_sorted_sums_and_paths_only() {
        let manifest = Manifest::parse("small.yaml", SOUND).unwrap();
        let lines = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a/one\n\
                     e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  two\n";
        assert_eq!(manifest.checksum(), crate::Digest::of(lines.as_bytes()));
        let mut other = manifest.clone();
        other.files.reverse();
        other.version = 2;
        other.sources.clear();
        assert_eq!(other.checksum(), manifest.checksum());
        other.files[0].path = "three".into();
        assert_ne!(other.checksum(), manifest.checksum());
    }

    #[test]
    fn unsound_manifests_say_why() {
        let cases = [
            ("name: small", "name: Small"),
            ("licence: CC0", "licence: ' '"),
            ("version: 1", "version: one"),
            ("version: 1", "version: 1\nversions: 2"),
            ("path: two", "path: ../two"),
            ("path: two", "path: /two"),
            ("path: two", "path: a//two"),
            ("path: two", "path: a/one"),
            ("path: two", "path: a"),
            ("sha256: ba", "sha256: BA"),
            ("path: small.tgz", "path: ../small.tgz"),
            ("under: small", "under: /small"),
            ("as: tar.gz, under: small, unpacked: 10240", "as: gz, file: three"),
            ("as: tar.gz, under: small, unpacked: 10240", "as: file, file: two"),
            ("as: tar.gz", "as: rar"),
            ("as: tar.gz, under: small, unpacked: 10240", "as: zip, under: ../small"),
            ("from: mirror, path: small.tgz", "from: url, url: 'ftp://x.org/small.tgz'"),
            (
                "from: mirror, path: small.tgz",
                "from: registry, registry: npm, package: '--global', version: 1.0.0, sha256: \
                 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                "from: mirror, path: small.tgz",
                "from: registry, registry: pip, package: small, version: 1.0.0",
            ),
            (
                "from: mirror, path: small.tgz",
                "from: registry, registry: apt, package: small, version: 1.0.0",
            ),
            ("from: mirror, path: small.tgz", "from: registry, registry: brew, package: small"),
            ("files:", "recorded: [{ path: three, at_most: 10 }]\nfiles:"),
            ("files:", "recorded: [{ path: two, at_most: 10 }]\nfiles:"),
        ];
        let mut said = String::new();
        for (sound, unsound) in cases {
            assert!(SOUND.contains(sound));
            let error = Manifest::parse("small.yaml", &SOUND.replacen(sound, unsound, 1));
            said.push_str(&format!("{unsound}\n  {}\n", error.unwrap_err()));
        }
        insta::assert_snapshot!(said);
    }
}
