//! Files of a record.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::{Serialize, de::DeserializeOwned};

use crate::Error;

/// Writes a file that is there whole or not at all.
pub(super) fn write(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let draft = path.with_added_extension("draft");
    let written = || -> io::Result<()> {
        let mut file = File::create(&draft)?;
        file.write_all(&serde_json::to_vec_pretty(value)?)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    written().map_err(Error::record("write", path))
}

/// Reads one, if it is there.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        text => {
            let text = text.map_err(Error::record("read", path))?;
            let value = serde_json::from_slice(&text).map_err(io::Error::from);
            value.map(Some).map_err(Error::record("read", path))
        }
    }
}
