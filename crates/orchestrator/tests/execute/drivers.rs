//! Several drivers on one store.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use journal::Status;
use orchestrator::execute::{ARTIFACTS, Notice, Stop, Summary, execute};
use rustix::process::{Pid, Signal, kill_process};

use crate::store::{ROLE, Store, count, entries, myself, options, run, runs};
use crate::toy::{Params, Way};

const FOLDER: &str = "REGIMEN_TEST_FOLDER";
const SIGNED: &str = "REGIMEN_TEST_SIGNED";

fn gated(folder: &Path) -> Vec<journal::RunSpec> {
    let gate = Some(folder.join("gate"));
    let mut all = runs(Way::Succeed, 6);
    let count = |number| run(&Params { way: Way::Count, number, gate: gate.clone() });
    all.extend((0..4).map(count));
    all
}

/// One run that publishes who executed it once a file is there.
fn signed(folder: &Path) -> Vec<journal::RunSpec> {
    vec![run(&Params { way: Way::Sign, number: 0, gate: Some(folder.join("gate")) })]
}

/// Not a test of its own: a driver process that a test kills.
#[test]
fn driver_process() {
    if std::env::var(ROLE).is_ok_and(|role| role == "drivers::driver_process") {
        let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
        let options = options(&folder.join("results"));
        let runs = if std::env::var(SIGNED).is_ok() { signed(&folder) } else { gated(&folder) };
        execute(&runs, &options, &entries(), &mut |_: &_| {}, &Stop::new()).unwrap();
    }
}

fn start_driver(store: &Store) -> Child {
    driver(store).spawn().unwrap()
}

fn driver(store: &Store) -> Command {
    let command = myself("drivers::driver_process");
    let mut driver = Command::new(command.program);
    driver
        .args(command.args)
        .env(FOLDER, store.dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    driver
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("what the test waits for did not happen within 30 s");
}

#[test]
fn two_drivers_share_the_work() {
    let store = Store::new();
    let all = runs(Way::Succeed, 60);
    let summaries: Vec<Summary> = thread::scope(|scope| {
        let drivers = [(); 2].map(|()| scope.spawn(|| store.execute(&all)));
        drivers.map(|driver| driver.join().unwrap()).into()
    });
    for summary in summaries {
        assert_eq!(summary.finished.len() + summary.skipped.len(), 60);
    }
    let fold = store.fold();
    assert_eq!(count(&fold, Status::Finished), 60);
    assert!(fold.runs.values().all(|state| state.attempts.len() == 1), "executed once each");
}

#[test]
fn the_work_of_a_killed_driver_is_taken_over() {
    let store = Store::new();
    let all = gated(store.dir.path());
    let mut driver = start_driver(&store);
    let succeeded = |store: &Store| count(&store.fold(), Status::Finished);
    wait_until(|| succeeded(&store) == 6 && store.fold().runs.len() == 8);
    driver.kill().unwrap();
    driver.wait().unwrap();
    // Its workers notice that it is gone, checkpoint and end.
    wait_until(|| count(&store.fold(), Status::Interrupted) == 2);

    fs::write(store.path("gate"), "").unwrap();
    let (summary, notices) = store.execute_with(&all, &Stop::new(), |_| {});
    let summary = summary.unwrap();
    assert_eq!((summary.skipped.len(), summary.finished.len()), (6, 4));
    assert_eq!(Store::started(&notices), 4);
    let fold = store.fold();
    let resumed = |state: &&journal::RunState| state.counted().unwrap().resumed.is_some();
    assert_eq!(fold.runs.values().filter(resumed).count(), 2);
}

#[test]
fn a_driver_waits_for_the_other_and_counts_its_results() {
    let store = Store::new();
    let all = gated(store.dir.path());
    let mut other = start_driver(&store);
    wait_until(|| count(&store.fold(), Status::Finished) == 6 && store.fold().runs.len() == 8);
    let gate = store.path("gate");
    let (summary, notices) = store.execute_with(&all, &Stop::new(), |notice| {
        // The other holds its two runs; this driver has the last two.
        if matches!(notice, Notice::Progress { .. }) {
            fs::write(&gate, "").unwrap();
        }
    });
    assert_eq!(summary.unwrap().finished.len(), 4);
    assert!(other.wait().unwrap().success());
    assert!(Store::started(&notices) <= 2, "{notices:?}");
    assert!(store.fold().runs.values().all(|state| state.attempts.len() == 1));
}

/// A worker that sleeps past its driver's lease wakes when another attempt has finished.
#[test]
fn files_of_an_attempt_that_wakes_too_late_replace_none() {
    let mut store = Store::new();
    let all = signed(store.dir.path());
    let mut sleeper = driver(&store).env(SIGNED, "1").spawn().unwrap();
    let attempts = store.options.store.join("attempts").join(all[0].run.to_string());
    wait_until(|| fs::read_dir(&attempts).is_ok_and(|mut found| found.next().is_some()));
    let fold = store.fold();
    let worker = fold.writers.values().find(|opened| opened.role == journal::Role::Worker);
    let pids = [sleeper.id(), worker.unwrap().pid];
    let send = |signal| {
        for pid in pids {
            kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
        }
    };
    send(Signal::STOP);
    store.options.lease = Some(Duration::from_secs(1));
    let gate = store.path("gate");
    let (summary, _) = store.execute_with(&all, &Stop::new(), |notice| {
        if matches!(notice, Notice::Progress { .. }) {
            fs::write(&gate, "").unwrap();
        }
    });
    assert_eq!(summary.unwrap().finished, [all[0].run]);
    let place = store.options.store.join(ARTIFACTS).join(all[0].run.to_string());
    let signatures = || ["first.txt", "second.txt"].map(|name| fs::read(place.join(name)).unwrap());
    let before = signatures();
    assert_eq!(before[0], before[1]);
    send(Signal::CONT);
    assert!(sleeper.wait().unwrap().success());
    assert_eq!(store.fold().runs[&all[0].run].attempts.len(), 2);
    assert_eq!(signatures(), before);
    assert_ne!(before[0], pids[1].to_string().into_bytes());
    assert!(!attempts.exists());
}
