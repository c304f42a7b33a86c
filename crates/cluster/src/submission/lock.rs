//! The lock of whoever submits.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::{FdFlags, fcntl_setfd};

use crate::Error;

/// Held until dropped, and by the programs that were started meanwhile until they ended, too.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "it is what is held")] File);

impl Lock {
    /// Waits for the lock of a folder of submissions. One that is handed on to the programs that are
    /// started is not free before the last of them ended: a `sbatch` that outlives its killed driver
    /// may still submit.
    pub(super) fn take(folder: &Path, handed_on: bool) -> Result<Self, Error> {
        let path = folder.join("lock");
        let file = File::options().create(true).append(true).open(&path);
        let file = file.map_err(Error::record("open", &path))?;
        let locked = flock(&file, FlockOperation::LockExclusive);
        locked.map_err(|error| Error::record("lock", &path)(error.into()))?;
        if handed_on {
            fcntl_setfd(&file, FdFlags::empty())
                .map_err(|error| Error::record("lock", &path)(error.into()))?;
        }
        Ok(Self(file))
    }
}
