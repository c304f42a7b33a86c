//! What drivers are executing at the moment, for whoever looks on. Nothing is decided by it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use experiment::RunId;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::drive::driver_name;
use super::incarnation::Incarnation;
use super::{heartbeat, lease, threads};

/// How often a call shows that it is under way.
const EVERY: Duration = Duration::from_secs(5);

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
    /// Grows whenever the notice is written, so that another host sees that its driver lives.
    #[serde(default)]
    pub beat: u64,
}

fn folder(store: &Path) -> PathBuf {
    store.join("claims").join("live")
}

/// The process of a driver that gave notice.
pub(crate) fn process_of(store: &Path, driver: &OsStr) -> Option<Incarnation> {
    let text = fs::read(folder(store).join(driver)).ok()?;
    serde_json::from_slice::<Live>(&text).ok().map(|live| live.process)
}

/// The processes that gave notice.
pub(crate) fn processes(store: &Path) -> Vec<Incarnation> {
    read(store).into_iter().map(|(_, live, _)| live.process).collect()
}

/// Every notice, with the name of its driver and its text.
fn read(store: &Path) -> Vec<(String, Live, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder(store)).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = fs::read(entry.path()).unwrap_or_default();
        if !name.starts_with('.')
            && let Ok(live) = serde_json::from_slice::<Live>(&text)
        {
            found.push((name, live, text));
        }
    }
    found
}

/// Removes the notice of a driver.
pub(crate) fn remove(store: &Path, driver: &OsStr) {
    let _ = fs::remove_file(folder(store).join(driver));
}

/// A driver's notice. Removed when dropped.
#[derive(Debug)]
pub(crate) struct Board {
    path: PathBuf,
    beats: u64,
}

impl Board {
    pub(crate) fn new(store: &Path, driver: &str) -> Self {
        Self { path: folder(store).join(driver), beats: 0 }
    }

    /// Replaces the notice. What cannot be written is not shown; that is no reason to stop.
    pub(crate) fn show(&mut self, process: &Incarnation, runs: Vec<LiveRun>) {
        self.beats += 1;
        let live = Live { process: process.clone(), runs, beat: self.beats };
        let (Some(folder), Some(name)) = (self.path.parent(), self.path.file_name()) else {
            return;
        };
        let draft = folder.join(format!(".{}.tmp", name.display()));
        let text = serde_json::to_vec(&live).unwrap_or_default();
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
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Presence {
    /// In a store, which is made when it is missing.
    pub fn new(store: &Path) -> Self {
        let (mut board, process) = (Board::new(store, &driver_name()), Incarnation::current());
        board.show(&process, Vec::new());
        let (stop, stopped) = channel::<()>();
        let shown = threads::start("showing what runs", move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(EVERY) {
                board.show(&process, Vec::new());
            }
        });
        // Without it a sweep is executed all the same.
        Self { stop: Some(stop), thread: shown.ok() }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the drivers of a store are executing, by driver; nothing of a driver that is dead.
pub fn live(store: &Path) -> BTreeMap<String, Vec<LiveRun>> {
    let here = Incarnation::current();
    let alive = read(store).into_iter().filter(|(_, live, _)| !live.process.is_dead(&here));
    alive.map(|(driver, live, _)| (driver, live.runs)).collect()
}

/// Asks the calls on this machine that execute runs of a sweep to stop, as Ctrl-C does: they keep what was
/// recorded, and checkpoints. The process ids of those that were asked, and the names of drivers elsewhere
/// that execute some.
pub fn ask_to_stop(store: &Path, sweep: &str) -> (Vec<u32>, Vec<String>) {
    let here = Incarnation::current();
    let (mut asked, mut elsewhere) = (Vec::new(), Vec::new());
    for (driver, Live { process, runs, .. }, _) in read(store) {
        if process.is_dead(&here) || runs.iter().all(|run| run.sweep != sweep) {
            continue;
        }
        let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw);
        match pid.filter(|_| process.is_visible(&here)) {
            // One that ended meanwhile needs no signal.
            Some(pid) if kill_process(pid, Signal::TERM).is_ok() => asked.push(process.pid),
            Some(_) => {}
            None => elsewhere.push(driver),
        }
    }
    (asked, elsewhere)
}

/// Looks at a store again and again.
///
/// Of a driver on another host nobody here knows whether it lives: it counts as gone once its notice and
/// its heartbeat have stood still for the lease.
#[derive(Debug)]
pub struct Watch {
    store: PathBuf,
    /// What each driver showed last, and since when.
    seen: BTreeMap<String, (Sign, Duration)>,
}

/// What a driver shows while it lives.
type Sign = (Vec<u8>, Option<u64>);

/// What a look at a store shows.
#[derive(Debug, Default, PartialEq)]
pub struct Seen {
    /// What drivers are executing, by driver.
    pub live: BTreeMap<String, Vec<LiveRun>>,
    /// Drivers elsewhere that showed no sign of life for the lease.
    pub silent: Vec<String>,
}

impl Watch {
    /// Of a store.
    pub fn new(store: &Path) -> Self {
        Self { store: store.into(), seen: BTreeMap::new() }
    }

    /// How long a driver on another host may be silent.
    pub const PATIENCE: Duration = lease::SHARED;

    /// Looks once more; `now` is the time since any fixed moment.
    pub fn look(&mut self, now: Duration) -> Seen {
        let here = Incarnation::current();
        let (mut found, mut known) = (Seen::default(), std::mem::take(&mut self.seen));
        for (driver, live, text) in read(&self.store) {
            if live.process.is_dead(&here) {
                continue;
            }
            let sign = (text, heartbeat::read(&self.store, &driver).unwrap_or_default());
            let last = known.remove(&driver).filter(|(last, _)| *last == sign);
            let (_, since) = self.seen.entry(driver.clone()).or_insert(last.unwrap_or((sign, now)));
            let is_silent = now.saturating_sub(*since) >= Self::PATIENCE;
            if is_silent && !live.process.is_visible(&here) {
                found.silent.push(driver);
            } else {
                found.live.insert(driver, live.runs);
            }
        }
        found
    }
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
        let mut here = Board::new(dir.path(), "here");
        here.show(&process, vec![run(Some((2, 10)))]);
        let mut gone = Board::new(dir.path(), "gone");
        gone.show(&dead, vec![run(None)]);
        let expected = BTreeMap::from([("here".to_owned(), vec![run(Some((2, 10)))])]);
        assert_eq!(live(dir.path()), expected);
        drop(here);
        assert_eq!(live(dir.path()), BTreeMap::new());
        let presence = Presence::new(dir.path());
        assert_eq!(live(dir.path()).into_values().collect::<Vec<_>>(), [Vec::new()]);
        drop(presence);
        assert_eq!(live(dir.path()), BTreeMap::new());
    }

    #[test]
    fn a_driver_elsewhere_is_gone_once_it_stands_still_for_the_lease() {
        let dir = tempfile::tempdir().unwrap();
        let here = Incarnation::current();
        let other = Incarnation { boot: "other".into(), ..here.clone() };
        let mut beside = Board::new(dir.path(), "beside");
        beside.show(&here, Vec::new());
        let mut elsewhere = Board::new(dir.path(), "elsewhere");
        elsewhere.show(&other, vec![run(None)]);
        let mut watch = Watch::new(dir.path());
        let mut look = |seconds| {
            let Seen { live, silent } = watch.look(Duration::from_secs(seconds));
            (live.into_keys().collect::<Vec<_>>(), silent)
        };
        let both = (vec!["beside".to_owned(), "elsewhere".to_owned()], Vec::new());
        assert_eq!(look(1000), both);
        assert_eq!(look(1089), both);
        // The same as before, but written anew.
        elsewhere.show(&other, vec![run(None)]);
        assert_eq!(look(1090), both);
        let mut counter = heartbeat::Counter::create(dir.path(), "elsewhere").unwrap();
        assert_eq!(look(1179), both);
        counter.beat().unwrap();
        assert_eq!(look(1268), both);
        assert_eq!(look(1357), both);
        // What lives here is asked, however long it does nothing.
        let one = |name: &str| vec![name.to_owned()];
        assert_eq!(look(1358), (one("beside"), one("elsewhere")));
        elsewhere.show(&other, Vec::new());
        assert_eq!(look(1400), both);
    }
}
