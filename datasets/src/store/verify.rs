//! Verifies a published data set against the checksums of its manifest.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::{DatasetDir, Received, folder};
use crate::digest::Digest;
use crate::error::Error;
use crate::manifest::ManifestFile;

/// What hashing a published data set found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The data set.
    pub name: String,
    /// Its directory.
    pub path: PathBuf,
    /// How many files were looked at.
    pub files: usize,
    /// Those that are not as the manifest says; empty when all is well.
    pub faults: Vec<Fault>,
    /// The files that the manifest knows no sum of, as they were recorded.
    pub received: Vec<Received>,
}

/// A file that is not as the manifest says, or as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its path inside the data set.
    pub file: String,
    /// What the manifest says.
    pub wanted: String,
    /// What is there.
    pub found: String,
}

impl DatasetDir {
    pub(super) fn verify(&self) -> Result<Report, Error> {
        let mut faults = Vec::new();
        for file in &self.manifest.files {
            faults.extend(self.fault(file)?);
        }
        Ok(Report {
            name: self.manifest.name.clone(),
            path: self.path.clone(),
            files: self.manifest.files.len(),
            faults,
            received: self.received.clone(),
        })
    }

    fn fault(&self, file: &ManifestFile) -> Result<Option<Fault>, Error> {
        if let Some(fault) = self.length_fault(file)? {
            return Ok(Some(fault));
        }
        let path = self.path.join(&file.path);
        let found = Digest::of_file(&path).map_err(Error::io("read", &path))?;
        let wrong = || Fault {
            file: file.path.clone(),
            wanted: format!("sha256 {}", file.sha256),
            found: format!("sha256 {found}"),
        };
        Ok((found != file.sha256).then(wrong))
    }

    /// What one look at the directory entry of `file` can tell.
    pub(super) fn length_fault(&self, file: &ManifestFile) -> Result<Option<Fault>, Error> {
        let path = self.path.join(&file.path);
        let found = match fs::symlink_metadata(&path) {
            Ok(found) if !found.is_file() => folder::kind(&path, &found),
            Ok(found) if found.len() != file.bytes => format!("a file of {} bytes", found.len()),
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => "nothing".into(),
            Err(error) => return Err(Error::io("read", &path)(error)),
        };
        let wanted = format!("a file of {} bytes", file.bytes);
        Ok(Some(Fault { file: file.path.clone(), wanted, found }))
    }
}
