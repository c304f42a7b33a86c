//! Stops and resumption.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use journal::Status;
use orchestrator::execute::{ARTIFACTS, Notice, Rerun, Stop, Summary};
use rustix::process::{Pid, Signal, kill_process};

use crate::store::{Store, count, outcome, run, runs};
use crate::toy::{Params, Way};

/// Counting runs that wait in the middle for a file.
fn gated(store: &Store) -> Vec<journal::RunSpec> {
    let gate = Some(store.path("gate"));
    (0..4).map(|number| run(&Params { way: Way::Count, number, gate: gate.clone() })).collect()
}

/// The runs again in a store where nothing stops them.
fn undisturbed(all: &[journal::RunSpec]) -> Store {
    let calm = Store::new();
    assert_eq!(calm.execute(all).finished.len(), all.len());
    calm
}

/// Where files of attempts at a run lie that do not count, or not yet.
fn attempts(store: &Store, spec: &journal::RunSpec) -> PathBuf {
    store.options.store.join("attempts").join(spec.run.to_string())
}

/// The files of the one attempt that there was at a run.
fn only_attempt(store: &Store, spec: &journal::RunSpec) -> PathBuf {
    let mut folders = fs::read_dir(attempts(store, spec)).unwrap();
    let folder = folders.next().unwrap().unwrap().path();
    assert!(folders.next().is_none());
    folder
}

fn assert_same(disturbed: &Store, calm: &Store, all: &[journal::RunSpec]) {
    let (found, wanted) = (disturbed.fold(), calm.fold());
    for spec in all {
        assert_eq!(outcome(&found.runs[&spec.run]), outcome(&wanted.runs[&spec.run]));
        let sum = |store: &Store| {
            let folder = store.options.store.join(ARTIFACTS).join(spec.run.to_string());
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
            assert!(!attempts(store, spec).exists());
            fs::read(folder.join("sum.txt")).unwrap()
        };
        assert_eq!(sum(disturbed), sum(calm));
    }
}

fn stop_at_progress_and_resume(in_process: bool) {
    let mut store = Store::new();
    store.options.in_process = in_process;
    let all = gated(&store);
    let stop = Stop::new();
    let (summary, notices) = store.execute_with(&all, &stop, |notice| {
        if matches!(notice, Notice::Progress { .. }) {
            stop.soft();
        }
    });
    assert_eq!(summary.unwrap().interrupted.len(), 4);
    let started = Store::started(&notices);
    assert!((1..=2).contains(&started), "{notices:?}");
    let states: Vec<_> = store.fold().runs.values().map(|state| state.status()).collect();
    assert!(states.iter().all(|status| *status == Status::Interrupted), "{states:?}");

    fs::write(store.path("gate"), "").unwrap();
    let (summary, notices) = store.execute_with(&all, &Stop::new(), |_| {});
    assert_eq!(summary.unwrap().finished.len(), 4);
    assert_eq!(Store::started(&notices), 4);
    let resumed = |state: &&journal::RunState| state.counted().unwrap().resumed.is_some();
    assert_eq!(store.fold().runs.values().filter(resumed).count(), started);
    assert_same(&store, &undisturbed(&all), &all);
}

#[test]
fn a_soft_stop_and_resumption_change_nothing_in_the_outcome() {
    stop_at_progress_and_resume(false);
}

#[test]
fn nor_do_they_in_this_process() {
    stop_at_progress_and_resume(true);
}

/// Sends signals to the worker of the first run that comes to its gate, then stops softly.
fn signal_a_worker(store: &Store, all: &[journal::RunSpec], signals: &[Signal]) -> Summary {
    let stop = Stop::new();
    let (mut pids, mut workers) = (BTreeMap::new(), BTreeMap::new());
    let (summary, _) = store.execute_with(all, &stop, |notice| match notice {
        Notice::WorkerStarted { worker, pid, .. } => drop(pids.insert(*worker, pid.unwrap())),
        Notice::Started { run, worker, .. } => drop(workers.insert(*run, *worker)),
        Notice::Progress { run, .. } if !stop.requested() => {
            let pid = Pid::from_raw(pids[&workers[run]] as i32).unwrap();
            signals.iter().for_each(|signal| kill_process(pid, *signal).unwrap());
            stop.soft();
        }
        _ => {}
    });
    summary.unwrap()
}

#[test]
fn workers_leave_it_to_the_driver_what_signals_mean() {
    let store = Store::new();
    let all = gated(&store);
    let signals = [Signal::TERM, Signal::INT, Signal::HUP, Signal::USR1, Signal::USR2];
    assert_eq!(signal_a_worker(&store, &all, &signals).interrupted.len(), 4);
    let fold = store.fold();
    assert!(fold.runs.values().all(|state| state.status() == Status::Interrupted));
    fs::write(store.path("gate"), "").unwrap();
    assert_eq!(store.execute(&all).finished.len(), 4);
    assert_same(&store, &undisturbed(&all), &all);
}

#[test]
fn a_run_that_is_lost_during_a_stop_goes_on_another_time() {
    let store = Store::new();
    let all = gated(&store);
    let summary = signal_a_worker(&store, &all, &[Signal::KILL]);
    assert_eq!((summary.interrupted.len(), summary.failed.len()), (4, 0));
    assert_eq!(count(&store.fold(), Status::Interrupted), store.fold().runs.len());
    fs::write(store.path("gate"), "").unwrap();
    assert_eq!(store.execute(&all).finished.len(), 4);
    assert_same(&store, &undisturbed(&all), &all);
}

/// Cuts, empties or changes the frozen plan of a sweep that was stopped, and goes on.
#[test]
fn a_damaged_plan_is_derived_again() {
    type Damage = fn(&str) -> String;
    let damages: [Damage; 5] = [
        |text| text[..text.len() / 2].into(),
        |_| String::new(),
        |text| text.replacen("\"chunks\":[1", "\"chunks\":[7", 1),
        |text| text.replacen("\"name\":\"", "\"name\":\"../", 1),
        |text| text.replacen("\"chunks\":[1", "\"chunks\":[18446744073709551615,2", 1),
    ];
    for damage in damages {
        let store = Store::new();
        let all = gated(&store);
        signal_a_worker(&store, &all, &[]);
        let plans = fs::read_dir(store.options.store.join("plans")).unwrap();
        let plan = plans.map(|entry| entry.unwrap().path()).next().unwrap();
        let text = fs::read_to_string(&plan).unwrap();
        let damaged = damage(&text);
        assert_ne!(damaged, text);
        fs::write(&plan, &damaged).unwrap();
        fs::write(store.path("gate"), "").unwrap();
        assert_eq!(store.execute(&all).finished.len(), 4, "{damaged}");
        assert_same(&store, &undisturbed(&all), &all);
    }
}

#[test]
fn a_hard_stop_loses_nothing_recorded() {
    let store = Store::new();
    let mut all = runs(Way::Succeed, 3);
    all.extend(gated(&store));
    let stop = Stop::new();
    let (summary, _) = store.execute_with(&all, &stop, |notice| {
        if matches!(notice, Notice::Progress { .. }) {
            stop.hard();
        }
    });
    let summary = summary.unwrap();
    assert_eq!((summary.finished.len(), summary.failed.len()), (3, 0));
    assert_eq!(summary.interrupted.len(), 4);

    fs::write(store.path("gate"), "").unwrap();
    let (summary, notices) = store.execute_with(&all, &Stop::new(), |_| {});
    let summary = summary.unwrap();
    assert_eq!((summary.skipped.len(), summary.finished.len()), (3, 4));
    assert_eq!(Store::started(&notices), 4);
    assert_same(&store, &undisturbed(&all[3..]), &all[3..]);
}

#[test]
fn a_hard_stop_ends_programs_that_runs_started_as_well() {
    let store = Store::new();
    let gate = store.path("pid");
    let parent = run(&Params { way: Way::Parent, number: 0, gate: Some(gate.clone()) });
    let stop = Stop::new();
    let (summary, _) = store.execute_with(&[parent], &stop, |notice| {
        if matches!(notice, Notice::Progress { .. }) {
            stop.hard();
        }
    });
    assert_eq!(summary.unwrap().interrupted.len(), 1);
    let stat = format!("/proc/{}/stat", fs::read_to_string(gate).unwrap());
    // It was killed before its parent was reaped; its own end is the kernel's business.
    let lives = || fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
    for _ in 0..3000 {
        if !lives() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the grandchild lives on");
}

/// A store in which one counting run was stopped in the middle, and that run.
fn stopped() -> (Store, Vec<journal::RunSpec>) {
    let store = Store::new();
    let all = gated(&store)[..1].to_vec();
    signal_a_worker(&store, &all, &[]);
    (store, all)
}

/// Goes on with a store; whether the run went on from a checkpoint.
fn goes_on(store: &Store, all: &[journal::RunSpec]) -> bool {
    fs::write(store.path("gate"), "").unwrap();
    assert_eq!(store.execute(all).finished.len(), 1);
    let resumed = store.fold().runs[&all[0].run].counted().unwrap().resumed.is_some();
    assert_same(store, &undisturbed(all), all);
    resumed
}

#[test]
fn a_damaged_checkpoint_is_left_aside() {
    let (store, all) = stopped();
    let path = only_attempt(&store, &all[0]).join("checkpoint");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
    assert!(!goes_on(&store, &all));
}

#[test]
fn a_checkpoint_whose_journal_is_gone_is_left_aside() {
    for role in ["-w", ""] {
        let (store, all) = stopped();
        let journals = fs::read_dir(store.options.store.join("journal")).unwrap();
        for journal in journals.map(|entry| entry.unwrap().path()) {
            if journal.to_str().unwrap().contains(role) {
                fs::remove_file(journal).unwrap();
            }
        }
        assert!(!goes_on(&store, &all), "journals with {role:?} in their names");
    }
}

#[test]
fn a_checkpoint_that_the_journal_does_not_know_yet_is_left_aside() {
    let (store, all) = stopped();
    let fold = store.fold();
    let attempt = &fold.runs[&all[0].run].attempts[0];
    let path = only_attempt(&store, &all[0]).join("checkpoint");
    // The number stands behind magic and attempt; the sum of all is made again.
    let mut bytes = fs::read(&path).unwrap();
    let number = attempt.checkpoints() + 1;
    bytes[12..16].copy_from_slice(&number.to_le_bytes());
    bytes[16..20].fill(0);
    let sum = crc32fast::hash(&bytes);
    bytes[16..20].copy_from_slice(&sum.to_le_bytes());
    fs::write(path, bytes).unwrap();
    assert!(!goes_on(&store, &all));
}

#[test]
fn what_earlier_versions_left_is_gone_on_from() {
    let (store, all) = stopped();
    // They kept checkpoint and artifacts of all attempts in the run's place.
    let place = store.options.store.join(ARTIFACTS).join(all[0].run.to_string());
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::rename(only_attempt(&store, &all[0]), &place).unwrap();
    fs::remove_dir_all(store.options.store.join("attempts")).unwrap();
    fs::write(place.join("sum.txt"), "of an attempt that does not count").unwrap();
    assert!(goes_on(&store, &all));
}

#[test]
fn files_of_a_finished_attempt_come_to_their_place_although_its_worker_was_killed() {
    let (store, all) = stopped();
    assert!(goes_on(&store, &all));
    let place = store.options.store.join(ARTIFACTS).join(all[0].run.to_string());
    let fold = store.fold();
    let counted = fold.runs[&all[0].run].counted().unwrap();
    let all_attempts = attempts(&store, &all[0]);
    fs::create_dir_all(&all_attempts).unwrap();
    let own = all_attempts.join(format!("{}.{}", counted.number, counted.writer));
    fs::rename(&place, &own).unwrap();
    fs::write(own.join("checkpoint"), "").unwrap();
    let (summary, notices) = store.execute_with(&all, &Stop::new(), |_| {});
    assert_eq!((summary.unwrap().skipped.len(), Store::started(&notices)), (1, 0));
    assert_same(&store, &undisturbed(&all), &all);
}

#[test]
fn a_run_that_is_executed_again_replaces_its_files() {
    let (mut store, all) = stopped();
    goes_on(&store, &all);
    let place = store.options.store.join(ARTIFACTS).join(all[0].run.to_string());
    fs::write(place.join("sum.txt"), "damaged").unwrap();
    store.options.rerun = Rerun::All;
    assert_eq!(store.execute(&all).finished.len(), 1);
    assert_same(&store, &undisturbed(&all), &all);
}

#[test]
fn files_of_a_failed_run_are_shown_until_an_attempt_finishes() {
    let mut store = Store::new();
    let gate = Some(store.path("crashes"));
    let crashes = run(&Params { way: Way::CrashAtFirst, number: 2, gate });
    let place = store.options.store.join(ARTIFACTS).join(crashes.run.to_string());
    let all = [crashes];
    let said = || fs::read_to_string(place.join("crashes.txt")).unwrap();
    assert_eq!(store.execute(&all).failed.len(), 1);
    assert_eq!(said(), "0");
    store.options.rerun = Rerun::Failed;
    assert_eq!(store.execute(&all).failed.len(), 1);
    assert_eq!(said(), "1");
    assert_eq!(store.execute(&all).finished.len(), 1);
    assert_eq!(said(), "2");
    assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
    assert!(!attempts(&store, &all[0]).exists());
}
