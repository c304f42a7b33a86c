//! What drivers are executing at the moment, for whoever looks on. Nothing is decided by it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use experiment::RunId;
use serde::{Deserialize, Serialize};

use super::drive::driver_name;
use super::incarnation::Incarnation;

/// A run under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveRun {
    /// The run.
    pub run: RunId,
    /// Name of the sweep that asked for it.
    pub sweep: String,
    /// Which attempt.
    pub attempt: u32,
    /// Number of its worker in its driver, from 1.
    pub worker: u32,
    /// Seconds since it was assigned.
    pub seconds: f64,
    /// How far it is, in its own unit, and how far it goes; unknown until it tells.
    pub progress: Option<(u64, u64)>,
}

impl LiveRun {
    /// Steps a second since it was assigned.
    pub fn rate(&self) -> Option<f64> {
        let (done, _) = self.progress?;
        (done > 0 && self.seconds > 0.0).then(|| done as f64 / self.seconds)
    }

    /// Seconds until it ends, if it goes on like this.
    pub fn seconds_left(&self) -> Option<f64> {
        let (done, total) = self.progress?;
        Some(total.saturating_sub(done) as f64 / self.rate()?)
    }
}

/// What one driver executes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Live {
    pub process: Incarnation,
    pub runs: Vec<LiveRun>,
}

fn folder(store: &Path) -> PathBuf {
    store.join("claims").join("live")
}

/// The process of a driver that gave notice.
pub(crate) fn process_of(store: &Path, driver: &OsStr) -> Option<Incarnation> {
    let text = fs::read(folder(store).join(driver)).ok()?;
    serde_json::from_slice::<Live>(&text).ok().map(|live| live.process)
}

/// Removes the notice of a driver.
pub(crate) fn remove(store: &Path, driver: &OsStr) {
    let _ = fs::remove_file(folder(store).join(driver));
}

/// A driver's notice. Removed when dropped.
#[derive(Debug)]
pub(crate) struct Board {
    path: PathBuf,
}

impl Board {
    pub(crate) fn new(store: &Path, driver: &str) -> Self {
        Self { path: folder(store).join(driver) }
    }

    /// Replaces the notice. What cannot be written is not shown; that is no reason to stop.
    pub(crate) fn show(&self, live: &Live) {
        let (Some(folder), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return;
        };
        let draft = folder.join(format!(".{}.tmp", name.display()));
        let text = serde_json::to_vec(live).unwrap_or_default();
        let shown = fs::create_dir_all(folder)
            .and_then(|()| fs::write(&draft, text))
            .and_then(|()| fs::rename(&draft, &self.path));
        if let Err(error) = shown {
            tracing::debug!(path = %self.path.display(), %error, "live view");
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Shows others that a call is under way, also before, between and after its sweeps. Until dropped.
#[derive(Debug)]
pub struct Presence {
    _board: Board,
}

impl Presence {
    /// In a store, which is made when it is missing.
    pub fn new(store: &Path) -> Self {
        let board = Board::new(store, &driver_name());
        board.show(&Live { process: Incarnation::current(), runs: Vec::new() });
        Self { _board: board }
    }
}

/// What the drivers of a store are executing, by driver; nothing of a driver that is dead.
pub fn live(store: &Path) -> BTreeMap<String, Vec<LiveRun>> {
    let here = Incarnation::current();
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder(store)).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = fs::read(entry.path()).unwrap_or_default();
        if let Ok(live) = serde_json::from_slice::<Live>(&text)
            && !name.starts_with('.')
            && !live.process.is_dead(&here)
        {
            found.insert(name, live.runs);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(progress: Option<(u64, u64)>) -> LiveRun {
        let sweep = "s".into();
        LiveRun { run: RunId::of("a"), sweep, attempt: 1, worker: 1, seconds: 4.0, progress }
    }

    #[test]
    fn rate_and_time_left_follow_from_progress() {
        assert_eq!(run(None).rate(), None);
        assert_eq!(run(Some((0, 10))).seconds_left(), None);
        let half = run(Some((2, 10)));
        assert_eq!((half.rate(), half.seconds_left()), (Some(0.5), Some(16.0)));
    }

    #[test]
    fn a_notice_lives_as_long_as_its_driver() {
        let dir = tempfile::tempdir().unwrap();
        let process = Incarnation::current();
        let dead = Incarnation { started: process.started.wrapping_sub(1), ..process.clone() };
        let here = Board::new(dir.path(), "here");
        here.show(&Live { process, runs: vec![run(Some((2, 10)))] });
        let gone = Board::new(dir.path(), "gone");
        gone.show(&Live { process: dead, runs: vec![run(None)] });
        let expected = BTreeMap::from([("here".to_owned(), vec![run(Some((2, 10)))])]);
        assert_eq!(live(dir.path()), expected);
        drop(here);
        assert_eq!(live(dir.path()), BTreeMap::new());
        let presence = Presence::new(dir.path());
        assert_eq!(live(dir.path()).into_values().collect::<Vec<_>>(), [Vec::new()]);
        drop(presence);
        assert_eq!(live(dir.path()), BTreeMap::new());
    }
}
