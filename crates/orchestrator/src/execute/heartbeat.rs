//! A driver's sign of life: a counter that it rewrites.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::error::is_passing;
use super::incarnation::Incarnation;
use super::{Disk, Error, live, threads};

const EVERY: Duration = Duration::from_secs(1);
/// After a beat that failed the next one comes so soon, and then later and later.
const AGAIN: Duration = Duration::from_millis(100);
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
    disk: Disk,
}

impl Counter {
    #[cfg(test)]
    pub(crate) fn create(store: &Path, driver: &str) -> Result<Self, Error> {
        Self::create_on(&Disk::default(), store, driver)
    }

    pub(crate) fn create_on(disk: &Disk, store: &Path, driver: &str) -> Result<Self, Error> {
        let path = path_of(store, driver);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Error::store("create", folder))?;
        }
        let file = open(&path).map_err(Error::store("create", &path))?;
        let mut counter = Self { file, path, beats: 0, disk: disk.clone() };
        counter.beat().map_err(Error::store("write", &counter.path))?;
        Ok(counter)
    }

    /// Rewrites the counter in place: the same bytes of the disk, so that a full one is no death.
    pub(crate) fn beat(&mut self) -> io::Result<()> {
        self.beats += 1;
        self.disk.before("beat", &self.path)?;
        let text = format!("{:020}\n", self.beats);
        match self.file.write_all_at(text.as_bytes(), 0) {
            // The server does not know the file by its handle any more, but perhaps by its name.
            Err(error) if error.kind() == io::ErrorKind::StaleNetworkFileHandle => {
                self.file = open(&self.path)?;
                self.file.write_all_at(text.as_bytes(), 0)
            }
            written => written,
        }
    }

    /// Lets go of every claim of the driver.
    fn remove(&self) {
        let removed = self.disk.before("remove", &self.path);
        if let Err(error) = removed.and_then(|()| fs::remove_file(&self.path)) {
            // It stands still, and lapses.
            tracing::debug!(path = %self.path.display(), %error, "heartbeat stays");
        }
    }

    /// Begins to beat again.
    fn renew(&mut self) -> io::Result<()> {
        self.disk.before("create", &self.path)?;
        self.file = open(&self.path)?;
        self.beat()
    }
}

/// Every beat reaches the disk: on a network file system others see what does, and may see nothing else
/// for longer than the lease.
fn open(path: &Path) -> io::Result<File> {
    let synced = OFlags::DSYNC.bits() as i32;
    File::options().write(true).create(true).truncate(true).custom_flags(synced).open(path)
}

impl Drop for Counter {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Beats once a second until dropped, and sooner again after a beat that failed.
#[derive(Debug)]
pub(crate) struct Heart {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    counter: Arc<Mutex<Counter>>,
    pulse: Arc<Pulse>,
    path: PathBuf,
}

#[derive(Debug)]
struct Pulse {
    start: Instant,
    /// Milliseconds after `start` at which the counter was written last.
    last: AtomicU64,
    /// Whether the beats since then failed as those on a network file system do.
    fails: AtomicBool,
    rests: AtomicBool,
}

impl Pulse {
    fn felt(&self) {
        let milliseconds = self.start.elapsed().as_millis() as u64;
        self.last.store(milliseconds, Ordering::SeqCst);
        self.fails.store(false, Ordering::SeqCst);
    }
}

impl Heart {
    pub(crate) fn start(counter: Counter) -> Result<Self, Error> {
        let (stop, stopped) = channel::<()>();
        let (start, path) = (Instant::now(), counter.path.clone());
        let (fails, rests) = (AtomicBool::new(false), AtomicBool::new(false));
        let pulse = Arc::new(Pulse { start, last: AtomicU64::new(0), fails, rests });
        let counter = Arc::new(Mutex::new(counter));
        let (shared, felt) = (counter.clone(), pulse.clone());
        let thread = threads::start("heartbeats", move || {
            let mut pause = EVERY;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(pause) {
                let Ok(mut counter) = shared.lock() else { return };
                if felt.rests.load(Ordering::SeqCst) {
                    continue;
                }
                match counter.beat() {
                    Ok(()) => {
                        felt.felt();
                        pause = EVERY;
                    }
                    Err(error) => {
                        tracing::warn!(path = %counter.path.display(), %error, "heartbeat");
                        felt.fails.fetch_or(is_passing(&error), Ordering::SeqCst);
                        pause = if pause == EVERY { AGAIN } else { EVERY.min(2 * pause) };
                    }
                }
                if felt.rests.load(Ordering::SeqCst) {
                    counter.remove();
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread), counter, pulse, path })
    }

    /// For how long the counter could not be written, if that is so. A disk that is only slow, or full,
    /// harms nobody until somebody else takes a claim over.
    pub(crate) fn failing(&self) -> Option<Duration> {
        let Pulse { start, last, fails, rests } = &*self.pulse;
        let failing = fails.load(Ordering::SeqCst) && !rests.load(Ordering::SeqCst);
        let last = Duration::from_millis(last.load(Ordering::SeqCst));
        failing.then(|| start.elapsed().saturating_sub(last))
    }

    /// Lets go of every claim of the driver, at once where the disk can be reached.
    pub(crate) fn rest(&self) {
        self.pulse.rests.store(true, Ordering::SeqCst);
        // A beat that hangs holds it, and removes the file when it is over.
        if let Ok(counter) = self.counter.try_lock() {
            counter.remove();
        }
    }

    /// Beats again after a rest, which must be so before anything is claimed.
    pub(crate) fn wake(&self) -> Result<(), Error> {
        if !self.pulse.rests.load(Ordering::SeqCst) {
            return Ok(());
        }
        let hangs = || io::Error::from_raw_os_error(Errno::IO.raw_os_error());
        let mut counter = self
            .counter
            .try_lock()
            .map_err(|_| Error::store("write (it hangs)", &self.path)(hangs()))?;
        counter.renew().map_err(Error::store("write", &self.path))?;
        self.pulse.felt();
        self.pulse.rests.store(false, Ordering::SeqCst);
        Ok(())
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
    use crate::execute::live::Board;

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
            let mut board = Board::new(store, driver);
            if let Some(process) = process {
                board.show(&process, Vec::new());
            }
            kept.push((counter, board));
        }
        clear_dead(store);
        let there = |driver: &str| read(store, driver).unwrap().is_some();
        assert_eq!(["living", "dead", "new"].map(there), [true, false, true]);
        assert!(!store.join("claims/live/dead").exists());
    }
}
