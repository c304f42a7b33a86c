//! Tests the scheduler's decisions, event by event.

use experiment::{Better, Device, SpecId};
use journal::RunSpec;

use super::*;
use crate::config::Search as Policy;
use Action::*;

/// A run by its number.
fn run(number: usize) -> RunId {
    RunId::of(&number.to_string())
}

fn assign(worker: WorkerId, number: usize) -> Action {
    Assign { worker, run: run(number) }
}

/// A worker's run of the first chunk is under way no more.
fn released(worker: WorkerId, fate: Fate) -> Action {
    Released { worker, chunk: Some(0), fate }
}

const CRASH: Failure = Failure { cause: Some(Cause::Crash), earlier: 0 };
const ERROR: Failure = Failure { cause: None, earlier: 0 };

fn claimed(chunk: Chunk, runs: Vec<usize>) -> Event {
    Event::Claimed { chunk, runs: runs.into_iter().map(run).collect(), resting: BTreeSet::new() }
}

/// A scheduler with `jobs` ready workers and one claimed chunk of `runs` runs.
fn begun<'a>(jobs: usize, runs: usize) -> Scheduler<'a> {
    let mut scheduler = Scheduler::new(jobs, Retry::default());
    assert_eq!(scheduler.step(Event::ClaimAgain), [Claim]);
    scheduler.step(claimed(0, (0..runs).collect()));
    (1..=jobs as u32).for_each(|worker| drop(scheduler.step(Event::Ready(worker))));
    scheduler
}

#[test]
fn no_more_workers_than_runs_are_started() {
    let mut scheduler = Scheduler::new(4, Retry::default());
    scheduler.step(Event::ClaimAgain);
    let actions = scheduler.step(claimed(0, vec![7, 8]));
    assert_eq!(actions, [Spawn(1), Spawn(2)]);
    assert_eq!(scheduler.step(Event::Ready(2)), [assign(2, 7)]);
    assert_eq!(scheduler.step(Event::Ready(1)), [assign(1, 8), Claim]);
}

#[test]
fn an_exhausted_chunk_makes_room_for_the_next() {
    let mut scheduler = begun(1, 2);
    let next = scheduler.step(Event::Ended(1, End::Finished));
    assert_eq!(next, [released(1, Fate::Over), assign(1, 1)]);
    let last = scheduler.step(Event::Ended(1, End::Finished));
    assert_eq!(last, [released(1, Fate::Over), Complete(0), Claim]);
    assert_eq!(scheduler.step(claimed(3, vec![9])), [assign(1, 9)]);
}

#[test]
fn a_chunk_without_anything_to_execute_is_complete() {
    let mut scheduler = Scheduler::new(1, Retry::default());
    scheduler.step(Event::ClaimAgain);
    assert_eq!(scheduler.step(claimed(5, vec![])), [Complete(5), Claim]);
}

#[test]
fn a_lost_worker_costs_its_run_and_is_replaced() {
    let mut scheduler = begun(2, 4);
    assert_eq!(scheduler.step(Event::Gone(1, CRASH)), [released(1, Fate::Over), Spawn(3)]);
    assert_eq!(scheduler.step(Event::Ready(3)), [assign(3, 2)]);
    let next = scheduler.step(Event::Ended(2, End::Finished));
    assert_eq!(next, [released(2, Fate::Over), assign(2, 3)]);
    scheduler.step(Event::Ended(2, End::Finished));
    assert!(scheduler.step(Event::Ended(3, End::Finished)).contains(&Complete(0)));
}

#[test]
fn a_worker_retires_after_a_failure() {
    let mut scheduler = begun(1, 3);
    let failed = scheduler.step(Event::Ended(1, End::Failed(ERROR)));
    assert_eq!(failed, [released(1, Fate::Over), Retire(1), Spawn(2)]);
    assert_eq!(scheduler.step(Event::Gone(1, CRASH)), []);
    assert_eq!(scheduler.step(Event::Ready(2)), [assign(2, 1)]);
}

#[test]
fn a_soft_stop_starts_nothing_and_interrupts() {
    let mut scheduler = begun(2, 5);
    let actions = scheduler.step(Event::Stop(Urgency::Soft));
    assert_eq!(actions, [Interrupt(1), Interrupt(2)]);
    let cut = scheduler.step(Event::Ended(1, End::Interrupted));
    assert_eq!(cut, [released(1, Fate::Later), Retire(1)]);
    let finished = scheduler.step(Event::Ended(2, End::Finished));
    assert_eq!(finished, [released(2, Fate::Over), Retire(2)]);
    assert!(!scheduler.is_busy());
}

#[test]
fn a_run_whose_worker_dies_during_a_stop_goes_on_another_time() {
    let mut scheduler = begun(2, 5);
    scheduler.step(Event::Stop(Urgency::Soft));
    assert_eq!(scheduler.step(Event::Gone(1, CRASH)), [released(1, Fate::Later)]);
    // What its own limits end has failed all the same.
    let time = Failure { cause: Some(Cause::Time), earlier: 0 };
    assert_eq!(scheduler.step(Event::Gone(2, time)), [released(2, Fate::Over)]);
    assert!(!scheduler.is_busy());
}

#[test]
fn a_hard_stop_kills_and_loses_nothing() {
    let mut scheduler = begun(2, 5);
    scheduler.step(Event::Stop(Urgency::Soft));
    assert_eq!(scheduler.step(Event::Stop(Urgency::Hard)), [Kill(1), Kill(2)]);
    assert_eq!(scheduler.step(Event::Gone(1, CRASH)), []);
    assert_eq!(scheduler.step(Event::Gone(2, CRASH)), []);
    assert!(!scheduler.is_busy());
}

#[test]
fn a_superseded_chunk_is_left_to_the_other() {
    let mut scheduler = begun(1, 3);
    scheduler.step(Event::Superseded(0));
    let ended = scheduler.step(Event::Ended(1, End::Finished));
    assert_eq!(ended, [Released { worker: 1, chunk: None, fate: Fate::Over }, Claim]);
    assert_eq!(scheduler.step(Event::NothingToClaim), []);
    assert_eq!(scheduler.step(Event::ClaimAgain), [Claim]);
}

#[test]
fn workers_that_never_get_ready_end_the_attempt() {
    let mut scheduler = Scheduler::new(1, Retry::default());
    scheduler.step(Event::ClaimAgain);
    scheduler.step(claimed(0, vec![0]));
    assert_eq!(scheduler.step(Event::Gone(1, CRASH)), [Spawn(2)]);
    assert_eq!(scheduler.step(Event::Gone(2, CRASH)), [Spawn(3)]);
    assert!(scheduler.step(Event::Gone(3, CRASH)).contains(&GiveUp(3)));
}

#[test]
fn a_lost_run_is_tried_again_as_often_as_its_cause_allows() {
    let mut scheduler = begun(1, 1);
    scheduler.retry = Retry { crash: 2, ..Retry::default() };
    assert_eq!(scheduler.step(Event::Gone(1, CRASH)), [released(1, Fate::Again), Spawn(2)]);
    assert_eq!(scheduler.step(Event::Ready(2)), [assign(2, 0)]);
    let second = Failure { earlier: 1, ..CRASH };
    assert_eq!(scheduler.step(Event::Gone(2, second)), [released(2, Fate::Again), Spawn(3)]);
    scheduler.step(Event::Ready(3));
    let third = Failure { earlier: 2, ..CRASH };
    let actions = scheduler.step(Event::Gone(3, third));
    assert_eq!(actions[..2], [released(3, Fate::Over), Complete(0)]);
}

#[test]
fn each_cause_is_allowed_for_by_itself() {
    let mut scheduler = begun(1, 1);
    scheduler.retry = Retry { error: 1, ..Retry::default() };
    let memory = Failure { cause: Some(Cause::Memory), earlier: 0 };
    assert!(!scheduler.tries_again(1, memory));
    let actions = scheduler.step(Event::Ended(1, End::Failed(ERROR)));
    assert_eq!(actions, [released(1, Fate::Again), Retire(1), Spawn(2)]);
    assert_eq!(scheduler.step(Event::Ready(2)), [assign(2, 0)]);
    assert!(scheduler.step(Event::Ended(2, End::Finished)).contains(&Complete(0)));
}

#[test]
fn nothing_is_tried_again_after_a_stop_or_in_a_chunk_of_others() {
    let mut scheduler = begun(1, 2);
    scheduler.retry = Retry { crash: 1, ..Retry::default() };
    scheduler.step(Event::Superseded(0));
    assert_eq!(
        scheduler.step(Event::Gone(1, CRASH))[0],
        Released { worker: 1, chunk: None, fate: Fate::Over }
    );
    let mut scheduler = begun(1, 2);
    scheduler.retry = Retry { crash: 1, ..Retry::default() };
    scheduler.step(Event::Stop(Urgency::Soft));
    assert!(!scheduler.tries_again(1, CRASH));
}

#[test]
fn a_spent_worker_retires_after_its_run() {
    let mut scheduler = begun(1, 2);
    assert_eq!(scheduler.step(Event::Spent(1)), []);
    let last = scheduler.step(Event::Ended(1, End::Finished));
    assert_eq!(last, [released(1, Fate::Over), Retire(1), Spawn(2)]);
    assert_eq!(scheduler.step(Event::Gone(1, CRASH)), []);
    assert_eq!(scheduler.step(Event::Ready(2)), [assign(2, 1)]);
}

/// Of `runs` trials with one run each, the best one in two goes on.
fn search(runs: usize, asynchronous: bool) -> (Policy, Vec<RunSpec>) {
    let goal = Better::Higher;
    let policy = Policy { metric: "m".into(), goal, first: 1, factor: 2, rungs: 2, asynchronous };
    (policy, (0..runs).map(|number| spec(run(number), number)).collect())
}

fn spec(run: RunId, number: usize) -> RunSpec {
    RunSpec {
        run,
        spec: SpecId::of(&number.to_string()),
        experiment: "toy".into(),
        experiment_version: 1,
        params: number.to_string(),
        seed: 0,
        sweep: "s".into(),
        device: Device::Cpu,
        threads: 1,
        engine: None,
        data: Default::default(),
        needs: Default::default(),
    }
}

fn rests(value: f64) -> End {
    End::Paused { step: 1, value }
}

#[test]
fn a_run_that_is_promoted_goes_before_those_that_never_began() {
    let (policy, runs) = search(4, true);
    let mut scheduler = begun(1, 4);
    scheduler.restore(Some(Search::new(&policy, &runs)));
    let next = scheduler.step(Event::Ended(1, rests(0.5)));
    assert_eq!(next, [released(1, Fate::Rests), assign(1, 1)]);
    // The better of two goes on: the first one, which waits for it.
    let next = scheduler.step(Event::Ended(1, rests(0.1)));
    assert_eq!(next, [released(1, Fate::Rests), assign(1, 0)]);
    scheduler.begins(run(0));
    scheduler.step(Event::Ended(1, End::Finished));
    scheduler.step(Event::Ended(1, rests(0.2)));
    // The second best of four does so at once.
    let next = scheduler.step(Event::Ended(1, rests(0.4)));
    assert_eq!(next, [released(1, Fate::Rests), assign(1, 3)]);
}

#[test]
fn nobody_waits_for_a_run_that_failed() {
    let (policy, runs) = search(3, false);
    let mut scheduler = begun(1, 3);
    scheduler.restore(Some(Search::new(&policy, &runs)));
    scheduler.step(Event::Ended(1, rests(0.1)));
    scheduler.step(Event::Ended(1, rests(0.5)));
    let failed = scheduler.step(Event::Ended(1, End::Failed(ERROR)));
    assert_eq!(failed, [released(1, Fate::Over), Retire(1), Spawn(2)]);
    assert_eq!(scheduler.step(Event::Ready(2)), [assign(2, 1)]);
}

#[test]
fn runs_that_rest_are_let_go_of_when_nothing_else_is_left() {
    let (policy, runs) = search(3, false);
    let mut scheduler = begun(2, 2);
    scheduler.restore(Some(Search::new(&policy, &runs)));
    assert_eq!(scheduler.step(Event::Ended(1, rests(0.1))), [released(1, Fate::Rests), Claim]);
    assert_eq!(scheduler.step(Event::NothingToClaim), []);
    // The other one might still change what the search thinks of the first.
    assert_eq!(scheduler.step(Event::Ended(2, rests(0.2))), [released(2, Fate::Rests), Claim]);
    assert_eq!(scheduler.step(Event::NothingToClaim), [Complete(0), Claim]);
}

#[test]
fn a_chunk_taken_over_comes_with_the_runs_that_rest() {
    let (policy, runs) = search(2, false);
    let mut known = Search::new(&policy, &runs);
    known.record(run(0), 1, 0.5);
    known.rests(run(0));
    let mut scheduler = Scheduler::new(1, Retry::default());
    scheduler.restore(Some(known));
    scheduler.step(Event::ClaimAgain);
    let event = Event::Claimed { chunk: 0, runs: vec![run(0)], resting: [run(0)].into() };
    assert_eq!(scheduler.step(event), [Claim]);
    // Another driver's run came there too, and is worse.
    let mut known = Search::new(&policy, &runs);
    for (number, value) in [(0, 0.5), (1, 0.1)] {
        known.record(run(number), 1, value);
        known.rests(run(number));
    }
    known.promote();
    scheduler.restore(Some(known));
    assert_eq!(scheduler.step(Event::LookedBack), [Spawn(1)]);
    assert_eq!(scheduler.step(Event::Ready(1)), [assign(1, 0)]);
}
