//! Manifests of experiments that are not ours, and in folders of the user.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

use crate::manifest::{Manifest, ManifestError};

/// What the manifests that the process was told of say, or what is wrong with them, by name.
type Own = BTreeMap<String, Result<Manifest, ManifestError>>;

static OWN: RwLock<Own> = RwLock::new(Own::new());

/// Has every store of this process know the manifests `NAME.yaml` of a folder, which may be missing. Files
/// of the data set may lie beside, in the folder `NAME`. What is wrong with a manifest is an error of
/// whoever asks for its data set.
pub fn look_in(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut own = OWN.write().unwrap_or_else(PoisonError::into_inner);
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let name = path.file_stem().and_then(|name| name.to_str());
        let is_manifest = path.extension().is_some_and(|extension| extension == "yaml");
        if let Some(name) = name.filter(|_| is_manifest) {
            own.insert(name.into(), read(folder, name, &path));
        }
    }
}

/// Has every store of this process know a manifest that a program carries. What is wrong with it is an
/// error of whoever asks for its data set.
pub fn know(name: &str, text: &str) {
    let mut own = OWN.write().unwrap_or_else(PoisonError::into_inner);
    own.insert(name.into(), parse(name, &format!("the program's {name}.yaml"), text));
}

fn read(folder: &Path, name: &str, path: &Path) -> Result<Manifest, ManifestError> {
    let file = path.display().to_string();
    let text = fs::read_to_string(path)
        .map_err(|error| ManifestError { file: file.clone(), reason: error.to_string() })?;
    Ok(Manifest { folder: Some(folder.into()), ..parse(name, &file, &text)? })
}

fn parse(name: &str, file: &str, text: &str) -> Result<Manifest, ManifestError> {
    let fail = |reason: String| ManifestError { file: file.into(), reason };
    let manifest = Manifest::parse(file, text)?;
    if manifest.name != name {
        let reason =
            format!("name: wanted {name:?}, as the file is called, found {:?}", manifest.name);
        return Err(fail(reason));
    }
    if Manifest::named(name).is_some() {
        return Err(fail(format!("name: {name:?} is a data set of regimen, wanted another name")));
    }
    Ok(manifest)
}

/// What is known by now.
pub(crate) fn all() -> Own {
    OWN.read().unwrap_or_else(PoisonError::into_inner).clone()
}
