//! Checksums of single files, which are read again only where they may have changed.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{FileError, unreadable};

/// Age of a change from which on another one certainly has another time.
const SETTLED: Duration = Duration::from_secs(2);
/// The file of sums in the data cache, and how many bytes it may have.
const KEPT: &str = "file-sums.jsonl";
const LARGEST: u64 = 16 << 20;
/// Bytes from which on reading a file takes longer than looking for its sum.
const LARGE: u64 = 1 << 20;

/// One line of the file of sums.
#[derive(Serialize, Deserialize)]
struct Line {
    stamp: Stamp,
    sum: String,
}

/// Seconds and nanoseconds since 1970.
pub(super) type Time = (i64, i64);

/// What tells that a file may have changed. A program that sets times back leaves the last one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Stamp {
    path: PathBuf,
    inode: (u64, u64),
    bytes: u64,
    modified: Time,
    changed: Time,
}

impl Stamp {
    fn of(path: &Path, found: &Metadata) -> Self {
        Self {
            path: path.into(),
            inode: (found.dev(), found.ino()),
            bytes: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }

    /// Whether a change from now on could leave the stamp as it is: clocks of file systems tick.
    fn is_fresh(&self) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let changed = Duration::from_secs(self.changed.0.max(0).cast_unsigned());
        now < changed + SETTLED
    }
}

/// What is known of files.
#[derive(Default)]
struct Known {
    sums: HashMap<Stamp, String>,
    /// Where sums of large files are kept for other processes.
    kept: Option<PathBuf>,
}

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// Has sums of large files kept in a file of the folder `cache`, and takes those that are kept there.
/// What cannot be read or written costs time alone.
pub fn keep_sums_in(cache: &Path) {
    let path = cache.join(KEPT);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if fs::metadata(&path).is_ok_and(|found| found.len() > LARGEST) {
        // What is still needed is summed once more.
        let _ = fs::remove_file(&path);
    }
    let text = fs::read_to_string(&path).unwrap_or_default();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
    known.sums.extend(lines.map(|Line { stamp, sum }| (stamp, sum)));
    known.kept = Some(path);
}

/// Appends a line with one write, which other processes do not tear.
fn keep(path: &Path, line: &Line) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    File::options().create(true).append(true).open(path)?.write_all(text.as_bytes())
}

/// SHA-256 of a file, which is read again only if it may have changed, and when it did last.
pub(super) fn of_file(name: &str, path: &Path) -> Result<(String, Time), FileError> {
    let tried = || std::path::absolute(path).unwrap_or_else(|_| path.into());
    let failed = |error| unreadable(name, &tried(), error);
    let found = fs::metadata(path).map_err(failed)?;
    if !found.is_file() {
        return Err(FileError::Special { name: name.into(), tried: tried() });
    }
    // Another process may have been started elsewhere.
    let stamp = Stamp::of(&tried(), &found);
    let modified = stamp.modified;
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(sum) = known().sums.get(&stamp) {
        return Ok((sum.clone(), modified));
    }
    let sum = read(path).map_err(failed)?;
    if !stamp.is_fresh() {
        let mut known = known();
        known.sums.insert(stamp.clone(), sum.clone());
        if let Some(kept) = known.kept.as_ref().filter(|_| stamp.bytes >= LARGE) {
            // Another process sums it once more otherwise.
            let _ = keep(kept, &Line { stamp, sum: sum.clone() });
        }
    }
    Ok((sum, modified))
}

fn read(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(hash)),
            n => hash.update(&buffer[..n]),
        }
    }
}

pub(super) fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that changed some time ago.
    fn settled(path: &Path, bytes: usize) -> Stamp {
        fs::write(path, vec![7; bytes]).unwrap();
        let stamp = Stamp::of(path, &fs::metadata(path).unwrap());
        Stamp { changed: (stamp.changed.0 - 10, 0), ..stamp }
    }

    #[test]
    fn sums_that_another_process_kept_are_taken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large.bin");
        let stamp = settled(&path, 10);
        keep(&dir.path().join(KEPT), &Line { stamp: stamp.clone(), sum: "kept".into() }).unwrap();
        fs::write(dir.path().join("torn"), "{\"stamp\":").unwrap();
        keep_sums_in(dir.path());
        let known = KNOWN.lock().unwrap();
        assert_eq!(known.sums.get(&stamp).map(String::as_str), Some("kept"));
        // Any change makes it another file.
        let other = Stamp { modified: (stamp.modified.0, stamp.modified.1 + 1), ..stamp };
        assert_eq!(known.sums.get(&other), None);
    }
}
