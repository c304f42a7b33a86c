//! Files and folders of the user that runs read: by which names they go, and their checksums.

mod sum;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use walkdir::{DirEntry, WalkDir};

use crate::{DataRef, FileSum};
use sum::{hex, of_file};

pub use sum::keep_sums_in;

/// What the name of a file begins with where the names of data sets are wanted.
pub const FILE: &str = "file:";

/// Files that one name may stand for at most.
const MOST: usize = 100_000;
/// How long what a name stands for is taken for unchanged while a sweep is planned, which asks once
/// a point.
const PLANNING: Duration = Duration::from_secs(1);

/// Why a name of a file has no checksum.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Nothing of that name can be read.
    #[error(
        "wanted a file, a folder or a pattern such as src/*.py, found {name:?}: {tried}: {source}{hint}"
    )]
    Unreadable {
        /// The name.
        name: String,
        /// The absolute path.
        tried: PathBuf,
        /// Why.
        source: io::Error,
        /// What may be meant otherwise.
        hint: &'static str,
    },
    /// No pattern.
    #[error("wanted a pattern such as src/*.py, found {name:?}: {why}")]
    Pattern {
        /// The name.
        name: String,
        /// Why.
        why: String,
    },
    /// There is no file below it.
    #[error("wanted files, found none: {name:?} stands for {tried}")]
    Nothing {
        /// The name.
        name: String,
        /// The absolute path.
        tried: PathBuf,
    },
    /// There are too many files below it.
    #[error(
        "wanted at most {MOST} files, found more: {name:?} stands for {tried}; name what is read alone"
    )]
    TooMany {
        /// The name.
        name: String,
        /// The absolute path.
        tried: PathBuf,
    },
    /// Neither file nor folder.
    #[error("wanted a regular file, found something else: {name:?} stands for {tried}")]
    Special {
        /// The name.
        name: String,
        /// The absolute path.
        tried: PathBuf,
    },
}

impl DataRef {
    /// A file, a folder or a pattern such as `src/**/*.py`; paths start at the folder that the program is
    /// started in.
    pub fn file(path: &str) -> Self {
        Self { name: format!("{FILE}{}", normal_path(path)) }
    }
}

/// The present checksum of what a name among a run's data stands for, if that is no data set.
pub fn sum_of(name: &str) -> Option<Result<FileSum, String>> {
    let sum = checksum(name.strip_prefix(FILE)?);
    Some(sum.map_err(|error| error.to_string()))
}

/// A path without what changes nothing: `./a//b/.` is `a/b`. The folder itself stays `.`.
pub fn normal_path(name: &str) -> String {
    let kept = Path::new(name).components().filter(|part| *part != Component::CurDir);
    let path: PathBuf = kept.collect();
    match path.to_str() {
        Some("") if name.is_empty() => String::new(),
        Some("") => ".".into(),
        Some(path) => path.into(),
        None => name.into(),
    }
}

/// SHA-256 of what a name stands for: of a file its content, of a folder or a pattern the names and
/// contents of the files below it. Hidden files, Python's caches and results of runs are left out.
///
/// # Errors
/// [`FileError`], with the absolute path that was tried.
pub fn checksum(name: &str) -> Result<FileSum, FileError> {
    let tried = std::path::absolute(name).unwrap_or_else(|_| name.into());
    if let Ok(found) = fs::metadata(name) {
        return if found.is_dir() {
            together(name, &tried, folder(name, &tried)?)
        } else {
            one(name)
        };
    }
    if name.contains(['*', '?', '[']) {
        return together(name, &tried, pattern(name, &tried)?);
    }
    // Again for the reason.
    one(name)
}

fn one(name: &str) -> Result<FileSum, FileError> {
    of_file(name, Path::new(name)).map(|(sum, _)| FileSum { sum, newest: None })
}

/// [`checksum`], which is taken again only now and then: to plan a sweep.
///
/// # Errors
/// As [`checksum`].
pub fn planned_checksum(name: &str) -> Result<String, FileError> {
    static KNOWN: Mutex<Option<HashMap<String, (Instant, String)>>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    match known.get(name) {
        Some((at, sum)) if at.elapsed() < PLANNING => Ok(sum.clone()),
        _ => {
            let FileSum { sum, .. } = checksum(name)?;
            known.insert(name.into(), (Instant::now(), sum.clone()));
            Ok(sum)
        }
    }
}

fn is_code(entry: &DirEntry) -> bool {
    if entry.depth() == 0 {
        return true;
    }
    let name = entry.file_name().as_bytes();
    let cached = name == b"__pycache__" || name.ends_with(b".pyc");
    let holds = |folder: &str| entry.path().join(folder).is_dir();
    let results = entry.file_type().is_dir() && holds("journal") && holds("plans");
    !name.starts_with(b".") && !cached && !results
}

/// The files below a folder.
fn folder(name: &str, tried: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut files = Vec::new();
    let walk = WalkDir::new(name).follow_links(true).sort_by_file_name();
    for entry in walk.into_iter().filter_entry(is_code) {
        let entry = entry.map_err(|error| {
            let at = error.path().map_or_else(|| tried.into(), |path| tried.join(path));
            unreadable(name, &at, error.into())
        })?;
        if entry.file_type().is_file() {
            files.push(entry.into_path());
        }
        if files.len() > MOST {
            return Err(FileError::TooMany { name: name.into(), tried: tried.into() });
        }
    }
    Ok(files)
}

/// The files that a pattern finds, and those below the folders that it finds.
fn pattern(name: &str, tried: &Path) -> Result<Vec<PathBuf>, FileError> {
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..Default::default() };
    let found = glob::glob_with(name, options).map_err(|error| FileError::Pattern {
        name: name.into(),
        why: format!("{} at character {}", error.msg, error.pos + 1),
    })?;
    let mut files = BTreeSet::new();
    for path in found {
        let path = path.map_err(|error| {
            let at = error.path().to_owned();
            unreadable(name, &at, error.into())
        })?;
        let cached = |part: Component<'_>| part.as_os_str() == "__pycache__";
        let compiled = path.extension().is_some_and(|extension| extension == "pyc");
        if path.components().any(cached) || compiled {
            continue;
        }
        if path.is_dir() {
            files.extend(folder(&path.to_string_lossy(), tried)?);
        } else {
            files.insert(path);
        }
        if files.len() > MOST {
            return Err(FileError::TooMany { name: name.into(), tried: tried.into() });
        }
    }
    Ok(files.into_iter().collect())
}

/// The sum of several files: of their names, each with the sum of its content.
fn together(name: &str, tried: &Path, files: Vec<PathBuf>) -> Result<FileSum, FileError> {
    let (mut hash, mut newest) = (Sha256::new(), None);
    for file in files {
        let (sum, changed) = of_file(name, &file)?;
        hash.update(file.as_os_str().as_bytes());
        hash.update([0]);
        hash.update(sum);
        newest = newest.max(Some((changed, file)));
    }
    let Some((_, newest)) = newest else {
        return Err(FileError::Nothing { name: name.into(), tried: tried.into() });
    };
    Ok(FileSum { sum: hex(hash), newest: Some(newest.display().to_string()) })
}

fn unreadable(name: &str, tried: &Path, source: io::Error) -> FileError {
    let missing = source.kind() == io::ErrorKind::NotFound;
    let hint = match name {
        name if name.starts_with('~') => "; `~` is not read here, write the folder out",
        name if missing && Path::new(name).is_relative() => {
            "; paths start at the folder that regimen is started in"
        }
        _ => "",
    };
    FileError::Unreadable { name: name.into(), tried: tried.into(), source, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(path: &Path) -> String {
        path.to_str().unwrap().into()
    }

    #[test]
    fn spelling_changes_no_name() {
        for (written, wanted) in [
            ("./run.py", "run.py"),
            (".//./run.py", "run.py"),
            ("a//b/./c/", "a/b/c"),
            ("/a/b/", "/a/b"),
            (".", "."),
            ("../x", "../x"),
            ("", ""),
        ] {
            assert_eq!(normal_path(written), wanted);
        }
    }

    #[test]
    fn a_folder_stands_for_names_and_contents_of_its_files() {
        let dir = tempfile::tempdir().unwrap();
        let src = dir.path().join("src");
        fs::create_dir_all(src.join("deep")).unwrap();
        fs::write(src.join("a.py"), "1").unwrap();
        fs::write(src.join("deep/b.py"), "2").unwrap();
        let sum = || checksum(&name(&src)).unwrap().sum;
        let first = sum();
        assert_eq!(sum(), first);
        // What running leaves, and what an editor does, is no code.
        fs::create_dir(src.join("__pycache__")).unwrap();
        fs::write(src.join("__pycache__/a.cpython-311.pyc"), "x").unwrap();
        fs::write(src.join(".a.py.swp"), "x").unwrap();
        for folder in ["journal", "plans", "logs"] {
            fs::create_dir_all(src.join("results").join(folder)).unwrap();
        }
        fs::write(src.join("results/logs/a.log"), "x").unwrap();
        assert_eq!(sum(), first);
        fs::write(src.join("deep/b.py"), "3").unwrap();
        let changed = sum();
        assert_ne!(changed, first);
        fs::write(src.join("deep/b.py"), "2").unwrap();
        assert_eq!(sum(), first);
        fs::rename(src.join("deep/b.py"), src.join("deep/c.py")).unwrap();
        assert_ne!(sum(), first);
        fs::write(src.join("a.py"), "2").unwrap();
        let newest = checksum(&name(&src)).unwrap().newest.unwrap();
        assert!(newest.ends_with("src/a.py"), "{newest}");
    }

    #[test]
    fn a_pattern_stands_for_what_it_finds() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("lib")).unwrap();
        for (file, text) in [("a.py", "1"), ("b.py", "2"), ("c.txt", "3"), ("lib/d.py", "4")] {
            fs::write(dir.path().join(file), text).unwrap();
        }
        let sum = |pattern: &str| checksum(&name(&dir.path().join(pattern))).map(|found| found.sum);
        let python = sum("*.py").unwrap();
        fs::write(dir.path().join("c.txt"), "5").unwrap();
        assert_eq!(sum("*.py").unwrap(), python);
        let deep = sum("**/*.py").unwrap();
        assert_ne!(deep, python);
        fs::write(dir.path().join("lib/d.py"), "5").unwrap();
        assert_ne!(sum("**/*.py").unwrap(), deep);
        assert_eq!(sum("[ab].py").unwrap(), python);
        let error = sum("*.rs").unwrap_err().to_string();
        assert!(error.starts_with("wanted files, found none: "), "{error}");
        let error = sum("[").unwrap_err().to_string();
        assert!(error.starts_with("wanted a pattern such as src/*.py"), "{error}");
        // A file may be called like a pattern.
        fs::write(dir.path().join("x[1].py"), "6").unwrap();
        assert!(sum("x[1].py").is_ok());
    }

    #[test]
    fn an_edit_of_the_same_length_is_seen_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.py");
        let mut sums = BTreeSet::new();
        for number in 0..50 {
            fs::write(&path, format!("{number:02}")).unwrap();
            sums.insert(checksum(&name(&path)).unwrap().sum);
        }
        assert_eq!(sums.len(), 50);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_the_path_that_was_tried() {
        let error = checksum("no-such/train.py").unwrap_err().to_string();
        let tried = std::path::absolute("no-such/train.py").unwrap();
        let tried = format!("found \"no-such/train.py\": {}: No such file", tried.display());
        assert!(error.contains(&tried), "{error}");
        let error = checksum("~/x.py").unwrap_err().to_string();
        assert!(error.ends_with("`~` is not read here, write the folder out"), "{error}");
        let error = checksum("/dev/null").unwrap_err().to_string();
        assert!(error.starts_with("wanted a regular file"), "{error}");
    }
}
