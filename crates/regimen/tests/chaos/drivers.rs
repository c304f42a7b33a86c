//! Drivers beside each other, and one that sleeps past its lease.

use std::collections::BTreeSet;

use journal::Status;
use rustix::process::Signal;

use crate::kills::{children, send};
use crate::sweep::{RUNS, Sweep, finished, fold, wait_until};

#[test]
fn two_drivers_execute_every_run_once() {
    let sweep = Sweep::new(2000);
    let store = sweep.path("store");
    // As long as no machine is slow: a lease that expires would be no mistake of theirs.
    let mut drivers = [(); 2].map(|()| sweep.start(&store, &["--lease", "600"]));
    for driver in &mut drivers {
        assert!(driver.wait().unwrap().success(), "{}", sweep.said());
    }
    let fold = fold(&store);
    assert_eq!(fold.runs.len(), RUNS);
    for (run, state) in &fold.runs {
        assert_eq!(state.attempts.len(), 1, "{run} was executed more than once");
    }
    sweep.assert_undisturbed(&store);
}

#[test]
fn a_driver_that_sleeps_past_its_lease_changes_nothing() {
    let sweep = Sweep::new(12_000);
    let store = sweep.path("store");
    let mut sleeper = sweep.start(&store, &[]);
    wait_until("a run finished", || store.is_dir() && finished(&store) > 0);
    // Between two runs there is nothing to catch: then it wakes and is stopped again.
    let (mut stopped, mut caught) = (Vec::new(), Vec::new());
    wait_until("the driver fell asleep while a run was under way", || {
        wake(&stopped);
        stopped = [vec![sleeper.id()], children(sleeper.id())].concat();
        stopped.iter().for_each(|pid| assert!(send(*pid, Signal::STOP)));
        let under_way = |state: &&journal::RunState| state.status() == Status::Running;
        caught = fold(&store).runs.values().filter(under_way).map(|s| s.spec.run).collect();
        !caught.is_empty()
    });
    sweep.run(&store, &["--lease", "2"], 0);
    let taken_over = fold(&store);
    assert_eq!(taken_over.runs.len(), RUNS);
    for run in &caught {
        let attempts = &taken_over.runs[run].attempts;
        let drivers: BTreeSet<_> = attempts.iter().filter_map(|a| a.driver.clone()).collect();
        assert_eq!(drivers.len(), 2, "{run} was not taken over: {attempts:?}");
    }
    wake(&stopped);
    assert!(sleeper.wait().unwrap().success(), "{}", sweep.said());
    sweep.assert_undisturbed(&store);
}

/// The workers wake before the driver that waits for them.
fn wake(stopped: &[u32]) {
    stopped.iter().rev().for_each(|pid| assert!(send(*pid, Signal::CONT)));
}
