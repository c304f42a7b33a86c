//! Drivers on a store whose file system fails for a while.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use journal::Status;
use orchestrator::execute::{Disk, Notice, Stop};

use crate::store::{Store, outcome, run, runs};
use crate::toy::{Params, Way};

const ESTALE: i32 = 116;
const EIO: i32 = 5;

/// A disk on which operations fail while a switch is on.
fn failing(what: &'static [&'static str], errno: i32) -> (Disk, Arc<AtomicBool>) {
    let fails = Arc::new(AtomicBool::new(true));
    let switch = fails.clone();
    let disk = Disk::with(move |operation, _| match what.contains(&operation) {
        true if switch.load(Ordering::SeqCst) => Err(io::Error::from_raw_os_error(errno)),
        _ => Ok(()),
    });
    (disk, fails)
}

fn counting(store: &Store) -> Vec<journal::RunSpec> {
    let gate = Some(store.path("gate"));
    (0..2).map(|number| run(&Params { way: Way::Count, number, gate: gate.clone() })).collect()
}

fn assert_calm(store: &Store, all: &[journal::RunSpec]) {
    let calm = Store::new();
    calm.execute(all);
    let (found, wanted) = (store.fold(), calm.fold());
    for spec in all {
        assert_eq!(outcome(&found.runs[&spec.run]), outcome(&wanted.runs[&spec.run]));
    }
}

#[test]
fn operations_that_fail_now_and_then_are_tried_again() {
    let mut store = Store::new();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    // Three of nine, by both errors in turn.
    store.options.disk = Disk::with(move |_, _| match counted.fetch_add(1, Ordering::SeqCst) {
        at if at % 9 < 6 => Ok(()),
        at => Err(io::Error::from_raw_os_error([ESTALE, EIO][at % 2])),
    });
    let all = runs(Way::Succeed, 3);
    let (summary, notices) = store.execute_with(&all, &Stop::new(), |_| {});
    assert_eq!(summary.unwrap().finished.len(), 3);
    assert!(notices.iter().any(|notice| matches!(notice, Notice::Unreachable { .. })));
    assert!(!notices.iter().any(|notice| matches!(notice, Notice::GivenBack { .. })));
    assert!(store.fold().runs.values().all(|run| run.attempts.len() == 1));
}

#[test]
fn a_heart_that_cannot_beat_gives_the_claims_back_and_nothing_is_lost() {
    let mut store = Store::new();
    let (disk, fails) = failing(&["beat"], ESTALE);
    fails.store(false, Ordering::SeqCst);
    (store.options.disk, store.options.lease) = (disk, Some(Duration::from_secs(3)));
    let all = counting(&store);
    let gate = store.path("gate");
    let (summary, notices) = store.execute_with(&all, &Stop::new(), |notice| match notice {
        Notice::Progress { .. } if !gate.exists() => fails.store(true, Ordering::SeqCst),
        Notice::GivenBack { .. } => {
            fs::write(&gate, "").unwrap();
            fails.store(false, Ordering::SeqCst);
        }
        _ => {}
    });
    assert_eq!(summary.unwrap().finished.len(), 2);
    let why = notices.iter().find_map(|notice| match notice {
        Notice::GivenBack { why } => Some(why.clone()),
        _ => None,
    });
    assert!(why.unwrap().starts_with("the heartbeat could not be written for "));
    let fold = store.fold();
    assert!(fold.runs.values().all(|run| run.attempts.iter().all(|a| a.error().is_none())));
    assert_calm(&store, &all);
}

#[test]
fn claims_that_never_come_back_end_the_driver_and_lose_no_work() {
    let mut store = Store::new();
    let (disk, fails) = failing(&["list", "claim", "publish"], EIO);
    fails.store(false, Ordering::SeqCst);
    // One more than there are runs, which goes on looking for some.
    store.options.jobs = 3;
    (store.options.disk, store.options.lease) = (disk, Some(Duration::from_secs(3)));
    let all = counting(&store);
    let (done, notices) = store.execute_with(&all, &Stop::new(), |notice| {
        if matches!(notice, Notice::Progress { .. }) {
            fails.store(true, Ordering::SeqCst);
        }
    });
    let said = done.unwrap_err().to_string();
    assert!(said.contains(store.options.store.to_str().unwrap()), "{said}");
    assert!(notices.iter().any(|notice| matches!(notice, Notice::Unreachable { .. })));
    assert!(notices.iter().any(|notice| matches!(notice, Notice::GivenBack { .. })));
    let states: Vec<Status> = store.fold().runs.values().map(|run| run.status()).collect();
    assert!(states.iter().all(|status| *status == Status::Interrupted), "{states:?}");
    store.options.disk = Disk::default();
    fs::write(store.path("gate"), "").unwrap();
    assert_eq!(store.execute(&all).finished.len(), 2);
    assert!(store.fold().runs.values().any(|run| run.counted().unwrap().resumed.is_some()));
    assert_calm(&store, &all);
}
