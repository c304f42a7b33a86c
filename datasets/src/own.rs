//! Manifests of experiments that are not ours, and in folders of the user.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use yaml::Errors;

use crate::manifest::{Fault, Manifest, ManifestError};

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
    let file = format!("the program's {name}.yaml");
    own.insert(name.into(), parse(name, &yaml::Source::of_file(Path::new(&file), text)));
}

fn read(folder: &Path, name: &str, path: &Path) -> Result<Manifest, ManifestError> {
    let manifest = parse(name, &yaml::Source::read(path).map_err(Errors::from)?)?;
    Ok(Manifest { folder: Some(folder.into()), ..manifest })
}

fn parse(name: &str, source: &Arc<yaml::Source>) -> Result<Manifest, ManifestError> {
    let (manifest, node) = Manifest::of(source)?;
    let fail = |message: String| Errors::from(Fault::new("name", message).at(&node));
    if manifest.name != name {
        let found = &manifest.name;
        return Err(fail(format!("wanted {name:?}, as the file is called, found {found:?}")).into());
    }
    if Manifest::named(name).is_some() {
        let message = format!("{name:?} is a data set of regimen, wanted another name");
        return Err(fail(message).into());
    }
    Ok(manifest)
}

/// What is known by now.
pub(crate) fn all() -> Own {
    OWN.read().unwrap_or_else(PoisonError::into_inner).clone()
}
