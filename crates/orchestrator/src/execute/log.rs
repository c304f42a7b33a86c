//! What runs print: a file an attempt, which is there once something was printed.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use experiment::RunId;

use super::LOGS;

/// Where the log of an attempt is, if the attempt printed anything.
pub fn log_of(store: &Path, run: RunId, attempt: u32) -> PathBuf {
    store.join(LOGS).join(format!("{run}.{attempt}.log"))
}

/// The logs that there are of a run, by attempt.
pub fn logs_of(store: &Path, run: RunId, attempts: u32) -> Vec<(u32, PathBuf)> {
    let logs = (1..=attempts).map(|attempt| (attempt, log_of(store, run, attempt)));
    logs.filter(|(_, path)| path.is_file()).collect()
}

/// Where what a worker prints outside of runs goes.
pub(crate) fn worker_log(store: &Path, name: &str) -> PathBuf {
    store.join(LOGS).join(name).with_added_extension("log")
}

/// The log of an attempt under way.
#[derive(Debug)]
pub(crate) struct RunLog {
    path: PathBuf,
    /// Opened for the first bytes.
    file: Option<io::Result<File>>,
}

impl RunLog {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// Appends. The log is a convenience: a full disk shows elsewhere.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let path = &self.path;
        let open = || {
            let file = File::options().create(true).append(true).open(path);
            if let Err(error) = &file {
                tracing::warn!(path = %path.display(), %error, "the run's log is lost");
            }
            file
        };
        if let Ok(file) = self.file.get_or_insert_with(open) {
            let _ = file.write_all(bytes);
        }
    }
}

/// Bytes of a file; none of one that is not there.
pub(crate) fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// Moves what a worker printed since its log was `from` bytes long, as crashing libraries do, to the
/// log of its run.
pub(crate) fn move_tail(worker: &Path, from: u64, run: &Path) {
    if length(worker) <= from {
        return;
    }
    let moved = || -> io::Result<()> {
        let mut tail = File::options().read(true).write(true).open(worker)?;
        tail.seek(SeekFrom::Start(from))?;
        let mut log = File::options().create(true).append(true).open(run)?;
        let bytes = tail.metadata()?.len().saturating_sub(from);
        io::copy(&mut (&tail).take(bytes), &mut log)?;
        tail.set_len(from)
    };
    if let Err(error) = moved() {
        tracing::warn!(path = %run.display(), %error, "what the run printed stays in its worker's log");
    }
}

/// Cuts a file that is longer.
pub(crate) fn cut(path: &Path, bytes: u64) {
    if length(path) <= bytes {
        return;
    }
    let cut = File::options().write(true).open(path).and_then(|log| log.set_len(bytes));
    if let Err(error) = cut {
        tracing::warn!(path = %path.display(), %error, "cutting the log");
    }
}

/// Removes the log of a worker that printed nothing.
pub(crate) fn remove_if_empty(path: &Path) {
    if fs::metadata(path).is_ok_and(|log| log.len() == 0) {
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_there_once_something_was_printed() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(LOGS)).unwrap();
        let run = RunId::of("a");
        let path = log_of(dir.path(), run, 2);
        let mut log = RunLog::new(path.clone());
        assert_eq!(logs_of(dir.path(), run, 3), []);
        log.write(b"one\n");
        log.write(b"two\n");
        assert_eq!(logs_of(dir.path(), run, 3), [(2, path.clone())]);
        assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\n");
        let worker = worker_log(dir.path(), "w1");
        fs::write(&worker, "started\ncrash\n").unwrap();
        move_tail(&worker, 8, &path);
        assert_eq!(fs::read(&worker).unwrap(), b"started\n");
        assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\ncrash\n");
        cut(&path, 3);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        cut(&worker, 0);
        remove_if_empty(&worker);
        assert!(!worker.exists() && path.exists());
    }
}
