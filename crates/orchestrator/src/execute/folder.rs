//! The files of attempts, each attempt's in a folder of its own until one of them counts.
//!
//! ```text
//! attempts/<run id>/<attempt>.<worker>/  what an attempt published, and its checkpoint
//! attempts/<run id>/earlier/             the same of versions that kept one folder a run
//! artifacts/<run id>/                    the folder of the attempt that finished; or links to the files of
//!                                        one that failed or rests, until another one begins
//! ```
//!
//! A worker that goes on although its lease lapsed writes where nobody else does. The attempt that
//! finishes first gives its folder the run's name by rename(2), which replaces no folder that holds
//! something, so that one that finishes later changes nothing.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use experiment::RunId;
use journal::{AttemptState, Fold, RunState, Status};
use serde::{Deserialize, Serialize};

use super::checkpoint::{self, Saved};
use super::{ARTIFACTS, Error, LOGS, artifact};

/// The store's folder of attempts that do not count, or not yet.
const ATTEMPTS: &str = "attempts";
/// What versions left that kept one folder a run.
const EARLIER: &str = "earlier";

/// Marks what an attempt that finishes may replace.
const UNFINISHED: &str = ".unfinished";

/// An earlier attempt at a run that another may go on from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Earlier {
    pub attempt: u32,
    /// Its worker's journal writer.
    pub worker: String,
    /// Number of its newest checkpoint that the journals know. What was recorded before one that they
    /// do not know is lost.
    pub checkpoints: u32,
    /// Where it came to the rung of a search at which the run is to pause.
    pub passed: Option<Passed>,
}

/// A rung that an attempt came to before some of its checkpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Passed {
    /// Number of the first checkpoint after it.
    pub from: u32,
    pub step: u64,
    pub value: f64,
}

impl Earlier {
    pub(crate) fn of(attempt: &AttemptState) -> Self {
        Self {
            attempt: attempt.number,
            worker: attempt.writer.to_string(),
            checkpoints: attempt.checkpoints(),
            passed: None,
        }
    }

    fn left(&self, saved: &Saved) -> bool {
        saved.attempt == self.attempt && (1..=self.checkpoints).contains(&saved.number)
    }
}

/// A checkpoint that may be gone on from.
#[derive(Debug)]
pub(crate) struct Found {
    pub saved: Saved,
    /// Whose it is.
    pub of: Earlier,
    folder: PathBuf,
}

/// The folder of an attempt under way. It is made with its first file.
#[derive(Debug)]
pub(crate) struct Folder {
    own: PathBuf,
    /// The folder of all attempts at the run.
    all: PathBuf,
    /// Where it goes when it counts.
    place: PathBuf,
    /// Newest first.
    earlier: Vec<Earlier>,
    artifacts: BTreeSet<String>,
    has_checkpoint: bool,
}

fn name(attempt: u32, worker: &str) -> String {
    format!("{attempt}.{worker}")
}

fn of_run(store: &Path, run: RunId) -> PathBuf {
    store.join(ATTEMPTS).join(run.to_string())
}

/// The folders in which files of a run may lie.
pub(crate) fn places(store: &Path, run: RunId) -> [PathBuf; 2] {
    [place(store, run), of_run(store, run)]
}

/// Everything in a store that is of a run, by its name.
pub(crate) fn of_runs(store: &Path) -> Result<Vec<(RunId, PathBuf)>, Error> {
    let mut found = Vec::new();
    for folder in [ARTIFACTS, ATTEMPTS, LOGS].map(|name| store.join(name)) {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(Error::store("list", &folder))?,
        };
        for entry in entries {
            let path = entry.map_err(Error::store("list", &folder))?.path();
            // `<run>`, or `<run>.<attempt>.log`.
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let run = name.split('.').next().and_then(|run| run.parse().ok());
            found.extend(run.map(|run| (run, path.clone())));
        }
    }
    Ok(found)
}

fn place(store: &Path, run: RunId) -> PathBuf {
    store.join(ARTIFACTS).join(run.to_string())
}

impl Folder {
    pub(crate) fn new(
        store: &Path,
        (run, attempt): (RunId, u32),
        worker: &str,
        earlier: Vec<Earlier>,
    ) -> Self {
        let all = of_run(store, run);
        Self {
            own: all.join(name(attempt, worker)),
            all,
            place: place(store, run),
            earlier,
            artifacts: BTreeSet::new(),
            has_checkpoint: false,
        }
    }

    /// Publishes an artifact of the attempt whole, replacing an earlier one of that name.
    pub(crate) fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        again_where_cleared_away(|| artifact::write(&self.own, name, bytes))?;
        self.artifacts.insert(name.into());
        Ok(())
    }

    /// Replaces the attempt's checkpoint.
    pub(crate) fn save(&mut self, attempt: u32, number: u32, bytes: &[u8]) -> io::Result<()> {
        self.has_checkpoint = true;
        again_where_cleared_away(|| {
            fs::create_dir_all(&self.own)?;
            checkpoint::save(&self.own.join(artifact::CHECKPOINT), attempt, number, bytes)
        })
    }

    /// The checkpoint of the newest attempt that left one which the journals know.
    pub(crate) fn load(&self) -> io::Result<Option<Found>> {
        for earlier in &self.earlier {
            let folder = self.all.join(name(earlier.attempt, &earlier.worker));
            let saved = checkpoint::load(&folder.join(artifact::CHECKPOINT))?;
            if let Some(saved) = saved.filter(|saved| earlier.left(saved)) {
                return Ok(Some(Found { saved, of: earlier.clone(), folder }));
            }
        }
        if self.earlier.is_empty() {
            return Ok(None);
        }
        let folder = self.all.join(EARLIER);
        let Some(saved) = checkpoint::load(&folder.join(artifact::CHECKPOINT))? else {
            return Ok(None);
        };
        let of = self.earlier.iter().find(|earlier| earlier.left(&saved)).cloned();
        Ok(of.map(|of| Found { saved, of, folder }))
    }

    /// Takes over what the attempt published that this one goes on from. Where that is there no longer,
    /// another one finished meanwhile.
    pub(crate) fn inherit(&mut self, found: &Found) -> io::Result<()> {
        match self.link_all(found) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            linked => linked,
        }
    }

    fn link_all(&mut self, found: &Found) -> io::Result<()> {
        for entry in fs::read_dir(&found.folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if is_artifact(&name) && entry.file_type()?.is_file() {
                fs::create_dir_all(&self.own)?;
                match fs::hard_link(entry.path(), self.own.join(&name)) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(error);
                    }
                    _ => drop(self.artifacts.insert(name)),
                }
            }
        }
        Ok(())
    }

    /// Whether something becomes of the folder when the attempt finishes.
    pub(crate) fn publishes(&self) -> bool {
        !self.artifacts.is_empty()
    }

    /// The attempt finished: its folder becomes the run's, unless one that finished before has it; with
    /// `replaces` in any case. Nobody needs the other attempts' any more.
    pub(crate) fn count(&self, replaces: bool) -> io::Result<()> {
        if self.artifacts.is_empty() && !self.has_checkpoint && self.earlier.is_empty() {
            return Ok(());
        }
        // Of an attempt that slept for long some files may have been cleared away.
        let is_there = |name: &String| self.own.join(name).is_file();
        if self.publishes() && self.artifacts.iter().all(is_there) {
            let is_unfinished = self.place.join(UNFINISHED).exists();
            if is_unfinished || (replaces && self.place.is_dir()) {
                let old = self.own.with_added_extension("replaced");
                fs::rename(&self.place, &old)?;
            }
            if !take_place(&self.own, &self.place)? {
                tracing::info!(path = %self.place.display(), "an earlier attempt's files stay");
            }
        }
        remove(&self.all);
        Ok(())
    }
}

/// Writes into an attempt's folder, which another attempt at the run clears away when it finishes: a
/// worker that slept meanwhile makes it again.
fn again_where_cleared_away(mut write: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    match write() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => write(),
        written => written,
    }
}

/// Gives the folder of a finished attempt the run's place; whether that was free.
fn take_place(own: &Path, place: &Path) -> io::Result<bool> {
    remove_file(&own.join(artifact::CHECKPOINT));
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::rename(own, place) {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            // Somebody else did so, for this attempt or for another one.
            io::ErrorKind::DirectoryNotEmpty
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::NotFound => Ok(false),
            _ => Err(error),
        },
    }
}

/// Whether a name in an attempt's folder is that of an artifact; drafts begin with a dot.
fn is_artifact(name: &str) -> bool {
    name != artifact::CHECKPOINT && !name.starts_with('.')
}

/// Links the artifacts of an attempt that counts although it did not finish into the run's place, unless
/// there is something. Its folder stays: another attempt may go on from it.
fn show(own: &Path, place: &Path) -> io::Result<()> {
    if place.exists() || !own.is_dir() {
        return Ok(());
    }
    let draft = own.with_added_extension(format!("{:016x}", rand::random::<u64>()));
    fs::create_dir(&draft)?;
    fs::write(draft.join(UNFINISHED), "")?;
    for entry in fs::read_dir(own)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_artifact) && entry.file_type()?.is_file() {
            fs::hard_link(entry.path(), draft.join(entry.file_name()))?;
        }
    }
    if !take_place(&draft, place)? {
        remove(&draft);
    }
    Ok(())
}

fn remove_file(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "could not remove checkpoint");
        }
        _ => {}
    }
}

fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %folder.display(), %error, "files of earlier attempts stay");
        }
        _ => {}
    }
}

/// Whether attempts at a run left files.
pub(crate) fn has_attempts(store: &Path, run: RunId) -> bool {
    of_run(store, run).is_dir()
}

/// Whether a run has files, which are those of an attempt that finished if one did.
pub(crate) fn has_place(store: &Path, run: RunId) -> bool {
    place(store, run).is_dir()
}

/// Moves what lies in the place of a run that did not finish among its attempts: an earlier version kept
/// the files of all attempts there.
pub(crate) fn set_aside(store: &Path, run: RunId) -> io::Result<()> {
    let (all, place) = (of_run(store, run), place(store, run));
    if place.join(UNFINISHED).exists() {
        return fs::remove_dir_all(place);
    }
    fs::create_dir_all(&all)?;
    match fs::rename(&place, all.join(EARLIER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // What was set aside before goes on being it; this is of an attempt whose record is lost.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
            ) =>
        {
            fs::remove_dir_all(place)
        }
        moved => moved,
    }
}

/// Gives the files of attempts that count their place, so far as their workers did not come to it, and
/// removes those of other attempts at runs that finished.
pub(crate) fn settle(store: &Path, fold: &Fold) {
    for entry in fs::read_dir(store.join(ATTEMPTS)).into_iter().flatten().flatten() {
        let run = entry.file_name().to_str().and_then(|name| name.parse::<RunId>().ok());
        let state = run.and_then(|run| fold.runs.get(&run));
        let Some((run, state)) = run.zip(state) else { continue };
        let (all, place) = (entry.path(), place(store, run));
        let settled = match state.status() {
            Status::Finished => finish(&all, &place, state),
            Status::Failed | Status::Pruned if !state.artifacts().is_empty() => {
                let counted = state.counted().map(|a| all.join(name(a.number, &a.writer)));
                counted.map_or(Ok(()), |own| show(&own, &place))
            }
            _ => Ok(()),
        };
        if let Err(error) = settled {
            tracing::warn!(path = %all.display(), %error, "files of a run stay here");
        }
    }
}

/// Does so for a run that finished.
fn finish(all: &Path, place: &Path, state: &RunState) -> io::Result<()> {
    let own = |a: &AttemptState| all.join(name(a.number, &a.writer));
    let finished = state.attempts.iter().filter(|a| a.status() == Status::Finished);
    let folder = finished.map(own).find(|own| own.is_dir());
    if let Some(folder) = folder.filter(|_| !state.artifacts().is_empty()) {
        if place.join(UNFINISHED).exists() {
            fs::remove_dir_all(place)?;
        }
        take_place(&folder, place)?;
    }
    let Some(counted) = state.counted() else { return Ok(()) };
    // A run that is executed once more is under way in an attempt with a later number.
    for attempt in &state.attempts {
        let is_over = attempt.ended.is_some() || attempt.lost.is_some();
        if is_over || attempt.number <= counted.number {
            remove(&own(attempt));
        }
    }
    remove(&all.join(EARLIER));
    // Fails while something is in it.
    let _ = fs::remove_dir(all);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_cleared_away_while_it_is_written_to_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunId::of("a");
        let mut slow = Folder::new(dir.path(), (run, 1), "w1", Vec::new());
        slow.save(1, 1, b"one").unwrap();
        let mut calls = 0;
        again_where_cleared_away(|| {
            calls += 1;
            fs::create_dir_all(&slow.own)?;
            if calls == 1 {
                // Another attempt finishes.
                fs::remove_dir_all(&slow.all)?;
            }
            fs::write(slow.own.join("file"), "text")
        })
        .unwrap();
        assert_eq!(calls, 2);
        slow.write("model", b"one").unwrap();
        fs::remove_dir_all(&slow.all).unwrap();
        slow.write("picture", b"one").unwrap();
        // The first file is gone, and half of what an attempt published counts for nothing.
        slow.count(false).unwrap();
        assert!(!has_place(dir.path(), run) && !has_attempts(dir.path(), run));
    }

    #[test]
    fn the_attempt_that_finishes_first_has_the_place() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunId::of("a");
        let mut attempts = [1, 2].map(|number| {
            let mut folder = Folder::new(dir.path(), (run, number), "w", Vec::new());
            folder.write("model", number.to_string().as_bytes()).unwrap();
            folder
        });
        attempts[1].count(false).unwrap();
        attempts[0].write("model", b"1").unwrap();
        attempts[0].count(false).unwrap();
        let model = || fs::read_to_string(place(dir.path(), run).join("model")).unwrap();
        assert_eq!(model(), "2");
        let mut forced = Folder::new(dir.path(), (run, 3), "w", Vec::new());
        forced.write("model", b"3").unwrap();
        forced.count(true).unwrap();
        assert_eq!(model(), "3");
        assert!(!has_attempts(dir.path(), run));
    }
}
