//! The state of a run and of its attempts, as the journal gives it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::frame::Kind;
use crate::place::Place;
use crate::{
    Artifact, Cause, Ended, Error, Event, Lost, Means, MetricRow, Outcome, Problem, Resumed,
    RunSpec, Timestamp,
};

/// Where a run stands; the words are the same in every listing, table and page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// An attempt began and nobody said how it ended.
    Running,
    /// An attempt ended with its results.
    Finished,
    /// The latest attempt failed or its worker was lost.
    Failed,
    /// It was asked for last when a run that it needs had no results.
    Blocked,
    /// The latest attempt was asked to stop or lost during a stop, or is outdated.
    Interrupted,
    /// The latest attempt stands at a rung of a search.
    Pruned,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Finished,
        Self::Failed,
        Self::Blocked,
        Self::Running,
        Self::Interrupted,
        Self::Pruned,
    ];

    /// The status of a word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Interrupted => "interrupted",
            Self::Pruned => "pruned",
        }
    }
}

/// What an attempt recorded, in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Recorded {
    Here(Kind, Event),
    There(Kind, Place),
    Checkpoint(u32),
}

impl Recorded {
    /// The event, if it is of a kind.
    fn of(&self, wanted: Kind) -> Result<Option<Event>, Error> {
        match self {
            Self::Here(kind, event) if *kind == wanted => Ok(Some(event.clone())),
            Self::There(kind, place) if *kind == wanted => place.read().map(Some),
            _ => Ok(None),
        }
    }
}

/// One attempt at a run.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptState {
    /// Its number.
    pub number: u32,
    /// The worker's journal writer.
    pub writer: Arc<str>,
    /// The journal writer of the driver that assigned it.
    pub driver: Option<Arc<str>>,
    /// What was attempted; the same as the run's, up to the sweep's name and threads.
    pub spec: Option<Arc<RunSpec>>,
    /// When it was described first and last.
    described_at: Option<[Timestamp; 2]>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// What it is executed with.
    pub means: Box<Means>,
    /// How it ended, by its own account.
    pub ended: Option<Ended>,
    /// How it ended, by its driver's account.
    pub lost: Option<Lost>,
    /// The checkpoint it went on from.
    pub resumed: Option<Resumed>,
    /// Files it published.
    pub artifacts: Vec<Artifact>,
    /// Part of its record is lost: its end does not count.
    pub(crate) incomplete: bool,
    /// The attempt that it resumed from is incomplete, or that attempt's checkpoint is not recorded.
    orphaned: bool,
    pub(crate) recorded: Vec<Recorded>,
}

impl AttemptState {
    fn new(number: u32, writer: Arc<str>) -> Self {
        Self {
            number,
            writer,
            driver: None,
            spec: None,
            described_at: None,
            started_at: None,
            means: Box::default(),
            ended: None,
            lost: None,
            resumed: None,
            artifacts: Vec::new(),
            incomplete: false,
            orphaned: false,
            recorded: Vec::new(),
        }
    }

    /// Notes that it was described.
    pub(crate) fn described(&mut self, at: Timestamp) {
        let [first, last] = self.described_at.unwrap_or([at; 2]);
        self.described_at = Some([first.min(at), last.max(at)]);
    }

    /// Where the attempt stands. Its own account goes before its driver's.
    pub fn status(&self) -> Status {
        match (self.ended.as_ref().map(|ended| &ended.outcome), &self.lost) {
            (Some(Outcome::Finished), _) if self.is_broken() => Status::Running,
            (Some(Outcome::Finished), _) => Status::Finished,
            (None, Some(Lost { cause: Cause::Stop, .. })) => Status::Interrupted,
            (Some(Outcome::Failed { .. }), _) | (None, Some(_)) => Status::Failed,
            (Some(Outcome::Interrupted | Outcome::Outdated { .. }), _) => Status::Interrupted,
            (Some(Outcome::Paused { .. }), _) => Status::Pruned,
            (None, None) => Status::Running,
        }
    }

    fn is_broken(&self) -> bool {
        self.incomplete || self.orphaned
    }

    /// Number of its newest checkpoint; 0 where it has none, or where part of its record is lost, so
    /// that nobody may go on from it.
    pub fn checkpoints(&self) -> u32 {
        let number = |recorded: &Recorded| match recorded {
            Recorded::Checkpoint(number) => *number,
            _ => 0,
        };
        if self.is_broken() { 0 } else { self.recorded.iter().map(number).max().unwrap_or(0) }
    }

    /// What it recorded before a checkpoint, or all.
    fn before(&self, checkpoint: Option<u32>) -> &[Recorded] {
        let end = checkpoint.and_then(|number| {
            self.recorded.iter().position(|r| *r == Recorded::Checkpoint(number))
        });
        &self.recorded[..end.unwrap_or(self.recorded.len())]
    }

    /// What ended it from outside, if anything did.
    pub fn cause(&self) -> Option<Cause> {
        match (&self.ended, &self.lost) {
            (Some(ended), _) => ended.cause,
            (None, lost) => lost.as_ref().map(|lost| lost.cause),
        }
    }

    /// Whether what it read had changed since it was planned.
    pub fn is_outdated(&self) -> bool {
        let outcome = self.ended.as_ref().map(|ended| &ended.outcome);
        matches!(outcome, Some(Outcome::Outdated { .. }))
    }

    /// The error it failed with.
    pub fn error(&self) -> Option<&str> {
        match (self.ended.as_ref().map(|ended| &ended.outcome), &self.lost) {
            (Some(Outcome::Failed { error }), _) => Some(error),
            (None, Some(lost)) if lost.cause != Cause::Stop => Some(&lost.error),
            _ => None,
        }
    }
}

/// What was removed of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Removal {
    pub(crate) attempts: BTreeSet<(u32, String)>,
    /// When, for the last time.
    pub(crate) at: Timestamp,
    /// Attempts up to this one could not be made; 0 for none.
    pub(crate) blocked: u32,
}

impl Removal {
    /// Whether an attempt was removed.
    pub(crate) fn holds(&self, number: u32, writer: &str) -> bool {
        // Few runs are removed twice, and few have many attempts.
        self.attempts.iter().any(|(n, worker)| *n == number && worker == writer)
    }
}

/// One run with all its attempts.
#[derive(Debug, Clone, PartialEq)]
pub struct RunState {
    /// What it is; the sweep is the one that asked for it first.
    pub spec: Arc<RunSpec>,
    /// When its latest attempt was assigned or began.
    pub(crate) attempted_at: Timestamp,
    /// When its first one did.
    first_at: Timestamp,
    /// Attempts, by number and worker.
    pub attempts: Vec<AttemptState>,
    /// The last attempt that could not be made, and why.
    blocked: Option<(u32, String)>,
}

impl RunState {
    pub(crate) fn new(spec: Arc<RunSpec>, at: Timestamp) -> Self {
        Self {
            spec,
            attempted_at: at,
            first_at: at,
            attempts: Vec::with_capacity(1),
            blocked: None,
        }
    }

    /// Takes in one more description of the run and returns it, almost always the known one. Which
    /// one stands does not depend on the order in which they are read: the earliest, with what only
    /// later versions wrote down.
    pub(crate) fn described(&mut self, spec: RunSpec, at: Timestamp) -> Arc<RunSpec> {
        self.attempted_at = self.attempted_at.max(at);
        let is_first = at < self.first_at;
        self.first_at = self.first_at.min(at);
        if *self.spec == spec {
            return self.spec.clone();
        }
        let spec = Arc::new(spec);
        let other =
            if is_first { std::mem::replace(&mut self.spec, spec.clone()) } else { spec.clone() };
        let lacks_data = self.spec.data.is_empty() && !other.data.is_empty();
        if lacks_data || self.spec.engine < other.engine {
            let known = Arc::make_mut(&mut self.spec);
            known.engine = known.engine.or(other.engine);
            if lacks_data {
                known.data.clone_from(&other.data);
            }
        }
        spec
    }

    /// Notes that an attempt could not be made. Which of several accounts stands does not depend on the
    /// order in which they are read.
    pub(crate) fn block(&mut self, attempt: u32, why: String) {
        self.blocked = self.blocked.take().max(Some((attempt, why)));
    }

    /// Why it could not be attempted when it was asked for last.
    fn blocked(&self) -> Option<&str> {
        let (number, why) = self.blocked.as_ref()?;
        let later = self.attempts.last().is_some_and(|attempt| attempt.number >= *number);
        (!later && self.finished().next().is_none()).then_some(why)
    }

    /// Forgets what was removed, as if it had never been read; whether anything is left.
    pub(crate) fn forget(&mut self, removed: &Removal) -> bool {
        if self.blocked.as_ref().is_some_and(|(attempt, _)| *attempt <= removed.blocked) {
            self.blocked = None;
        }
        let before = self.attempts.len();
        self.attempts.retain(|attempt| !removed.holds(attempt.number, &attempt.writer));
        if self.attempts.len() < before {
            let described = self.attempts.iter().filter_map(|attempt| {
                let [first, last] = attempt.described_at?;
                Some((attempt.spec.as_deref()?.clone(), first, last))
            });
            let mut described: Vec<(RunSpec, Timestamp, Timestamp)> = described.collect();
            described.sort_by(|a, b| a.1.total_cmp(&b.1));
            let mut described = described.into_iter();
            if let Some((spec, first, last)) = described.next() {
                (self.spec, self.first_at, self.attempted_at) = (Arc::new(spec), first, last);
            }
            for (spec, first, last) in described {
                self.described(spec, first);
                self.attempted_at = self.attempted_at.max(last);
            }
        }
        self.blocked.is_some() || !self.attempts.is_empty()
    }

    /// The last attempt that could not be made, if there is one.
    pub fn blocked_at(&self) -> Option<u32> {
        self.blocked.as_ref().map(|(attempt, _)| *attempt)
    }

    pub(crate) fn attempt(&mut self, number: u32, writer: &str) -> &mut AttemptState {
        let at = self
            .attempts
            .binary_search_by(|a| (a.number, &*a.writer).cmp(&(number, writer)))
            .unwrap_or_else(|at| {
                self.attempts.insert(at, AttemptState::new(number, writer.into()));
                at
            });
        &mut self.attempts[at]
    }

    pub(crate) fn assigned_by(&mut self, number: u32, driver: &str) -> Option<&mut AttemptState> {
        self.attempts
            .iter_mut()
            .find(|attempt| attempt.number == number && attempt.driver.as_deref() == Some(driver))
    }

    /// Finds the attempts that went on from a record of which part is lost.
    pub(crate) fn find_orphans(&mut self) {
        for at in 0..self.attempts.len() {
            let Some(resumed) = &self.attempts[at].resumed else { continue };
            let checkpoint = Recorded::Checkpoint(resumed.number);
            let is_whole = |earlier: &AttemptState| {
                resumed.is_from(earlier.number, &earlier.writer)
                    && !earlier.is_broken()
                    && earlier.recorded.contains(&checkpoint)
            };
            self.attempts[at].orphaned = !self.attempts[..at].iter().any(is_whole);
        }
    }

    /// Where the run stands. A run that finished once stays finished.
    pub fn status(&self) -> Status {
        if self.blocked().is_some() {
            return Status::Blocked;
        }
        self.counted().map_or(Status::Running, AttemptState::status)
    }

    /// The attempt whose account counts: the first that finished, otherwise the latest.
    pub fn counted(&self) -> Option<&AttemptState> {
        self.finished().next().or_else(|| self.attempts.last())
    }

    /// The number for the next attempt.
    pub fn next_attempt(&self) -> u32 {
        self.attempts.last().map_or(1, |attempt| attempt.number + 1)
    }

    /// The error of a failed run, or why one is blocked.
    pub fn error(&self) -> Option<&str> {
        self.blocked().or_else(|| self.counted()?.error())
    }

    /// Final metrics of the attempt that counts.
    pub fn results(&self) -> &BTreeMap<String, f64> {
        static NONE: BTreeMap<String, f64> = BTreeMap::new();
        let counted = self.counted().filter(|attempt| !attempt.is_outdated());
        counted.and_then(|attempt| attempt.ended.as_ref()).map_or(&NONE, |ended| &ended.results)
    }

    /// Metric values of the attempt that counts, with those of the attempts it went on from.
    ///
    /// # Errors
    /// A segment cannot be read any more; see [`Error::is_gone`].
    pub fn metrics(&self) -> Result<Vec<MetricRow>, Error> {
        metrics_of(&self.history())
    }

    /// Rows of the run's own tables, as JSON objects, likewise.
    ///
    /// # Errors
    /// As [`metrics`](Self::metrics).
    pub fn rows(&self) -> Result<BTreeMap<String, Vec<String>>, Error> {
        let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for recorded in self.history() {
            if let Some(Event::Rows(rows)) = recorded.of(Kind::Rows)? {
                tables.entry(rows.table).or_default().extend(rows.rows);
            }
        }
        Ok(tables)
    }

    /// The first value that an attempt recorded, or those that it went on from, for which something
    /// holds, with the number of the attempt's first checkpoint after it; none where no such checkpoint
    /// is known.
    ///
    /// # Errors
    /// As [`metrics`](Self::metrics).
    pub fn first_before_a_checkpoint(
        &self,
        attempt: &AttemptState,
        is_it: &dyn Fn(&MetricRow) -> bool,
    ) -> Result<Option<(MetricRow, u32)>, Error> {
        if attempt.checkpoints() == 0 {
            return Ok(None);
        }
        let links = self.links(Some((attempt, None)));
        let before = metrics_of(&recorded_in(&links[1..]))?;
        let mut found = before.into_iter().find(|row| is_it(row));
        for recorded in &attempt.recorded {
            if let (Some(row), Recorded::Checkpoint(number)) = (&found, recorded) {
                return Ok(Some((row.clone(), *number)));
            }
            if found.is_none()
                && let Some(Event::Metrics(metrics)) = recorded.of(Kind::Metrics)?
            {
                found = metrics.rows.into_iter().find(|row| is_it(row));
            }
        }
        Ok(None)
    }

    /// The journal writers of the attempt that counts and of those it went on from.
    pub fn writers(&self) -> impl Iterator<Item = &str> {
        let links = self.links(self.counted().map(|attempt| (attempt, None)));
        links.into_iter().map(|(attempt, _)| &*attempt.writer)
    }

    /// Files of the attempt that counts, by name, with those of the attempts it went on from.
    pub fn artifacts(&self) -> BTreeMap<&str, &Artifact> {
        let links = self.links(self.counted().map(|attempt| (attempt, None)));
        let all = links.into_iter().rev().flat_map(|(attempt, _)| &attempt.artifacts);
        all.map(|artifact| (artifact.name.as_str(), artifact)).collect()
    }

    /// A finished attempt that disagrees with the one that counts.
    pub(crate) fn nondeterminism(&self) -> Option<Problem> {
        let mut finished = self.finished();
        let first = finished.next()?;
        let bits = |attempt: &AttemptState| -> Vec<(String, u64)> {
            let results = attempt.ended.iter().flat_map(|ended| &ended.results);
            results.map(|(name, value)| (name.clone(), value.to_bits())).collect()
        };
        let expected = bits(first);
        let second = finished.find(|attempt| bits(attempt) != expected)?;
        let (run, first, second) = (self.spec.run, first.number, second.number);
        Some(Problem::Nondeterministic { run, first, second })
    }

    fn finished(&self) -> impl Iterator<Item = &AttemptState> {
        self.attempts.iter().filter(|attempt| attempt.status() == Status::Finished)
    }

    /// What the attempt that counts recorded, along the chain of checkpoints it went on from.
    fn history(&self) -> Vec<&Recorded> {
        let counted = self.counted().filter(|attempt| !attempt.is_outdated());
        recorded_in(&self.links(counted.map(|attempt| (attempt, None))))
    }

    /// The chain of checkpoints that led to an attempt, newest first, each with where it ends.
    fn links<'a>(&'a self, last: Option<Link<'a>>) -> Vec<Link<'a>> {
        let mut links = Vec::new();
        let mut link = last;
        while let Some((attempt, until)) = link {
            links.push((attempt, until));
            link = attempt.resumed.as_ref().and_then(|resumed| {
                // An attempt goes on from an earlier one, so the chain ends.
                let earlier = self.attempts.iter().find(|earlier| {
                    resumed.is_from(earlier.number, &earlier.writer)
                        && earlier.number < attempt.number
                        && earlier.recorded.contains(&Recorded::Checkpoint(resumed.number))
                });
                earlier.map(|earlier| (earlier, Some(resumed.number)))
            });
        }
        links
    }
}

/// An attempt, and the checkpoint up to which it counts.
type Link<'a> = (&'a AttemptState, Option<u32>);

/// What a chain recorded, in order.
fn recorded_in<'a>(links: &[Link<'a>]) -> Vec<&'a Recorded> {
    links.iter().rev().flat_map(|(attempt, until)| attempt.before(*until)).collect()
}

fn metrics_of(recorded: &[&Recorded]) -> Result<Vec<MetricRow>, Error> {
    let mut rows = Vec::new();
    for recorded in recorded {
        if let Some(Event::Metrics(metrics)) = recorded.of(Kind::Metrics)? {
            rows.extend(metrics.rows);
        }
    }
    Ok(rows)
}
