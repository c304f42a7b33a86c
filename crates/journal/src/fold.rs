use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use experiment::RunId;

use crate::segment::Segment;
use crate::state::Recorded;
use crate::writer::EXTENSION;
use crate::{Error, Event, Opened, Problem, RunState};

/// What all segments of a store say together.
///
/// The fold does not depend on the order in which segments are read, and reading an event twice
/// changes nothing.
#[derive(Debug, Default)]
pub struct Fold {
    /// Every run that was ever assigned or started.
    pub runs: BTreeMap<RunId, RunState>,
    /// Every writer.
    pub writers: BTreeMap<String, Opened>,
    /// What was wrong with the segments, or differs between attempts.
    pub problems: Vec<Problem>,
    dir: PathBuf,
    segments: BTreeMap<PathBuf, Segment>,
    /// The next sequence number of each writer.
    next: BTreeMap<String, u64>,
}

impl Fold {
    /// Reads all segments of a folder; a folder that is not there holds none.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::NotAJournal`] or [`Error::Version`]. Torn tails and damaged frames
    /// are [`problems`](Self::problems), no errors.
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
        for path in segments(&self.dir)? {
            self.segments.entry(path.clone()).or_insert_with(|| Segment::new(path));
        }
        // Copies of a segment are read together, so that one can stand in for another's damage.
        let mut found: BTreeMap<String, BTreeMap<u64, Event>> = BTreeMap::new();
        for segment in self.segments.values_mut() {
            let events = segment.read_on()?;
            if let Some(writer) = &segment.writer {
                found.entry(writer.clone()).or_default().extend(events);
            }
        }
        for (writer, events) in found {
            for (sequence, event) in events {
                let next = self.next.entry(writer.clone()).or_default();
                if sequence >= *next {
                    *next = sequence + 1;
                    self.apply(&writer, event);
                }
            }
        }
        self.problems = self.segments.values().flat_map(problems_of).collect();
        self.problems.extend(self.runs.values().filter_map(RunState::nondeterminism));
        Ok(())
    }

    /// Applies one event of a writer.
    pub fn apply(&mut self, writer: &str, event: Event) {
        match event {
            Event::Opened(opened) => {
                self.writers.insert(writer.to_owned(), opened);
            }
            Event::Assigned(assigned) => {
                let run = self.run(&assigned.spec);
                let worker = assigned.worker.clone();
                let attempt = run.attempt(assigned.attempt, &worker);
                attempt.driver = Some(writer.to_owned());
                attempt.spec.get_or_insert(assigned.spec);
            }
            Event::Started(started) => {
                let run = self.run(&started.spec);
                let attempt = run.attempt(started.attempt, writer);
                attempt.started_at = Some(started.at);
                attempt.spec = Some(started.spec);
            }
            Event::Lost(lost) => {
                if let Some(run) = self.runs.get_mut(&lost.run)
                    && let Some(attempt) = run.assigned_by(lost.attempt, writer)
                {
                    attempt.lost = Some(lost);
                }
            }
            Event::Ended(ended) => {
                self.attempt(ended.run, ended.attempt, writer, |a| a.ended = Some(ended));
            }
            Event::Resumed(resumed) => {
                self.attempt(resumed.run, resumed.attempt, writer, |a| a.resumed = Some(resumed));
            }
            Event::Artifact(artifact) => {
                self.attempt(artifact.run, artifact.attempt, writer, |a| {
                    a.artifacts.push(artifact);
                });
            }
            Event::Metrics(m) => {
                let recorded = Recorded::Metrics(m.rows);
                self.attempt(m.run, m.attempt, writer, |a| a.recorded.push(recorded));
            }
            Event::Rows(rows) => {
                let recorded = Recorded::Rows(rows.table, rows.rows);
                self.attempt(rows.run, rows.attempt, writer, |a| a.recorded.push(recorded));
            }
            Event::Checkpoint(mark) => {
                let recorded = Recorded::Checkpoint(mark.number);
                self.attempt(mark.run, mark.attempt, writer, |a| a.recorded.push(recorded));
            }
        }
    }

    fn run(&mut self, spec: &crate::RunSpec) -> &mut RunState {
        self.runs.entry(spec.run).or_insert_with(|| RunState::new(spec.clone()))
    }

    /// Changes an attempt that its worker has begun; a run nobody described is left alone.
    fn attempt(
        &mut self,
        run: RunId,
        number: u32,
        writer: &str,
        change: impl FnOnce(&mut crate::AttemptState),
    ) {
        if let Some(run) = self.runs.get_mut(&run) {
            change(run.attempt(number, writer));
        }
    }
}

fn problems_of(segment: &Segment) -> impl Iterator<Item = Problem> + '_ {
    segment.damage.iter().chain(&segment.torn).cloned()
}

/// The segment files of a folder.
fn segments(dir: &Path) -> Result<Vec<PathBuf>, Error> {
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
