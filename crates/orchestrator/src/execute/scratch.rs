//! Temporary folders of runs. Whose they are stands in their names, so that those of processes that
//! were killed are found and removed.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use experiment::RunId;

use super::incarnation::Incarnation;
use super::processes;

/// What the names begin with.
const PREFIX: &str = "regimen-";

/// The folder that holds those of a worker's runs.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
}

/// The folder of the first worker of a process, and of all workers that are processes.
pub(crate) fn folder_of(process: &Incarnation) -> PathBuf {
    numbered(process, 0)
}

fn numbered(process: &Incarnation, number: u32) -> PathBuf {
    std::env::temp_dir().join(format!("{PREFIX}{}-{number}", process.name()))
}

impl Scratch {
    /// Makes the folder. Where that cannot be done, a run that asks for one is told so.
    pub(crate) fn create() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let here = Incarnation::current();
        loop {
            let folder = numbered(&here, NEXT.fetch_add(1, Ordering::Relaxed));
            match DirBuilder::new().mode(0o700).create(&folder) {
                // Somebody else's: what lies there may be theirs.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => {
                    if let Err(error) = made {
                        tracing::debug!(path = %folder.display(), %error, "no temporary folder");
                    }
                    return Self { folder };
                }
            }
        }
    }

    /// The place of an attempt's folder.
    pub(crate) fn of(&self, run: RunId, attempt: u32) -> PathBuf {
        self.folder.join(format!("{}.{attempt}", run.short()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Removes the folder of an attempt that is over.
pub(crate) fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %folder.display(), %error, "could not remove temporary folder");
        }
        _ => {}
    }
}

/// Ends what belongs to a worker that is gone, and removes its folder.
pub(crate) fn clear(folder: &Path) {
    if folder.symlink_metadata().is_ok() {
        processes::end_all_of(folder);
        remove(folder);
    }
}

/// Does so for every worker that was killed together with its driver.
pub(crate) fn clear_dead() {
    let here = Incarnation::current();
    let me = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.rsplit_once('-'));
        let owner = owner.and_then(|(owner, _)| Incarnation::named(owner));
        let ours = |path: &Path| {
            path.symlink_metadata().is_ok_and(|found| found.is_dir() && found.uid() == me)
        };
        if owner.is_some_and(|owner| owner.is_dead(&here)) && ours(&entry.path()) {
            tracing::info!(path = %entry.path().display(), "left by a worker that was killed");
            clear(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_dead_are_removed_and_those_of_the_living_are_not() {
        let scratch = Scratch::create();
        let run = scratch.of(RunId::of("a"), 1);
        fs::create_dir(&run).unwrap();
        let here = Incarnation::current();
        let dead = Incarnation { started: here.started.wrapping_sub(1), ..here.clone() };
        let (left, unknown) = (folder_of(&dead), std::env::temp_dir().join("regimen-notes-1"));
        fs::create_dir_all(left.join("deep")).unwrap();
        fs::create_dir_all(&unknown).unwrap();
        clear_dead();
        assert!(run.is_dir() && unknown.is_dir() && !left.exists());
        fs::remove_dir(&unknown).unwrap();
        remove(&run);
        let folder = scratch.folder.clone();
        drop(scratch);
        assert!(!folder.exists());
    }
}
