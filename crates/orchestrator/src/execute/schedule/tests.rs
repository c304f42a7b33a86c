//! Tests the scheduler's decisions, event by event.

use super::*;
use Action::*;

const CRASH: Failure = Failure { cause: Some(Cause::Crash), earlier: 0 };
const ERROR: Failure = Failure { cause: None, earlier: 0 };

fn claimed(chunk: Chunk, runs: Vec<RunIndex>) -> Event {
    Event::Claimed { chunk, runs, parked: Vec::new() }
}

/// A scheduler with `jobs` ready workers and one claimed chunk of `runs` runs.
fn begun(jobs: usize, runs: usize) -> Scheduler {
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
    assert_eq!(scheduler.step(Event::Ready(2)), [Assign { worker: 2, run: 7 }]);
    assert_eq!(scheduler.step(Event::Ready(1)), [Assign { worker: 1, run: 8 }, Claim]);
}

#[test]
fn an_exhausted_chunk_makes_room_for_the_next() {
    let mut scheduler = begun(1, 2);
    let next = scheduler.step(Event::Ended(1, End::Finished));
    assert_eq!(next, [Assign { worker: 1, run: 1 }]);
    assert_eq!(scheduler.step(Event::Ended(1, End::Finished)), [Complete(0), Claim]);
    assert_eq!(scheduler.step(claimed(3, vec![9])), [Assign { worker: 1, run: 9 }]);
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
    assert_eq!(
        scheduler.step(Event::Gone(1, CRASH)),
        [Lost { worker: 1, chunk: Some(0), again: false }, Spawn(3)]
    );
    assert_eq!(scheduler.step(Event::Ready(3)), [Assign { worker: 3, run: 2 }]);
    assert_eq!(scheduler.step(Event::Ended(2, End::Finished)), [Assign { worker: 2, run: 3 }]);
    scheduler.step(Event::Ended(2, End::Finished));
    assert!(scheduler.step(Event::Ended(3, End::Finished)).contains(&Complete(0)));
}

#[test]
fn a_worker_retires_after_a_failure() {
    let mut scheduler = begun(1, 3);
    assert_eq!(scheduler.step(Event::Ended(1, End::Failed(ERROR))), [Retire(1), Spawn(2)]);
    assert_eq!(scheduler.step(Event::Gone(1, CRASH)), []);
    assert_eq!(scheduler.step(Event::Ready(2)), [Assign { worker: 2, run: 1 }]);
}

#[test]
fn a_soft_stop_starts_nothing_and_interrupts() {
    let mut scheduler = begun(2, 5);
    let actions = scheduler.step(Event::Stop(Urgency::Soft));
    assert_eq!(actions, [Interrupt(1), Interrupt(2)]);
    assert_eq!(scheduler.step(Event::Ended(1, End::Interrupted)), [Retire(1)]);
    assert_eq!(scheduler.step(Event::Ended(2, End::Finished)), [Retire(2)]);
    assert!(!scheduler.is_busy());
}

#[test]
fn a_run_whose_worker_dies_during_a_stop_goes_on_another_time() {
    let mut scheduler = begun(2, 5);
    scheduler.step(Event::Stop(Urgency::Soft));
    assert_eq!(scheduler.step(Event::Gone(1, CRASH)), [Cut(1)]);
    // What its own limits end has failed all the same.
    let time = Failure { cause: Some(Cause::Time), earlier: 0 };
    let lost = Lost { worker: 2, chunk: Some(0), again: false };
    assert_eq!(scheduler.step(Event::Gone(2, time)), [lost]);
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
    assert_eq!(scheduler.step(Event::Ended(1, End::Finished)), [Claim]);
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
    let lost = |worker, again| Lost { worker, chunk: Some(0), again };
    assert_eq!(scheduler.step(Event::Gone(1, CRASH)), [lost(1, true), Spawn(2)]);
    assert_eq!(scheduler.step(Event::Ready(2)), [Assign { worker: 2, run: 0 }]);
    let second = Failure { earlier: 1, ..CRASH };
    assert_eq!(scheduler.step(Event::Gone(2, second)), [lost(2, true), Spawn(3)]);
    scheduler.step(Event::Ready(3));
    let third = Failure { earlier: 2, ..CRASH };
    let actions = scheduler.step(Event::Gone(3, third));
    assert_eq!(actions[..2], [lost(3, false), Complete(0)]);
}

#[test]
fn each_cause_is_allowed_for_by_itself() {
    let mut scheduler = begun(1, 1);
    scheduler.retry = Retry { error: 1, ..Retry::default() };
    let memory = Failure { cause: Some(Cause::Memory), earlier: 0 };
    assert!(!scheduler.tries_again(1, memory));
    let actions = scheduler.step(Event::Ended(1, End::Failed(ERROR)));
    assert_eq!(actions, [Retire(1), Spawn(2)]);
    assert_eq!(scheduler.step(Event::Ready(2)), [Assign { worker: 2, run: 0 }]);
    assert!(scheduler.step(Event::Ended(2, End::Finished)).contains(&Complete(0)));
}

#[test]
fn nothing_is_tried_again_after_a_stop_or_in_a_chunk_of_others() {
    let mut scheduler = begun(1, 2);
    scheduler.retry = Retry { crash: 1, ..Retry::default() };
    scheduler.step(Event::Superseded(0));
    assert_eq!(
        scheduler.step(Event::Gone(1, CRASH))[0],
        Lost { worker: 1, chunk: None, again: false }
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
    assert_eq!(scheduler.step(Event::Ended(1, End::Finished)), [Retire(1), Spawn(2)]);
    assert_eq!(scheduler.step(Event::Gone(1, CRASH)), []);
    assert_eq!(scheduler.step(Event::Ready(2)), [Assign { worker: 2, run: 1 }]);
}

const RESTS: End = End::Paused { goes_on: false };

#[test]
fn a_run_that_is_promoted_goes_before_those_that_never_began() {
    let mut scheduler = begun(1, 3);
    let next = scheduler.step(Event::Ended(1, RESTS));
    assert_eq!(next, [Assign { worker: 1, run: 1 }]);
    assert_eq!(scheduler.step(Event::Promoted(vec![0, 7])), []);
    assert_eq!(scheduler.step(Event::Ended(1, RESTS)), [Assign { worker: 1, run: 0 }]);
    let at_once = scheduler.step(Event::Ended(1, End::Paused { goes_on: true }));
    assert_eq!(at_once, [Assign { worker: 1, run: 0 }]);
}

#[test]
fn runs_that_rest_are_let_go_of_when_nothing_else_is_left() {
    let mut scheduler = begun(2, 2);
    assert_eq!(scheduler.step(Event::Ended(1, RESTS)), [Claim]);
    assert_eq!(scheduler.step(Event::NothingToClaim), []);
    // The other one might still change what the search thinks of the first.
    assert_eq!(scheduler.step(Event::Ended(2, RESTS)), [Claim]);
    assert_eq!(scheduler.step(Event::NothingToClaim), [Complete(0), Claim]);
}

#[test]
fn a_chunk_taken_over_comes_with_the_runs_that_rest() {
    let mut scheduler = Scheduler::new(1, Retry::default());
    scheduler.step(Event::ClaimAgain);
    let event = Event::Claimed { chunk: 0, runs: vec![], parked: vec![3] };
    assert_eq!(scheduler.step(event), [Claim]);
    assert_eq!(scheduler.step(Event::Promoted(vec![3])), [Spawn(1)]);
    assert_eq!(scheduler.step(Event::Ready(1)), [Assign { worker: 1, run: 3 }]);
}
