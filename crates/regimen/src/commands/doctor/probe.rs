//! `regimen probe`: what a node of a cluster sees, written down for `doctor`.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};
use cluster::Submission;
use journal::Role;
use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};

use crate::arguments::Probe;
use crate::commands::Done;
use crate::provenance;

/// The file with the answer, in the folder of the submission.
pub(super) const ANSWER: &str = "answer.json";
/// The file that `doctor` holds a lock on.
pub(super) const LOCK: &str = "probe.lock";

/// What a node says.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) host: String,
    pub(super) version: String,
    pub(super) commit: String,
    pub(super) cpu: String,
    /// What is wrong with hard links there.
    pub(super) links: Option<String>,
    /// Whether a lock that another machine holds was refused.
    pub(super) refused: bool,
    /// Seconds that its clock is ahead of the file system's.
    pub(super) ahead: f64,
    /// The cache of data sets that it sees.
    pub(super) cache: Option<String>,
}

impl Answer {
    /// Reads it, once it is there.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let value: Value = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        Some(Self {
            host: text("host")?,
            version: text("version")?,
            commit: text("commit")?,
            cpu: text("cpu")?,
            links: text("links"),
            refused: value["refused"].as_bool()?,
            ahead: value["ahead"].as_f64()?,
            cache: text("cache"),
        })
    }
}

/// `regimen probe`: looks around, and writes down what there is.
pub(crate) fn probe(arguments: &Probe) -> Result<Done> {
    let submission = Submission::named(&arguments.store.results, &arguments.name)?;
    let record = submission.record();
    let opened = provenance::opened(Role::Worker);
    let cache = datasets::default_cache().ok().filter(|cache| cache.is_dir());
    let answer = json!({
        "host": opened.host,
        "version": opened.version,
        "commit": opened.commit,
        "cpu": opened.cpu,
        "links": links(record).err(),
        "refused": is_refused(&record.join(LOCK)),
        "ahead": clock_ahead(record).context("looking at the clock")?,
        "cache": cache.map(|cache| cache.to_string_lossy().into_owned()),
    });
    let draft = record.join(".answer");
    fs::write(&draft, answer.to_string()).context("writing what was seen")?;
    fs::rename(&draft, record.join(ANSWER)).context("writing what was seen")?;
    Ok(Done::Well)
}

/// Whether somebody else holds a lock.
fn is_refused(path: &Path) -> bool {
    let locked = File::options()
        .write(true)
        .open(path)
        .map(|file| flock(&file, FlockOperation::NonBlockingLockExclusive));
    matches!(locked, Ok(Err(error)) if error == rustix::io::Errno::WOULDBLOCK)
}

/// Whether a hard link is made once and refused the second time, as claims need it.
pub(super) fn links(folder: &Path) -> Result<(), String> {
    let host = provenance::host();
    let name = |end: &str| folder.join(format!(".{host}-{}.{end}", std::process::id()));
    let (from, to) = (name("from"), name("to"));
    let tried = fs::write(&from, "x").and_then(|()| fs::hard_link(&from, &to)).and_then(|()| {
        match fs::hard_link(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
            Ok(()) => Err(io::Error::other("a link replaced another one")),
        }
    });
    for path in [from, to] {
        let _ = fs::remove_file(path);
    }
    tried.map_err(|error| error.to_string())
}

/// Seconds that the clock of this machine is ahead of the one that dates files.
pub(super) fn clock_ahead(folder: &Path) -> io::Result<f64> {
    let path = folder.join(format!(".clock-{}-{}", provenance::host(), std::process::id()));
    fs::write(&path, "x")?;
    let dated = path.metadata().and_then(|found| found.modified());
    let now = SystemTime::now();
    let _ = fs::remove_file(&path);
    let dated = dated?;
    let seconds =
        |later: SystemTime, earlier| later.duration_since(earlier).map(|d| d.as_secs_f64());
    Ok(seconds(now, dated).or_else(|_| seconds(dated, now).map(|behind| -behind)).unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_here_has_links_and_a_clock() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(links(dir.path()), Ok(()));
        assert!(clock_ahead(dir.path()).unwrap().abs() < 60.0);
        assert!(links(&dir.path().join("none")).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
    }

    #[test]
    fn a_lock_that_somebody_holds_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(LOCK);
        let file = File::create(&path).unwrap();
        assert!(!is_refused(&path));
        flock(&file, FlockOperation::LockExclusive).unwrap();
        assert!(is_refused(&path));
        assert!(!is_refused(&dir.path().join("none")));
    }
}
