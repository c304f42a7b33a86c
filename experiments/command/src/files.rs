use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

/// What the name of a file begins with where the names of data sets are wanted.
pub const FILE: &str = "file:";

/// A path without what does not change it: `./run.py` is `run.py`.
pub(crate) fn spelled(file: &str) -> String {
    let parts = Path::new(file).components().filter(|part| *part != Component::CurDir);
    let path: PathBuf = parts.collect();
    path.to_str().filter(|path| !path.is_empty()).unwrap_or(file).into()
}

type Stamp = (PathBuf, u64, Option<SystemTime>);

/// SHA-256 of a file. A sweep asks once a point, so a file that did not change is read once.
///
/// # Errors
/// The file is no regular file or cannot be read.
pub fn checksum(path: &Path) -> io::Result<String> {
    static KNOWN: Mutex<Option<HashMap<Stamp, String>>> = Mutex::new(None);
    let mut file = File::open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::other("wanted a regular file"));
    }
    let stamp = (path.to_owned(), found.len(), found.modified().ok());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(sum) = known.get(&stamp) {
        return Ok(sum.clone());
    }
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => hash.update(&buffer[..n]),
        }
    }
    let sum: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    known.insert(stamp, sum.clone());
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::spelled;

    #[test]
    fn a_file_has_one_spelling() {
        for same in ["run.py", "./run.py", ".//./run.py"] {
            assert_eq!(spelled(same), "run.py");
        }
        for (written, path) in
            [("a//b/./c", "a/b/c"), ("../a", "../a"), ("/a/b/", "/a/b"), (".", ".")]
        {
            assert_eq!(spelled(written), path);
        }
    }
}
