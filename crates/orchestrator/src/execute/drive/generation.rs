//! What is valid only while one generation of a plan is worked off.

use std::collections::BTreeMap;
use std::time::Instant;

use experiment::RunId;

use super::selection;
use crate::execute::claims::Claims;
use crate::execute::plan::Plan;
use crate::execute::schedule::Chunk;

/// Runs of a chunk that ended, with their attempts.
pub(super) type Ended = BTreeMap<RunId, u32>;

/// A plan that is being worked off, and what this driver holds of it.
pub(super) struct Generation {
    pub(super) plan: Plan,
    pub(super) claims: Claims,
    /// The attempt of each run that was the next one when the plan was frozen.
    first: BTreeMap<RunId, u32>,
    /// Claimed chunks, with those of their runs that ended.
    pub(super) held: BTreeMap<Chunk, Ended>,
    /// Chunks of ours that are over and not published yet.
    pub(super) over: Vec<(Chunk, Ended)>,
    pub(super) published_at: Instant,
    /// Every chunk of it is published, by whomever.
    pub(super) all_done: bool,
}

impl Generation {
    pub(super) fn new(plan: Plan, claims: Claims, all_done: bool) -> Self {
        let first = plan.runs.iter().copied().collect();
        let (held, over, published_at) = (BTreeMap::new(), Vec::new(), Instant::now());
        Self { plan, claims, first, held, over, published_at, all_done }
    }

    /// The attempt of a run that was the next one when the plan was frozen.
    pub(super) fn first(&self, run: RunId) -> u32 {
        self.first.get(&run).copied().unwrap_or(1)
    }

    /// Whether this driver holds nothing of it.
    pub(super) fn holds_nothing(&self) -> bool {
        self.held.is_empty() && self.over.is_empty()
    }

    /// A chunk that was claimed, or taken over, is held from now on; its runs that are still to be
    /// executed, and how many ended already.
    pub(super) fn hold(&mut self, chunk: Chunk, fold: &journal::Fold) -> (Vec<RunId>, usize) {
        let (mut ended, mut left) = (Ended::new(), Vec::new());
        for &(run, first) in &self.plan.runs[self.plan.chunk(chunk)] {
            match selection::ended_since(fold, run, first) {
                Some(attempt) => drop(ended.insert(run, attempt)),
                None => left.push(run),
            }
        }
        let adopted = ended.len();
        self.held.insert(chunk, ended);
        (left, adopted)
    }

    /// The chunks that others took over since; they are held no more.
    pub(super) fn superseded(&mut self) -> Vec<Chunk> {
        let lost = self.claims.superseded();
        lost.iter().for_each(|chunk| drop(self.held.remove(chunk)));
        lost
    }

    /// Lets go of every claim; the chunks that were held. Their runs are in the journals, where whoever
    /// claims the chunks finds them.
    pub(super) fn give_back(&mut self) -> Vec<Chunk> {
        self.claims.give_back();
        self.over.clear();
        std::mem::take(&mut self.held).into_keys().collect()
    }

    /// Notes that a run of a held chunk ended.
    pub(super) fn tick_off(&mut self, chunk: Option<Chunk>, run: RunId, attempt: u32) {
        if let Some(held) = chunk.and_then(|chunk| self.held.get_mut(&chunk)) {
            held.insert(run, attempt);
        }
    }
}
