//! What the tables of a store were made from, so that they are not made again from the same, and
//! what they sum to, so that damage is not read as numbers.
//!
//! A sum is a CRC-32: it finds every burst of damage of up to 32 bits and lets one in four billion
//! of the others pass, at a few gigabytes a second. It is taken of a table when it is opened, of
//! no table that nobody reads.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek},
    path::{Component, Path, PathBuf},
};

use journal::Fold;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Error,
    file::{failed, parent},
};

/// Raised when the same journals make other tables.
const LAYOUT: u32 = 3;
/// The store's folder of tables.
pub(crate) const TABLES: &str = "tables";
/// The tables lie in it and in up to two folders below it.
const DEPTH: usize = 3;

/// Length and checksum of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sum {
    pub(crate) bytes: u64,
    pub(crate) crc32: u32,
}

impl Sum {
    /// Whether a file at its beginning sums to it; the file is at its beginning again afterwards.
    pub(crate) fn is_of(self, file: &mut File) -> io::Result<bool> {
        if file.metadata()?.len() != self.bytes {
            return Ok(false);
        }
        let mut crc = crc32fast::Hasher::new();
        let mut buffer = vec![0; 1 << 18];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => crc.update(&buffer[..read]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        file.rewind()?;
        Ok(crc.finalize() == self.crc32)
    }
}

/// The journals, defaults and layout that tables were made with.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    layout: u32,
    /// Bytes of each segment; absent while tables are written.
    segments: Option<BTreeMap<String, u64>>,
    /// Defaults of each experiment.
    defaults: BTreeMap<String, Option<Value>>,
    /// The tables, by their path from the folder of tables.
    files: BTreeMap<String, Sum>,
}

impl Stamp {
    /// The stamp of a folder of tables; none where there is none that this version can use.
    fn read(tables: &Path) -> Option<Self> {
        let stamp: Self = serde_json::from_slice(&fs::read(path_in(tables)).ok()?).ok()?;
        (stamp.layout == LAYOUT).then_some(stamp)
    }

    /// Takes the place of the stamp before tables change: they are not all there, those that are
    /// known keep their sums.
    pub(crate) fn begin(tables: &Path) -> Result<Self, Error> {
        let empty = Self {
            layout: LAYOUT,
            segments: None,
            defaults: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        let stamp = Self { segments: None, ..Self::read(tables).unwrap_or(empty) };
        stamp.write(tables)?;
        Ok(stamp)
    }

    /// The sum that a table was written with.
    pub(crate) fn sum(&self, tables: &Path, table: &Path) -> Option<Sum> {
        self.files.get(&key(tables, table)?).copied()
    }

    /// Completes the stamp: of these tables, made from a fold. Removes those of before that are not
    /// among them.
    pub(crate) fn complete(
        self,
        tables: &Path,
        made: &[(PathBuf, Sum)],
        fold: &Fold,
        defaults: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<(), Error> {
        let mut known = BTreeMap::new();
        for run in fold.runs.values() {
            if !known.contains_key(&run.spec.experiment) {
                known.insert(run.spec.experiment.clone(), defaults(&run.spec.experiment));
            }
        }
        let keyed = |(path, sum): &(PathBuf, Sum)| Some((key(tables, path)?, *sum));
        let files: BTreeMap<String, Sum> = made.iter().filter_map(keyed).collect();
        for gone in self.files.keys().filter(|file| !files.contains_key(*file)) {
            let path = tables.join(gone);
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(failed("remove", &path, error));
            }
            // Its folder goes with the last table in it.
            let _ = fs::remove_dir(parent(&path));
        }
        Self { layout: LAYOUT, segments: Some(fold.positions()), defaults: known, files }
            .write(tables)
    }

    fn write(&self, tables: &Path) -> Result<(), Error> {
        let path = path_in(tables);
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let text = serde_json::to_vec(self).unwrap_or_default();
        let written = fs::write(&temporary, text).map_err(|e| failed("write", &temporary, e));
        let written = written
            .and_then(|()| fs::rename(&temporary, &path).map_err(|e| failed("replace", &path, e)));
        if written.is_err() {
            // The error that ended the writing is the one worth reporting.
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

/// A table's path from the folder of tables, where it is text.
fn key(tables: &Path, table: &Path) -> Option<String> {
    Some(table.strip_prefix(tables).ok()?.to_str()?.to_owned())
}

/// Whether the tables of a store were made from its journals as they are now, as far as their
/// lengths tell; what is in them is looked at when they are read.
///
/// # Errors
/// [`Error::Journal`] when the journals cannot be listed.
pub fn are_current(
    journal: &Path,
    store: &Path,
    defaults: &dyn Fn(&str) -> Option<Value>,
) -> Result<bool, Error> {
    let tables = store.join(TABLES);
    let Some(stamp) = Stamp::read(&tables) else { return Ok(false) };
    let is_whole = |(file, sum): (&String, &Sum)| {
        fs::metadata(tables.join(file)).is_ok_and(|found| found.len() == sum.bytes)
    };
    Ok(stamp.files.iter().all(is_whole)
        && stamp.defaults.iter().all(|(name, value)| defaults(name) == *value)
        && stamp.segments == Some(journal::lengths(journal)?))
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

/// Opens a table for reading, after a look at its sum where one is known; `None` where there is no
/// file.
///
/// # Errors
/// [`Error::Damaged`] when it is not what was written; [`Error::Io`] when it cannot be read.
pub(crate) fn open(table: &Path) -> Result<Option<File>, Error> {
    let tables = folder_of(table);
    match look(table, tables)? {
        Found::Nothing => return Ok(None),
        Found::Sound(file) => return Ok(Some(file)),
        Found::Damaged => {}
    }
    // Unless somebody replaced it between the stamp and the table: nobody does in our turn.
    let folder = File::open(tables.unwrap_or(Path::new("."))).ok();
    let _turn = folder.filter(|folder| folder.lock_shared().is_ok());
    match look(table, tables)? {
        Found::Nothing => Ok(None),
        Found::Sound(file) => Ok(Some(file)),
        Found::Damaged => Err(Error::Damaged { path: table.into() }),
    }
}

enum Found {
    Nothing,
    Sound(File),
    Damaged,
}

fn look(table: &Path, tables: Option<&Path>) -> Result<Found, Error> {
    // Before the table: a newer table under an older stamp is looked at again.
    let stamp = tables.and_then(Stamp::read).filter(|stamp| stamp.segments.is_some());
    let wanted = stamp.zip(tables).and_then(|(stamp, tables)| stamp.sum(tables, table));
    let mut file = match File::open(table) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(e) => return Err(failed("open", table, e)),
    };
    let Some(wanted) = wanted else { return Ok(Found::Sound(file)) };
    let is_sound = wanted.is_of(&mut file).map_err(|e| failed("read", table, e))?;
    Ok(if is_sound { Found::Sound(file) } else { Found::Damaged })
}

/// The folder of tables that a table lies in.
fn folder_of(table: &Path) -> Option<&Path> {
    table.ancestors().skip(1).take(DEPTH).find(|folder| {
        folder.components().next_back() == Some(Component::Normal(TABLES.as_ref()))
            && path_in(folder).is_file()
    })
}

fn path_in(tables: &Path) -> PathBuf {
    tables.join("made_from.json")
}
