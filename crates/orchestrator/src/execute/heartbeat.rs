//! A driver's sign of life: a counter that it rewrites.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::fs::OFlags;

use super::incarnation::Incarnation;
use super::{Error, live};

const EVERY: Duration = Duration::from_secs(1);
/// A counter that nobody wrote for so long is nobody's, whatever the clocks of machines.
const FORGOTTEN: Duration = Duration::from_secs(86_400);

fn folder(store: &Path) -> PathBuf {
    store.join("claims").join("heartbeats")
}

fn path_of(store: &Path, driver: &str) -> PathBuf {
    folder(store).join(driver)
}

/// Removes the counters of drivers that were killed.
pub(crate) fn clear_dead(store: &Path) {
    let here = Incarnation::current();
    for entry in fs::read_dir(folder(store)).into_iter().flatten().flatten() {
        let process = live::process_of(store, &entry.file_name());
        let forgotten = || {
            let written = entry.metadata().and_then(|found| found.modified()).ok();
            written.and_then(|at| at.elapsed().ok()).is_some_and(|age| age >= FORGOTTEN)
        };
        if process.map_or_else(forgotten, |process| process.is_dead(&here)) {
            let _ = fs::remove_file(entry.path());
            live::remove(store, &entry.file_name());
        }
    }
}

/// The counter of a driver; `None` when the driver left.
pub(crate) fn read(store: &Path, driver: &str) -> Result<Option<u64>, Error> {
    let path = path_of(store, driver);
    match fs::read_to_string(&path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        // Whatever else stands there is no sign of life.
        text => Ok(Some(text.map_err(Error::store("read", &path))?.trim().parse().unwrap_or(0))),
    }
}

/// The counter's file. Removed when dropped, which lets go of every claim of the driver.
#[derive(Debug)]
pub(crate) struct Counter {
    file: File,
    path: PathBuf,
    beats: u64,
}

impl Counter {
    pub(crate) fn create(store: &Path, driver: &str) -> Result<Self, Error> {
        let path = path_of(store, driver);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Error::store("create", folder))?;
        }
        // Every beat reaches the disk: on a network file system others see what does, and may see
        // nothing else for longer than the lease.
        let synced = OFlags::DSYNC.bits() as i32;
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .custom_flags(synced)
            .open(&path)
            .map_err(Error::store("create", &path))?;
        let mut counter = Self { file, path, beats: 0 };
        counter.beat().map_err(Error::store("write", &counter.path))?;
        Ok(counter)
    }

    /// Rewrites the counter in place: the same bytes of the disk, so that a full one is no death.
    pub(crate) fn beat(&mut self) -> io::Result<()> {
        self.beats += 1;
        self.file.write_all_at(format!("{:020}\n", self.beats).as_bytes(), 0)
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Beats once a second until dropped.
#[derive(Debug)]
pub(crate) struct Heart {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heart {
    pub(crate) fn start(mut counter: Counter) -> Self {
        let (stop, stopped) = channel::<()>();
        let thread = thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(EVERY) {
                if let Err(error) = counter.beat() {
                    tracing::warn!(path = %counter.path.display(), %error, "heartbeat");
                }
            }
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::live::{Board, Live};

    #[test]
    fn a_beat_waits_for_the_disk_so_that_other_hosts_see_it() {
        let dir = tempfile::tempdir().unwrap();
        let counter = Counter::create(dir.path(), "driver").unwrap();
        let flags = rustix::fs::fcntl_getfl(&counter.file).unwrap();
        assert!(flags.contains(OFlags::DSYNC), "{flags:?}");
    }

    #[test]
    fn counters_of_the_dead_are_removed_and_those_of_the_living_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path();
        let process = Incarnation::current();
        let dead = Incarnation { started: process.started.wrapping_sub(1), ..process.clone() };
        let mut kept = Vec::new();
        for (driver, process) in [("living", Some(process)), ("dead", Some(dead)), ("new", None)] {
            let counter = Counter::create(store, driver).unwrap();
            let board = Board::new(store, driver);
            if let Some(process) = process {
                board.show(&Live { process, runs: Vec::new() });
            }
            kept.push((counter, board));
        }
        clear_dead(store);
        let there = |driver: &str| read(store, driver).unwrap().is_some();
        assert_eq!(["living", "dead", "new"].map(there), [true, false, true]);
        assert!(!store.join("claims/live/dead").exists());
    }
}
