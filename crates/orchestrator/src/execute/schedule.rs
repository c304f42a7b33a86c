//! Who does what: events in, actions out. Nothing here reads a clock, a file or a process.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use experiment::RunId;
use journal::Cause;

use super::protocol::Pause;
use super::search::Search;
use super::stop::Urgency;
use crate::config::Retry;

/// Number of a worker, from 1; never used again.
pub(crate) type WorkerId = u32;
/// Index of a chunk of the plan.
pub(crate) type Chunk = usize;

/// So many workers in a row may end before they are ready.
const PATIENCE: u32 = 3;

/// How an attempt ended, as far as scheduling cares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum End {
    Finished,
    Failed(Failure),
    Interrupted,
    /// What it reads is not as it was planned: it is not executed in this call.
    Outdated,
    /// At a rung of a search, with this value.
    Paused {
        step: u64,
        value: f64,
    },
}

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What happened to its worker; `None` for an error of its own.
    pub cause: Option<Cause>,
    /// How many earlier attempts of this call failed for the same reason.
    pub earlier: u32,
}

/// Something happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// A chunk was claimed, with the runs of it that are to be executed.
    Claimed {
        chunk: Chunk,
        runs: Vec<RunId>,
        /// Those of them that came to a rung of a search since the chunk was frozen.
        resting: BTreeSet<RunId>,
    },
    /// The search was restored with what others recorded.
    LookedBack,
    /// Others hold what is left.
    NothingToClaim,
    /// It may be worth while to try again.
    ClaimAgain,
    /// Someone else took the chunk over.
    Superseded(Chunk),
    /// The worker waits for runs.
    Ready(WorkerId),
    Ended(WorkerId, End),
    /// The worker executes nothing after its present run.
    Spent(WorkerId),
    /// The worker is no more; so failed its run, if it had one.
    Gone(WorkerId, Failure),
    Stop(Urgency),
}

/// Something is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Claim,
    Spawn(WorkerId),
    Assign {
        worker: WorkerId,
        run: RunId,
    },
    /// A worker's run, of this chunk if that is still ours, is under way no more.
    Released {
        worker: WorkerId,
        chunk: Option<Chunk>,
        fate: Fate,
    },
    /// Every run of the chunk ended, or rests and nothing is left to do that could let it go on.
    Complete(Chunk),
    Interrupt(WorkerId),
    /// No more runs for this worker: it ends by itself.
    Retire(WorkerId),
    Kill(WorkerId),
    /// Workers do not come up.
    GiveUp(WorkerId),
}

/// What becomes of a run whose attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is over.
    Over,
    /// It rests at a rung of a search, or goes on from there.
    Rests,
    /// It is tried again in this call.
    Again,
    /// It goes on in another call.
    Later,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Starting,
    Idle,
    /// With a run of this chunk, if it is still ours.
    Busy(Option<Chunk>, RunId),
    Retired,
}

/// The scheduler of one driver.
#[derive(Debug)]
pub(crate) struct Scheduler<'a> {
    jobs: usize,
    spawned: WorkerId,
    workers: BTreeMap<WorkerId, State>,
    queue: VecDeque<(Chunk, RunId)>,
    /// Runs of claimed chunks that rest at a rung of the search, in the order they came there.
    parked: Vec<(Chunk, RunId)>,
    search: Option<Search<'a>>,
    /// Runs of each claimed chunk that have not ended.
    open: BTreeMap<Chunk, usize>,
    /// A claim is asked for, or there was nothing to claim.
    asked: bool,
    unready: u32,
    retry: Retry,
    /// Busy workers that retire after their present run.
    spent: BTreeSet<WorkerId>,
    stop: Urgency,
}

impl<'a> Scheduler<'a> {
    /// A scheduler of `jobs` workers at a time, at least one.
    pub(crate) fn new(jobs: usize, retry: Retry) -> Self {
        Self {
            jobs: jobs.max(1),
            spawned: 0,
            workers: BTreeMap::new(),
            queue: VecDeque::new(),
            parked: Vec::new(),
            search: None,
            open: BTreeMap::new(),
            asked: false,
            unready: 0,
            retry,
            spent: BTreeSet::new(),
            stop: Urgency::None,
        }
    }

    /// Whether a run is being executed.
    pub(crate) fn is_busy(&self) -> bool {
        self.workers.values().any(|state| matches!(state, State::Busy(..)))
    }

    /// The chunk of ours that a worker's run belongs to.
    pub(crate) fn chunk_of(&self, worker: WorkerId) -> Option<Chunk> {
        match self.workers.get(&worker) {
            Some(State::Busy(chunk, _)) => *chunk,
            _ => None,
        }
    }

    /// Replaces the search by one that knows more of the journal.
    pub(crate) fn restore(&mut self, search: Option<Search<'a>>) {
        self.search = search;
    }

    /// Whether a search is under way.
    pub(crate) fn searches(&self) -> bool {
        self.search.is_some()
    }

    /// A run begins or goes on; where it is to pause.
    pub(crate) fn begins(&mut self, run: RunId) -> Option<Pause> {
        let search = self.search.as_mut()?;
        search.began(run);
        search.pause(run)
    }

    /// Whether the worker's run is tried again after a failure.
    fn tries_again(&self, worker: WorkerId, failure: Failure) -> bool {
        self.stop == Urgency::None
            && self.chunk_of(worker).is_some()
            && self.retry.tries_again(failure.cause, failure.earlier)
    }

    /// Takes in an event.
    pub(crate) fn step(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Claimed { chunk, runs, resting } => {
                self.claimed(chunk, &runs, &resting, &mut actions);
            }
            Event::LookedBack => self.take_up(),
            Event::NothingToClaim => self.release_parked(&mut actions),
            Event::ClaimAgain => self.asked = false,
            Event::Superseded(chunk) => self.superseded(chunk),
            Event::Ready(worker) => {
                self.unready = 0;
                self.set(worker, State::Idle);
            }
            Event::Ended(worker, end) => self.ended(worker, end, &mut actions),
            Event::Spent(worker) => drop(self.spent.insert(worker)),
            Event::Gone(worker, failure) => self.gone(worker, failure, &mut actions),
            Event::Stop(urgency) => self.stop(urgency, &mut actions),
        }
        self.settle(&mut actions);
        actions
    }

    fn set(&mut self, worker: WorkerId, state: State) {
        if let Some(current) = self.workers.get_mut(&worker)
            && *current != State::Retired
        {
            *current = state;
        }
    }

    fn claimed(
        &mut self,
        chunk: Chunk,
        runs: &[RunId],
        resting: &BTreeSet<RunId>,
        actions: &mut Vec<Action>,
    ) {
        self.asked = false;
        self.open.insert(chunk, runs.len());
        for &run in runs {
            if resting.contains(&run) && !self.goes_on(run) {
                self.parked.push((chunk, run));
            } else {
                self.queue.push_back((chunk, run));
            }
        }
        self.complete_if_over(chunk, actions);
    }

    fn goes_on(&self, run: RunId) -> bool {
        self.search.as_ref().is_none_or(|search| search.goes_on(run))
    }

    /// Queues the runs that rest and that the search lets go on, before those that never began.
    fn take_up(&mut self) {
        if self.stop != Urgency::None {
            return;
        }
        let parked = std::mem::take(&mut self.parked);
        let (promoted, parked): (Vec<_>, Vec<_>) =
            parked.into_iter().partition(|(_, run)| self.goes_on(*run));
        self.parked = parked;
        promoted.into_iter().rev().for_each(|run| self.queue.push_front(run));
    }

    /// Tells the search of something and takes up what it lets go on because of that.
    fn tell(&mut self, what: impl FnOnce(&mut Search<'a>)) {
        if let Some(search) = &mut self.search {
            what(search);
            search.promote();
            self.take_up();
        }
    }

    /// Lets go of runs that rest, once nothing that is done here could let them go on.
    fn release_parked(&mut self, actions: &mut Vec<Action>) {
        if self.queue.is_empty() && !self.is_busy() {
            for (chunk, _) in std::mem::take(&mut self.parked) {
                self.one_less(Some(chunk), actions);
            }
        }
    }

    fn superseded(&mut self, chunk: Chunk) {
        self.open.remove(&chunk);
        self.queue.retain(|(of, _)| *of != chunk);
        self.parked.retain(|(of, _)| *of != chunk);
        for state in self.workers.values_mut() {
            if let State::Busy(of, _) = state
                && *of == Some(chunk)
            {
                *of = None;
            }
        }
    }

    fn complete_if_over(&mut self, chunk: Chunk, actions: &mut Vec<Action>) {
        if self.open.get(&chunk) == Some(&0) {
            self.open.remove(&chunk);
            // Others may be done with theirs by now.
            self.asked = false;
            actions.push(Action::Complete(chunk));
        }
    }

    fn one_less(&mut self, chunk: Option<Chunk>, actions: &mut Vec<Action>) {
        if let Some(chunk) = chunk
            && let Some(left) = self.open.get_mut(&chunk)
        {
            *left -= 1;
            self.complete_if_over(chunk, actions);
        }
    }

    fn ended(&mut self, worker: WorkerId, end: End, actions: &mut Vec<Action>) {
        let Some(&State::Busy(chunk, run)) = self.workers.get(&worker) else { return };
        let fate = match end {
            End::Failed(failure) if self.tries_again(worker, failure) => Fate::Again,
            End::Finished | End::Failed(_) => Fate::Over,
            End::Paused { .. } => Fate::Rests,
            End::Interrupted | End::Outdated => Fate::Later,
        };
        actions.push(Action::Released { worker, chunk, fate });
        self.set(worker, State::Idle);
        if self.spent.remove(&worker) || matches!(end, End::Failed(_)) {
            self.retire(worker, actions);
        }
        match end {
            End::Paused { step, value } => self.came_to_rung(chunk, run, (step, value)),
            End::Failed(_) => self.failed((chunk, run), fate, actions),
            // Its chunk stays open.
            End::Interrupted => {}
            End::Finished | End::Outdated => self.one_less(chunk, actions),
        }
    }

    fn came_to_rung(&mut self, chunk: Option<Chunk>, run: RunId, (step, value): (u64, f64)) {
        self.tell(|search| {
            search.record(run, step, value);
            search.rests(run);
        });
        let Some(chunk) = chunk else { return };
        if self.stop == Urgency::None && self.search.is_some() && self.goes_on(run) {
            self.queue.push_front((chunk, run));
        } else {
            self.parked.push((chunk, run));
            // With nothing left to claim it may be time to let go.
            self.asked = false;
        }
    }

    /// A run failed: it is queued again, or it is over and comes to no rung any more.
    fn failed(
        &mut self,
        (chunk, run): (Option<Chunk>, RunId),
        fate: Fate,
        actions: &mut Vec<Action>,
    ) {
        if fate == Fate::Again {
            self.queue.extend(chunk.map(|chunk| (chunk, run)));
        } else {
            self.tell(|search| search.ends(run));
            self.one_less(chunk, actions);
        }
    }

    fn gone(&mut self, worker: WorkerId, failure: Failure, actions: &mut Vec<Action>) {
        let again = self.tries_again(worker, failure);
        self.spent.remove(&worker);
        match self.workers.remove(&worker) {
            Some(State::Starting) => {
                self.unready += 1;
                if self.unready >= PATIENCE {
                    actions.push(Action::GiveUp(worker));
                }
            }
            // Whoever was killed by a hard stop is not over: its run goes on another time.
            Some(State::Busy(..)) if self.stop == Urgency::Hard => {}
            Some(State::Busy(chunk, _)) if self.is_cut_by_stop(failure) => {
                actions.push(Action::Released { worker, chunk, fate: Fate::Later });
            }
            Some(State::Busy(chunk, run)) => {
                let fate = if again { Fate::Again } else { Fate::Over };
                actions.push(Action::Released { worker, chunk, fate });
                self.failed((chunk, run), fate, actions);
            }
            _ => {}
        }
    }

    /// Whether a worker may be gone because of a soft stop: what asks for one often kills workers as
    /// well, as a cluster does that takes its machine back. What a limit ended is over in any case.
    fn is_cut_by_stop(&self, failure: Failure) -> bool {
        self.stop == Urgency::Soft && matches!(failure.cause, None | Some(Cause::Crash))
    }

    fn stop(&mut self, urgency: Urgency, actions: &mut Vec<Action>) {
        if urgency <= self.stop {
            return;
        }
        self.stop = urgency;
        self.queue.clear();
        let busy = self.workers.iter().filter(|(_, state)| matches!(state, State::Busy(..)));
        actions.extend(busy.map(|(&worker, _)| match urgency {
            Urgency::Hard => Action::Kill(worker),
            _ => Action::Interrupt(worker),
        }));
    }

    fn retire(&mut self, worker: WorkerId, actions: &mut Vec<Action>) {
        self.set(worker, State::Retired);
        actions.push(Action::Retire(worker));
    }

    fn in_state(&self, wanted: State) -> Vec<WorkerId> {
        let found = self.workers.iter().filter(|(_, state)| **state == wanted);
        found.map(|(&worker, _)| worker).collect()
    }

    /// Brings workers and work together.
    fn settle(&mut self, actions: &mut Vec<Action>) {
        let idle = self.in_state(State::Idle);
        if self.stop != Urgency::None {
            let unused = idle.into_iter().chain(self.in_state(State::Starting));
            unused.for_each(|worker| self.retire(worker, actions));
            return;
        }
        for worker in idle {
            let Some((chunk, run)) = self.queue.pop_front() else { break };
            self.set(worker, State::Busy(Some(chunk), run));
            actions.push(Action::Assign { worker, run });
        }
        let starting = self.in_state(State::Starting).len();
        let retired = self.in_state(State::Retired).len();
        let free = self.jobs.saturating_sub(self.workers.len() - retired);
        for _ in 0..free.min(self.queue.len().saturating_sub(starting)) {
            self.spawned += 1;
            self.workers.insert(self.spawned, State::Starting);
            actions.push(Action::Spawn(self.spawned));
        }
        let hands = free > 0 || !self.in_state(State::Idle).is_empty();
        if self.queue.is_empty() && hands && !self.asked {
            self.asked = true;
            actions.push(Action::Claim);
        }
    }
}

#[cfg(test)]
mod tests;
