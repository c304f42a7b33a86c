//! Who does what: events in, actions out. Nothing here reads a clock, a file or a process.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use journal::Cause;

use super::stop::Urgency;
use crate::config::Retry;

/// Number of a worker, from 1; never used again.
pub(crate) type WorkerId = u32;
/// Index of a chunk of the plan.
pub(crate) type Chunk = usize;
/// Index of a run in the plan.
pub(crate) type RunIndex = usize;

/// So many workers in a row may end before they are ready.
const PATIENCE: u32 = 3;

/// How an attempt ended, as far as scheduling cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Finished,
    Failed(Failure),
    Interrupted,
    /// What it reads is not as it was planned: it is not executed in this call.
    Outdated,
    /// At a rung of a search, which lets it go on at once or not.
    Paused {
        goes_on: bool,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A chunk was claimed, with the runs of it that are to be executed.
    Claimed {
        chunk: Chunk,
        runs: Vec<RunIndex>,
        /// Those that rest at a rung of a search.
        parked: Vec<RunIndex>,
    },
    /// A search lets runs go on that rest at a rung.
    Promoted(Vec<RunIndex>),
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
        run: RunIndex,
    },
    /// The run went with its worker.
    Lost {
        worker: WorkerId,
        chunk: Option<Chunk>,
        /// It is tried again.
        again: bool,
    },
    /// The same, because of a stop: it goes on another time.
    Cut(WorkerId),
    /// Every run of the chunk ended, or rests and nothing is left to do that could let it go on.
    Complete(Chunk),
    Interrupt(WorkerId),
    /// No more runs for this worker: it ends by itself.
    Retire(WorkerId),
    Kill(WorkerId),
    /// Workers do not come up.
    GiveUp(WorkerId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Starting,
    Idle,
    /// With a run of this chunk, if it is still ours.
    Busy(Option<Chunk>, RunIndex),
    Retired,
}

/// The scheduler of one driver.
#[derive(Debug)]
pub(crate) struct Scheduler {
    jobs: usize,
    spawned: WorkerId,
    workers: BTreeMap<WorkerId, State>,
    queue: VecDeque<(Chunk, RunIndex)>,
    /// Runs of claimed chunks that rest at a rung of a search.
    parked: BTreeMap<RunIndex, Chunk>,
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

impl Scheduler {
    /// A scheduler of `jobs` workers at a time, at least one.
    pub(crate) fn new(jobs: usize, retry: Retry) -> Self {
        Self {
            jobs: jobs.max(1),
            spawned: 0,
            workers: BTreeMap::new(),
            queue: VecDeque::new(),
            parked: BTreeMap::new(),
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

    /// Runs of ours that rest at a rung of a search.
    pub(crate) fn parked(&self) -> impl Iterator<Item = RunIndex> + '_ {
        self.parked.keys().copied()
    }

    /// Whether the worker's run is tried again after a failure.
    pub(crate) fn tries_again(&self, worker: WorkerId, failure: Failure) -> bool {
        self.stop == Urgency::None
            && self.chunk_of(worker).is_some()
            && failure.earlier < self.retry.after(failure.cause)
    }

    /// Takes in an event.
    pub(crate) fn step(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Claimed { chunk, runs, parked } => {
                self.claimed(chunk, &runs, &parked, &mut actions);
            }
            Event::Promoted(runs) => self.promoted(&runs),
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
        runs: &[RunIndex],
        parked: &[RunIndex],
        actions: &mut Vec<Action>,
    ) {
        self.asked = false;
        self.open.insert(chunk, runs.len() + parked.len());
        self.queue.extend(runs.iter().map(|&run| (chunk, run)));
        self.parked.extend(parked.iter().map(|&run| (run, chunk)));
        self.complete_if_over(chunk, actions);
    }

    /// What a search lets go on goes before what never began.
    fn promoted(&mut self, runs: &[RunIndex]) {
        for run in runs.iter().rev() {
            if let Some(chunk) = self.parked.remove(run).filter(|_| self.stop == Urgency::None) {
                self.queue.push_front((chunk, *run));
            }
        }
    }

    /// Lets go of runs that rest, once nothing that is done here could let them go on.
    fn release_parked(&mut self, actions: &mut Vec<Action>) {
        if self.queue.is_empty() && !self.is_busy() {
            for chunk in std::mem::take(&mut self.parked).into_values() {
                self.one_less(Some(chunk), actions);
            }
        }
    }

    fn superseded(&mut self, chunk: Chunk) {
        self.open.remove(&chunk);
        self.queue.retain(|(of, _)| *of != chunk);
        self.parked.retain(|_, of| *of != chunk);
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
        let again = matches!(end, End::Failed(failure) if self.tries_again(worker, failure));
        self.set(worker, State::Idle);
        if self.spent.remove(&worker) || matches!(end, End::Failed(_)) {
            self.retire(worker, actions);
        }
        match (end, chunk) {
            (End::Paused { goes_on: true }, Some(chunk)) if self.stop == Urgency::None => {
                self.queue.push_front((chunk, run));
            }
            (End::Paused { .. }, Some(chunk)) => {
                self.parked.insert(run, chunk);
                // With nothing left to claim it may be time to let go.
                self.asked = false;
            }
            (_, Some(chunk)) if again => self.queue.push_back((chunk, run)),
            (End::Interrupted, _) => {}
            (_, chunk) => self.one_less(chunk, actions),
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
            Some(State::Busy(..)) if self.is_cut_by_stop(failure) => {
                actions.push(Action::Cut(worker));
            }
            Some(State::Busy(chunk, run)) => {
                actions.push(Action::Lost { worker, chunk, again });
                if again {
                    self.queue.extend(chunk.map(|chunk| (chunk, run)));
                } else {
                    self.one_less(chunk, actions);
                }
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
