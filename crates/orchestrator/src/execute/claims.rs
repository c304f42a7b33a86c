//! Which driver does which chunk, agreed on through nothing but a shared folder.
//!
//! ```text
//! claims/heartbeats/<driver>         a counter, rewritten while the driver lives
//! claims/<plan>/<chunk>.<attempt>    who holds the chunk; the highest attempt counts
//! done/<plan>/<chunk>                run -> attempt; the first link wins
//! done/<plan>.all                    the same for every chunk, once all are done
//! ```
//!
//! A claim expires when its driver's counter stands still for the lease by the observer's own
//! clock, or at once when the driver is dead for certain or has left.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use experiment::RunId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::incarnation::Incarnation;
use super::lease::Lease;
use super::schedule::Chunk;
use super::{Disk, Error, heartbeat, publish};

/// Who claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claimant {
    /// The driver's journal writer.
    pub driver: String,
    pub process: Incarnation,
}

/// What a chunk's runs came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done {
    pub chunk: Chunk,
    /// The driver that published it.
    pub driver: String,
    /// Which attempt of the chunk's claim.
    pub attempt: u32,
    pub runs: BTreeMap<RunId, u32>,
}

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The chunk is ours now; an attempt above 1 took it over.
    Mine { chunk: Chunk, attempt: u32 },
    /// Others hold all that is left.
    Held,
    /// Every chunk is done.
    AllDone,
}

/// The claims on one plan, as one driver sees and makes them.
#[derive(Debug)]
pub(crate) struct Claims {
    store: PathBuf,
    disk: Disk,
    plan: String,
    chunks: usize,
    me: Claimant,
    lease: Lease,
    /// The counter last seen of each driver, and since when.
    seen: BTreeMap<String, (u64, Duration)>,
    held: BTreeMap<Chunk, u32>,
    done: BTreeSet<Chunk>,
}

impl Claims {
    /// Opens the claims on a plan of `chunks` chunks.
    pub(crate) fn open(
        (store, disk): (&Path, Disk),
        (plan, chunks): (&str, usize),
        me: Claimant,
        lease: Lease,
    ) -> Result<Self, Error> {
        let claims = Self {
            store: store.into(),
            disk,
            plan: plan.into(),
            chunks,
            me,
            lease,
            seen: BTreeMap::new(),
            held: BTreeMap::new(),
            done: BTreeSet::new(),
        };
        for folder in [claims.claims_folder(), claims.done_folder()] {
            claims.disk.check("create", &folder)?;
            fs::create_dir_all(&folder).map_err(Error::store("create", &folder))?;
        }
        Ok(claims)
    }

    fn claims_folder(&self) -> PathBuf {
        self.store.join("claims").join(&self.plan)
    }

    fn done_folder(&self) -> PathBuf {
        self.store.join("done").join(&self.plan)
    }

    fn all_done(&self) -> PathBuf {
        self.store.join("done").join(format!("{}.all", self.plan))
    }

    /// Whether every chunk is done.
    pub(crate) fn is_complete(&mut self) -> Result<bool, Error> {
        if self.all_done().exists() {
            return Ok(true);
        }
        let Some(names) = self.names(&self.done_folder())? else { return Ok(true) };
        self.done.extend(names.iter().filter_map(|name| name.parse::<Chunk>().ok()));
        Ok(self.done.len() >= self.chunks)
    }

    /// Claims a chunk: one nobody holds, or else one whose holder let go of it. `now` is the time
    /// since any fixed moment by this process's monotonic clock.
    pub(crate) fn next(&mut self, now: Duration) -> Result<Next, Error> {
        if self.is_complete()? {
            return Ok(Next::AllDone);
        }
        let Some(holders) = self.holders()? else { return Ok(Next::AllDone) };
        let open = |chunk: &Chunk| !self.done.contains(chunk) && !self.held.contains_key(chunk);
        let free: Vec<Chunk> = (0..self.chunks).filter(open).collect();
        for &chunk in free.iter().filter(|chunk| !holders.contains_key(chunk)) {
            if self.claim(chunk, 1)? {
                return Ok(Next::Mine { chunk, attempt: 1 });
            }
        }
        for (chunk, attempt) in free.iter().filter_map(|c| Some((*c, *holders.get(c)?))) {
            if self.let_go(chunk, attempt, now)? && self.claim(chunk, attempt + 1)? {
                return Ok(Next::Mine { chunk, attempt: attempt + 1 });
            }
        }
        Ok(Next::Held)
    }

    /// Chunks of ours that someone else took over in the meantime; they are ours no more.
    pub(crate) fn superseded(&mut self) -> Vec<Chunk> {
        let folder = self.claims_folder();
        let lost = |(chunk, attempt): (&Chunk, &u32)| {
            folder.join(format!("{chunk}.{}", attempt + 1)).exists().then_some(*chunk)
        };
        let lost: Vec<Chunk> = self.held.iter().filter_map(lost).collect();
        self.held.retain(|chunk, _| !lost.contains(chunk));
        lost
    }

    /// Publishes what a chunk's runs came to; whether nobody had done so before.
    pub(crate) fn publish(
        &mut self,
        chunk: Chunk,
        runs: BTreeMap<RunId, u32>,
    ) -> Result<bool, Error> {
        let attempt = self.held.get(&chunk).copied().unwrap_or(1);
        let done = Done { chunk, driver: self.me.driver.clone(), attempt, runs };
        let path = self.done_folder().join(chunk.to_string());
        let linked = self.link("publish", &path, &encode(&path, &done)?);
        if linked.as_ref().is_err_and(Error::is_passing) {
            return linked;
        }
        self.held.remove(&chunk);
        self.done.insert(chunk);
        match read::<Vec<Done>>(&self.all_done(), "finished chunks") {
            // Damaged, it tells nobody anything; what the runs came to stands in the journals.
            Ok(None) | Err(Error::Malformed { .. }) => unless_swept_up(linked),
            // The folder is swept up, or about to be: what counts stands in the list already.
            Ok(Some(all)) => {
                let _ = fs::remove_file(&path);
                let _ = fs::remove_dir(self.done_folder());
                Ok(all.contains(&done))
            }
            Err(error) => Err(error),
        }
    }

    /// Replaces the files of a complete plan by one. Any number of drivers may do so at once.
    pub(crate) fn sweep_up(&self) -> Result<(), Error> {
        let path = self.all_done();
        if !path.exists() {
            let mut all = Vec::new();
            for chunk in 0..self.chunks {
                match read::<Done>(&self.done_folder().join(chunk.to_string()), "a finished chunk")
                {
                    Ok(Some(done)) => all.push(done),
                    // Someone else is sweeping.
                    Ok(None) => return Ok(()),
                    // Not synced: one that is not whole is of before a loss of power. The runs of its
                    // chunk are in the journals, and those that are not in the next generation.
                    Err(Error::Malformed { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            publish::once(&path, &encode(&path, &all)?)?;
        }
        for folder in [self.claims_folder(), self.done_folder()] {
            // What stays is never read again.
            let _ = fs::remove_dir_all(folder);
        }
        Ok(())
    }

    /// Holds no chunk any more.
    pub(crate) fn give_back(&mut self) {
        self.held.clear();
    }

    fn link(&self, what: &'static str, path: &Path, content: &[u8]) -> Result<bool, Error> {
        self.disk.check(what, path)?;
        publish::once_unsynced(path, content)
    }

    /// Names in a folder. `None` when it was swept up, which may be seen before the list of what is done:
    /// a network file system remembers for seconds that there was none.
    fn names(&self, folder: &Path) -> Result<Option<Vec<String>>, Error> {
        self.disk.check("list", folder)?;
        let entries = match fs::read_dir(folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            entries => entries.map_err(Error::store("list", folder))?,
        };
        let name = |entry: io::Result<fs::DirEntry>| {
            Ok(entry.map_err(Error::store("list", folder))?.file_name().to_string_lossy().into())
        };
        entries.map(name).collect::<Result<_, _>>().map(Some)
    }

    /// The newest claim on each chunk; `None` when they were swept up.
    fn holders(&self) -> Result<Option<BTreeMap<Chunk, u32>>, Error> {
        let mut holders = BTreeMap::new();
        let Some(names) = self.names(&self.claims_folder())? else { return Ok(None) };
        for name in names {
            let Some((chunk, attempt)) = name.split_once('.') else { continue };
            let (Ok(chunk), Ok(attempt)) = (chunk.parse::<Chunk>(), attempt.parse::<u32>()) else {
                continue;
            };
            let newest = holders.entry(chunk).or_insert(attempt);
            *newest = attempt.max(*newest);
        }
        Ok(Some(holders))
    }

    fn claim(&mut self, chunk: Chunk, attempt: u32) -> Result<bool, Error> {
        let path = self.claims_folder().join(format!("{chunk}.{attempt}"));
        let linked = self.link("claim", &path, &encode(&path, &self.me)?);
        if self.all_done().exists() {
            // Free only because the earlier claim was swept up while we looked.
            let _ = fs::remove_file(&path);
            let _ = fs::remove_dir(self.claims_folder());
            return Ok(false);
        }
        let won = unless_swept_up(linked)?;
        if won {
            self.held.insert(chunk, attempt);
        }
        Ok(won)
    }

    /// Whether the holder of a claim does not hold it any longer.
    fn let_go(&mut self, chunk: Chunk, attempt: u32, now: Duration) -> Result<bool, Error> {
        let path = self.claims_folder().join(format!("{chunk}.{attempt}"));
        self.disk.check("read", &path)?;
        let holder = match read::<Claimant>(&path, "a claim") {
            Ok(Some(holder)) => holder,
            Ok(None) => return Ok(false),
            // Claims are not synced: one that is not whole is of a driver that lost its power.
            Err(Error::Malformed { .. }) => return Ok(true),
            Err(error) => return Err(error),
        };
        if holder.driver == self.me.driver || holder.process.is_dead(&self.me.process) {
            // Our own that is not held any longer was superseded by one that let go in turn.
            return Ok(true);
        }
        if !holder.process.is_on_host_of(&self.me.process) {
            self.lease.share();
        }
        let Some(counter) = heartbeat::read(&self.store, &holder.driver)? else { return Ok(true) };
        let (last, since) = self.seen.entry(holder.driver).or_insert((counter, now));
        if *last != counter {
            (*last, *since) = (counter, now);
        }
        Ok(now.saturating_sub(*since) >= self.lease.term())
    }
}

/// Takes it for somebody else's success where the folder of what was to be linked is gone.
fn unless_swept_up(linked: Result<bool, Error>) -> Result<bool, Error> {
    match linked {
        Err(Error::Store { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(false),
        linked => linked,
    }
}

fn encode(path: &Path, value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|source| Error::Malformed {
        path: path.into(),
        wanted: "JSON",
        source,
    })
}

fn read<T: DeserializeOwned>(path: &Path, wanted: &'static str) -> Result<Option<T>, Error> {
    let text = match fs::read(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(Error::store("read", path))?,
    };
    let value = serde_json::from_slice(&text);
    value.map(Some).map_err(|source| Error::Malformed { path: path.into(), wanted, source })
}

#[cfg(test)]
mod tests;
