//! What the tables of a store were made from, so that they are not made again from the same.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

use journal::Fold;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, file::failed};

/// Raised when the same journals make other tables.
const LAYOUT: u32 = 1;

/// The journals, defaults and layout that tables were made with.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    layout: u32,
    /// Bytes of each segment.
    segments: BTreeMap<String, u64>,
    /// Defaults of each experiment.
    defaults: BTreeMap<String, Option<Value>>,
    /// The tables.
    files: Vec<PathBuf>,
}

impl Stamp {
    pub(crate) fn new(
        fold: &Fold,
        defaults: &dyn Fn(&str) -> Option<Value>,
        files: &[PathBuf],
    ) -> Self {
        let mut known = BTreeMap::new();
        for run in fold.runs.values() {
            if !known.contains_key(&run.spec.experiment) {
                known.insert(run.spec.experiment.clone(), defaults(&run.spec.experiment));
            }
        }
        Self { layout: LAYOUT, segments: fold.positions(), defaults: known, files: files.to_vec() }
    }

    pub(crate) fn write(&self, tables: &Path) -> Result<(), Error> {
        let path = path_in(tables);
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let text = serde_json::to_vec(self).unwrap_or_default();
        fs::write(&temporary, text).map_err(|e| failed("write", &temporary, e))?;
        fs::rename(&temporary, &path).map_err(|e| failed("replace", &path, e))
    }

    /// Takes the stamp away before the tables change.
    pub(crate) fn remove(tables: &Path) {
        // One that stays is right or overwritten: tables are written from newer journals only.
        let _ = fs::remove_file(path_in(tables));
    }
}

/// Whether the tables of a store were made from its journals as they are now.
///
/// # Errors
/// [`Error::Journal`] when the journals cannot be listed.
pub fn are_current(
    journal: &Path,
    store: &Path,
    defaults: &dyn Fn(&str) -> Option<Value>,
) -> Result<bool, Error> {
    let tables = store.join("tables");
    let stamp = fs::read(path_in(&tables)).ok();
    let stamp: Option<Stamp> = stamp.and_then(|text| serde_json::from_slice(&text).ok());
    let Some(stamp) = stamp else { return Ok(false) };
    Ok(stamp.layout == LAYOUT
        && stamp.files.iter().all(|file| file.exists())
        && stamp.defaults.iter().all(|(name, value)| defaults(name) == *value)
        && stamp.segments == journal::lengths(journal)?)
}

/// Waits until nobody else writes the tables; nobody else does until the result is dropped.
pub(crate) fn take_turn(tables: &Path) -> Result<File, Error> {
    fs::create_dir_all(tables).map_err(|e| failed("create", tables, e))?;
    let folder = File::open(tables).map_err(|e| failed("open", tables, e))?;
    if let Err(error) = folder.lock() {
        tracing::debug!(path = %tables.display(), %error, "tables are not locked");
    }
    Ok(folder)
}

fn path_in(tables: &Path) -> PathBuf {
    tables.join("made_from.json")
}
