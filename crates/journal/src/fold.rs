//! The fold of all segments of a store into the state of its runs.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use experiment::{RunId, SpecId};

use crate::frame::{Content, Kind};
use crate::marks::Marks;
use crate::reading::{self, Listing};
use crate::segment::{Found, Segment, is_regular};
use crate::state::{Recorded, Removal};
use crate::writer::EXTENSION;
use crate::{Error, Event, Opened, Problem, Removed, RemovedRun, RunSpec, RunState, Timestamp};

/// What all segments of a store say together.
///
/// The fold does not depend on the order in which segments are read, and reading an event twice
/// changes nothing.
#[derive(Debug, Default)]
pub struct Fold {
    /// Every run that was ever assigned, started or blocked.
    pub runs: BTreeMap<RunId, RunState>,
    /// Every writer.
    pub writers: BTreeMap<String, Opened>,
    /// What is known of the code of programs, by its id.
    pub codes: BTreeMap<String, BTreeMap<String, String>>,
    /// What was wrong with the segments, or differs between attempts.
    pub problems: Vec<Problem>,
    dir: PathBuf,
    segments: BTreeMap<PathBuf, Segment>,
    /// Runs with an attempt that resumed from a checkpoint.
    resumed: BTreeSet<RunId>,
    /// When finished runs were asked for again, by segments that need not describe them.
    requested: HashMap<RunId, Timestamp>,
    /// What was removed.
    removed: HashMap<RunId, Removal>,
    /// What was said of runs.
    marks: HashMap<RunId, Marks>,
    /// The next sequence number of each writer.
    next: BTreeMap<Arc<str>, u64>,
}

/// Frames whose predecessors were not found yet, by writer and sequence number.
type Late = BTreeMap<Arc<str>, BTreeMap<u64, Found>>;

/// The file name and bytes of each segment of a folder, as [`Fold::positions`] has them after
/// everything was read.
///
/// # Errors
/// [`Error::Io`].
pub fn lengths(dir: &Path) -> Result<BTreeMap<String, u64>, Error> {
    let mut lengths = BTreeMap::new();
    for path in segments(dir)? {
        if is_regular(&path)? {
            let bytes = fs::metadata(&path).map_err(Error::io("read", &path))?.len();
            lengths.insert(name_of(&path), bytes);
        }
    }
    Ok(lengths)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Fold {
    /// Reads all segments of a folder; a folder that is not there holds none.
    ///
    /// # Errors
    /// [`Error::Io`]. Torn tails, damaged frames and files that are no segments are
    /// [`problems`](Self::problems), no errors.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let mut fold = Self { dir: dir.to_owned(), ..Self::default() };
        fold.refresh()?;
        Ok(fold)
    }

    /// Reads what was appended since.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn refresh(&mut self) -> Result<(), Error> {
        // Copies of a segment are read together, so that one can stand in for another's damage.
        let mut late = Late::new();
        let mut done = self.read_segments(&mut late);
        // What a segment said that was compacted away between listing and reading is in another.
        while let Ok(Listing::Outdated) = done {
            done = self.read_segments(&mut late);
        }
        for found in late.into_values().flat_map(BTreeMap::into_values) {
            let next = self.next.entry(found.writer.clone()).or_default();
            if found.sequence >= *next {
                let gap = found.sequence > *next;
                *next = found.sequence + 1;
                if gap {
                    self.lost_frames(&found.writer);
                }
                self.take(found);
            }
        }
        for run in &self.resumed {
            if let Some(run) = self.runs.get_mut(run) {
                run.find_orphans();
            }
        }
        self.problems = self.segments.values().flat_map(problems_of).collect();
        self.problems.extend(self.runs.values().filter_map(RunState::nondeterminism));
        done.map(drop)
    }

    /// Takes in the frames that follow the ones taken in so far; those that come too early are late.
    fn read_segments(&mut self, late: &mut Late) -> Result<Listing, Error> {
        let mut known = std::mem::take(&mut self.segments);
        let done = segments(&self.dir).and_then(|paths| {
            reading::read_on(&paths, &mut known, &mut |found| {
                let next = self.next.entry(found.writer.clone()).or_default();
                if found.sequence == *next {
                    *next += 1;
                    self.take(found);
                } else if found.sequence > *next {
                    late.entry(found.writer.clone()).or_default().insert(found.sequence, found);
                }
            })
        });
        self.segments = known;
        done
    }

    /// How much of each segment was read: its file name and bytes.
    pub fn positions(&self) -> BTreeMap<String, u64> {
        let there = self.segments.iter().filter(|(path, _)| path.is_file());
        there.map(|(path, segment)| (name_of(path), segment.offset())).collect()
    }

    /// When a run was asked for last.
    pub fn requested_at(&self, run: &RunState) -> Timestamp {
        let again = self.requested.get(&run.spec.run);
        again.map_or(run.attempted_at, |again| again.max(run.attempted_at))
    }

    /// Runs whose request another run answers by now: of the runs of one request, each computed with
    /// another version, other code or other data, the one that was asked for last is current,
    /// whatever became of it.
    pub fn superseded(&self) -> HashSet<RunId> {
        let mut runs: Vec<(SpecId, &RunState)> =
            self.runs.values().map(|run| (run.spec.spec, run)).collect();
        runs.sort_unstable_by_key(|(request, _)| *request);
        let mut superseded = HashSet::new();
        for same in runs.chunk_by(|(a, _), (b, _)| a == b).filter(|same| same.len() > 1) {
            // Of two that were asked for at once the later in the order of ids counts.
            let ages = same.iter().map(|(_, run)| (self.requested_at(run), run.spec.run));
            let newest = ages.max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let others = same.iter().map(|(_, run)| run.spec.run);
            superseded
                .extend(others.filter(|run| newest.is_some_and(|(_, newest)| newest != *run)));
        }
        superseded
    }

    /// Frames of a writer are lost: what it had under way is not whole.
    fn lost_frames(&mut self, writer: &str) {
        let attempts = self.runs.values_mut().flat_map(|run| &mut run.attempts);
        let open = attempts
            .filter(|a| &*a.writer == writer && a.started_at.is_some() && a.ended.is_none());
        open.for_each(|attempt| attempt.incomplete = true);
    }

    fn take(&mut self, Found { writer, content, place, .. }: Found) {
        match content {
            Content::Event(event) => self.apply(&writer, event),
            Content::Recorded { run, attempt, kind } => {
                let recorded = Recorded::There(kind, place);
                self.attempt(run, attempt, &writer, |a| a.recorded.push(recorded));
            }
        }
    }

    /// Applies one event of a writer.
    pub fn apply(&mut self, writer: &str, event: Event) {
        match event {
            Event::Opened(opened) => {
                self.writers.insert(writer.to_owned(), opened);
            }
            Event::Assigned(assigned) => {
                if self.is_removed(assigned.spec.run, assigned.attempt, &assigned.worker) {
                    return;
                }
                let (run, spec) = self.run(assigned.spec, assigned.at);
                let attempt = run.attempt(assigned.attempt, &assigned.worker);
                attempt.described(assigned.at);
                attempt.driver = Some(writer.into());
                attempt.spec.get_or_insert(spec);
            }
            Event::Started(started) => {
                if self.is_removed(started.spec.run, started.attempt, writer) {
                    return;
                }
                let (run, spec) = self.run(started.spec, started.at);
                let attempt = run.attempt(started.attempt, writer);
                attempt.described(started.at);
                attempt.started_at = Some(started.at);
                attempt.means = started.means;
                attempt.spec = Some(spec);
            }
            Event::Lost(lost) => {
                if let Some(run) = self.runs.get_mut(&lost.run)
                    && let Some(attempt) = run.assigned_by(lost.attempt, writer)
                {
                    attempt.lost = Some(lost);
                }
            }
            Event::Requested(requested) => {
                for run in requested.runs {
                    let at = self.requested.entry(run).or_insert(requested.at);
                    *at = at.max(requested.at);
                }
            }
            Event::Removed(Removed { runs, at }) => {
                runs.into_iter().for_each(|removed| self.remove(removed, at));
            }
            Event::Code(code) => drop(self.codes.insert(code.id, code.facts)),
            Event::Marked(marked) => {
                for &run in &marked.runs {
                    self.marks.entry(run).or_default().add(&marked);
                }
            }
            Event::Blocked(blocked) => {
                let removed = self.removed.get(&blocked.spec.run);
                if removed.is_some_and(|removed| blocked.attempt <= removed.blocked) {
                    return;
                }
                let (run, _) = self.run(blocked.spec, blocked.at);
                run.block(blocked.attempt, blocked.why);
            }
            Event::Ended(ended) => {
                self.attempt(ended.run, ended.attempt, writer, |a| {
                    // Then its beginning is among lost frames.
                    a.incomplete |= a.started_at.is_none();
                    a.ended = Some(ended);
                });
            }
            Event::Resumed(resumed) => {
                self.resumed.insert(resumed.run);
                self.attempt(resumed.run, resumed.attempt, writer, |a| a.resumed = Some(resumed));
            }
            Event::Artifact(artifact) => {
                self.attempt(artifact.run, artifact.attempt, writer, |a| {
                    a.artifacts.push(artifact);
                });
            }
            Event::Metrics(metrics) => {
                let (run, number) = (metrics.run, metrics.attempt);
                let recorded = Recorded::Here(Kind::Metrics, Event::Metrics(metrics));
                self.attempt(run, number, writer, |a| a.recorded.push(recorded));
            }
            Event::Rows(rows) => {
                let (run, number) = (rows.run, rows.attempt);
                let recorded = Recorded::Here(Kind::Rows, Event::Rows(rows));
                self.attempt(run, number, writer, |a| a.recorded.push(recorded));
            }
            Event::Checkpoint(mark) => {
                let recorded = Recorded::Checkpoint(mark.number);
                self.attempt(mark.run, mark.attempt, writer, |a| a.recorded.push(recorded));
            }
            // Unwrapped by whoever read it.
            Event::Copied(_) => {}
        }
    }

    /// A run that is described once more, and the description.
    fn run(&mut self, spec: RunSpec, at: Timestamp) -> (&mut RunState, Arc<RunSpec>) {
        match self.runs.entry(spec.run) {
            Entry::Vacant(place) => {
                let spec = Arc::new(spec);
                (place.insert(RunState::new(spec.clone(), at)), spec)
            }
            Entry::Occupied(known) => {
                let run = known.into_mut();
                let spec = run.described(spec, at);
                (run, spec)
            }
        }
    }

    /// The tags of a run, in alphabetical order.
    pub fn tags(&self, run: RunId) -> impl Iterator<Item = &str> {
        let since = self.marked_since(run);
        self.marks.get(&run).into_iter().flat_map(move |marks| marks.tags(since))
    }

    /// What is noted of a run.
    pub fn note(&self, run: RunId) -> Option<&str> {
        self.marks.get(&run)?.note(self.marked_since(run))
    }

    /// What was said of a run up to then went with it.
    fn marked_since(&self, run: RunId) -> Timestamp {
        self.removed.get(&run).map_or(Timestamp::NEG_INFINITY, |removal| removal.at)
    }

    fn remove(&mut self, RemovedRun { run, attempts, blocked }: RemovedRun, at: Timestamp) {
        let removal = self.removed.entry(run).or_default();
        removal.at = removal.at.max(at);
        removal.attempts.extend(attempts);
        removal.blocked = removal.blocked.max(blocked.unwrap_or(0));
        if let Entry::Occupied(mut known) = self.runs.entry(run)
            && !known.get_mut().forget(removal)
        {
            known.remove();
        }
    }

    /// Whether somebody removed an attempt.
    pub fn is_removed(&self, run: RunId, number: u32, writer: &str) -> bool {
        !self.removed.is_empty()
            && self.removed.get(&run).is_some_and(|removal| removal.holds(number, writer))
    }

    /// Runs that were removed and not attempted since, with the numbers of the attempts they had.
    pub fn removed(&self) -> impl Iterator<Item = (RunId, BTreeSet<u32>)> + '_ {
        let gone = self.removed.iter().filter(|(run, _)| !self.runs.contains_key(run));
        gone.map(|(run, removal)| (*run, removal.attempts.iter().map(|(n, _)| *n).collect()))
    }

    /// Changes an attempt that its worker has begun; a run nobody described is left alone.
    fn attempt(
        &mut self,
        run: RunId,
        number: u32,
        writer: &str,
        change: impl FnOnce(&mut crate::AttemptState),
    ) {
        if self.is_removed(run, number, writer) {
            return;
        }
        if let Some(run) = self.runs.get_mut(&run) {
            change(run.attempt(number, writer));
        }
    }
}

fn problems_of(segment: &Segment) -> impl Iterator<Item = Problem> + '_ {
    segment.damage.iter().chain(&segment.unread).cloned()
}

/// The segment files of a folder.
pub(crate) fn segments(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::io("list", dir))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io("list", dir))?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            paths.push(path);
        }
    }
    Ok(paths)
}
