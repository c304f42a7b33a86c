//! Removes runs of a store with everything that belongs to them.
//!
//! First the journal says what does not count any more, then the files go, then the journal is compacted.
//! Whoever is killed in between leaves a store that says the same, and the next call goes on from there.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use experiment::RunId;
use journal::{Event, Fold, Opened, RemovedRun, Role, RunState, Writer};

use super::attempt::now;
use super::compact::compact_known;
use super::drive::driver_name;
use super::{Error, JOURNAL, code, folder, live, log_of, store_folder};

/// Runs that are named in one frame of the journal.
const TOGETHER: usize = 1000;

/// What [`remove`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// Runs that are there no more.
    pub runs: usize,
    /// Runs that a driver executes right now; they stay.
    pub live: usize,
}

/// Removes runs of a store whose journals say what `fold` says: their attempts count no more, and their artifacts, checkpoints and logs are deleted. Also
/// deletes what an earlier call left that was cut off.
///
/// Drivers may be at work meanwhile. One that wants a run which is removed executes it again.
///
/// # Errors
/// [`Error::NoFolder`] without a store; [`Error`] of reading and writing. The same call again does what is
/// left.
pub fn remove(
    store: &Path,
    fold: &mut Fold,
    runs: &BTreeSet<RunId>,
    opened: Opened,
) -> Result<Removed, Error> {
    store_folder(store)?;
    let journal = store.join(JOURNAL);
    fold.refresh()?;
    let executed: BTreeSet<RunId> =
        live(store).into_values().flatten().map(|run| run.run).collect();
    let chosen = || fold.runs.values().filter(|state| runs.contains(&state.spec.run));
    let is_live = |state: &&RunState| executed.contains(&state.spec.run);
    let gone: Vec<RemovedRun> = chosen().filter(|state| !is_live(state)).map(everything).collect();
    let done = Removed { runs: gone.len(), live: chosen().filter(is_live).count() };
    if !gone.is_empty() {
        let opened = Opened { writer: driver_name(), role: Role::Driver, at: now(), ..opened };
        let mut writer = Writer::create(&journal, opened)?;
        for runs in gone.chunks(TOGETHER) {
            let removed = journal::Removed { runs: runs.to_vec(), at: now() };
            writer.append(&Event::Removed(removed))?;
        }
        writer.sync()?;
        fold.refresh()?;
    }
    sweep(store, fold)?;
    match compact_known(store, fold) {
        // Whoever compacts already leaves out what is removed, or the next one does.
        Err(Error::Journal(journal::Error::Busy { .. })) => {}
        compacted => drop(compacted?),
    }
    Ok(done)
}

/// All that is known of a run.
fn everything(state: &RunState) -> RemovedRun {
    let attempts = state.attempts.iter().map(|it| (it.number, it.writer.to_string()));
    RemovedRun { run: state.spec.run, attempts: attempts.collect(), blocked: state.blocked_at() }
}

/// Deletes the files of runs that were removed.
fn sweep(store: &Path, fold: &Fold) -> Result<(), Error> {
    for (run, attempts) in fold.removed() {
        for path in folder::places(store, run) {
            gone(&path, fs::remove_dir_all(&path))?;
        }
        for attempt in attempts {
            let path = log_of(store, run, attempt);
            gone(&path, fs::remove_file(&path))?;
        }
    }
    Ok(())
}

fn gone(path: &Path, removed: io::Result<()>) -> Result<(), Error> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(Error::store("remove", path)),
    }
}

/// Files of runs that the journal of a store does not know, for instance because a segment was deleted, and
/// of code that no run was executed with.
///
/// # Errors
/// [`Error::NoFolder`] without a store; [`Error`] of reading it.
pub fn unreferenced(store: &Path) -> Result<Vec<PathBuf>, Error> {
    store_folder(store)?;
    // Listed first: a run that begins meanwhile is not among them.
    let (files, codes) = (folder::of_runs(store)?, code::folders(store)?);
    let fold = Fold::read(&store.join(JOURNAL))?;
    let unknown = files.into_iter().filter(|(run, _)| !fold.runs.contains_key(run));
    let attempts = fold.runs.values().flat_map(|run| &run.attempts);
    let used: BTreeSet<&str> = attempts.filter_map(|it| it.means.code.as_deref()).collect();
    let unused = codes.into_iter().filter(|(id, _)| !used.contains(id.as_str()));
    Ok(unknown.map(|(_, path)| path).chain(unused.map(|(_, path)| path)).collect())
}
