//! Every way in which a run can end.

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use experiment::RunId;
use journal::{Cause, RunSpec, Status};
use orchestrator::config::Retry;
use orchestrator::execute::{Error, LOGS, Notice, Rerun, Stop};
use rustix::process::{Pid, Signal, kill_process};

use crate::store::{Store, count, run, runs};
use crate::toy::{Params, Way};

#[test]
fn each_run_ends_in_its_own_way_and_disturbs_no_other() {
    let mut store = Store::new();
    let good = runs(Way::Succeed, 5);
    let bad = [Way::Fail, Way::Panic, Way::Abort, Way::Nan].map(|way| runs(way, 1).remove(0));
    let mut all = good.clone();
    all.splice(2..2, bad.clone());
    let summary = store.execute(&all);
    assert_eq!((summary.finished.len(), summary.failed.len()), (5, 4));
    assert_eq!(store.error(&bad[0]), "reading the toy: it broke");
    let panic = store.error(&bad[1]);
    assert!(panic.starts_with("panicked at ") && panic.contains("toy.rs:"), "{panic}");
    assert!(panic.ends_with("toy 0 fell over"), "{panic}");
    let abort = store.error(&bad[2]);
    assert!(abort.starts_with("worker ") && abort.ends_with("was killed by signal 6"), "{abort}");
    assert_eq!(store.error(&bad[3]), "diverged: loss is NaN at step 3");
    assert!(store.fold().problems.is_empty());

    let (again, notices) = store.execute_with(&all, &Stop::new(), |_| {});
    let again = again.unwrap();
    assert_eq!(Store::started(&notices), 0);
    assert_eq!((again.skipped.len(), again.failed.len()), (5, 4));

    store.options.rerun = Rerun::Failed;
    let (_, notices) = store.execute_with(&all, &Stop::new(), |_| {});
    assert_eq!(Store::started(&notices), 4);
    store.options.rerun = Rerun::All;
    let (_, notices) = store.execute_with(&all[..2], &Stop::new(), |_| {});
    assert_eq!(Store::started(&notices), 2);
    assert_eq!(store.fold().runs[&all[0].run].attempts.len(), 2);
}

#[test]
fn results_rows_and_provenance_are_recorded() {
    let store = Store::new();
    let mut runs = runs(Way::Succeed, 3);
    runs[2].threads = 5;
    store.execute(&runs);
    let fold = store.fold();
    let state = &fold.runs[&runs[2].run];
    assert_eq!((state.results()["sum"], state.results()["threads"]), (2.0, 5.0));
    assert_eq!(fold.runs[&runs[1].run].results()["threads"], 1.0);
    assert_eq!(state.metrics().unwrap()[0].metric, "loss");
    assert_eq!(state.rows().unwrap()["answers"], [r#"{"number":2}"#]);
    let attempt = state.counted().unwrap();
    assert!(attempt.ended.as_ref().unwrap().peak_memory_bytes > 100_000);
    let worker = &fold.writers[&*attempt.writer];
    assert_ne!(worker.pid, std::process::id());
    assert_eq!(worker.host, "test");
    let log = store.options.store.join(LOGS).join(format!("{}.log", attempt.writer));
    let marker = format!("=== run {} attempt 1\n", runs[2].run);
    assert!(fs::read_to_string(log).unwrap().contains(&marker));
}

#[test]
fn threads_of_this_process_do_the_same() {
    let mut store = Store::new();
    store.options.in_process = true;
    let mut all = runs(Way::Succeed, 20);
    all.extend([Way::Fail, Way::Panic].map(|way| runs(way, 1).remove(0)));
    let summary = store.execute(&all);
    assert_eq!((summary.finished.len(), summary.failed.len()), (20, 2));
    assert!(store.error(&all[21]).ends_with("toy 0 fell over"));
    let logs = fs::read_dir(store.options.store.join(LOGS)).unwrap();
    assert_eq!(logs.count(), 0);
}

#[test]
fn a_killed_worker_costs_one_run() {
    let store = Store::new();
    let mut all = runs(Way::Succeed, 8);
    all.insert(3, runs(Way::Sleep, 1).remove(0));
    let mut pids = std::collections::BTreeMap::new();
    let mut workers = std::collections::BTreeMap::new();
    let (summary, notices) = store.execute_with(&all, &Stop::new(), |notice| match notice {
        Notice::WorkerStarted { worker, pid, .. } => drop(pids.insert(*worker, pid.unwrap())),
        Notice::Started { run, worker, .. } => drop(workers.insert(*run, *worker)),
        Notice::Progress { run, .. } if *run == all[3].run => {
            let pid = Pid::from_raw(pids[&workers[run]] as i32).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
        }
        _ => {}
    });
    let summary = summary.unwrap();
    assert_eq!((summary.finished.len(), summary.failed.as_slice()), (8, &[all[3].run][..]));
    let error = store.error(&all[3]);
    assert_eq!(error, format!("worker {} was killed by signal 9", workers[&all[3].run]));
    let lost = notices.iter().filter(|notice| matches!(notice, Notice::Lost { .. }));
    assert_eq!(lost.count(), 1);
    assert_eq!(count(&store.fold(), Status::Finished), 8);
}

#[test]
fn limits_end_runs_with_the_reason() {
    let mut store = Store::new();
    store.options.time = Some(Duration::from_millis(300));
    let sleeper = runs(Way::Sleep, 1);
    assert_eq!(store.execute(&sleeper).failed, [sleeper[0].run]);
    let error = store.error(&sleeper[0]);
    assert!(error.contains("signal 9: ") && error.ends_with("over the limit of 0.3 s"), "{error}");

    store.options.time = None;
    store.options.memory = Some(200 << 20);
    let hog = runs(Way::Hog, 1);
    assert_eq!(store.execute(&hog).failed, [hog[0].run]);
    assert!(store.error(&hog[0]).ends_with("over the limit of 209715200 bytes"));
}

#[test]
fn every_excess_ends_in_one_row_that_names_it_and_disturbs_no_other() {
    let mut store = Store::new();
    store.options.memory = Some(300 << 20);
    store.options.output = 8 << 20;
    let bad = [Way::HogByProxy, Way::Hog, Way::Print, Way::Exit].map(|way| runs(way, 1).remove(0));
    let mut all = runs(Way::Succeed, 6);
    all.splice(2..2, bad.clone());
    let summary = store.execute(&all);
    assert_eq!((summary.finished.len(), summary.failed.len()), (6, 4));
    let fold = store.fold();
    let causes = [Cause::Memory, Cause::Memory, Cause::Output, Cause::Crash];
    let endings = [
        "bytes is over the limit of 314572800 bytes",
        "bytes is over the limit of 314572800 bytes",
        "bytes of output are over the limit of 8388608 bytes",
        "ended with exit code 0",
    ];
    for ((spec, cause), ending) in bad.iter().zip(causes).zip(endings) {
        let state = &fold.runs[&spec.run];
        assert_eq!((state.attempts.len(), state.attempts[0].cause()), (1, Some(cause)));
        let error = state.error().unwrap();
        assert!(error.ends_with(ending), "{error}");
    }
    let logs = fs::read_dir(store.options.store.join(LOGS)).unwrap();
    let printed: u64 = logs.map(|log| log.unwrap().metadata().unwrap().len()).sum();
    assert!(printed < 9 << 20, "{printed} bytes of logs");
}

#[test]
fn a_run_is_tried_again_as_often_as_its_cause_allows() {
    let mut store = Store::new();
    store.options.retry = Retry { crash: 2, ..Retry::default() };
    let crashing = |number| {
        let gate = Some(store.path(&format!("crashes of {number}")));
        run(&Params { way: Way::CrashAtFirst, number, gate })
    };
    let mut all = runs(Way::Succeed, 3);
    all.extend([crashing(2), crashing(9), runs(Way::Fail, 1).remove(0)]);
    let (summary, notices) = store.execute_with(&all, &Stop::new(), |_| {});
    let summary = summary.unwrap();
    assert_eq!((summary.finished.len(), summary.failed.len()), (4, 2));
    let fold = store.fold();
    let attempts = |spec: &journal::RunSpec| fold.runs[&spec.run].attempts.len();
    assert_eq!([3, 4, 5].map(|index| attempts(&all[index])), [3, 3, 1]);
    assert_eq!(fold.runs[&all[3].run].results()["sum"], 2.0);
    let again = notices.iter().filter(|notice| matches!(notice, Notice::Again { .. }));
    let lost = notices.iter().filter(|notice| matches!(notice, Notice::Lost { .. }));
    assert_eq!((again.count(), lost.count()), (4, 1));
}

#[test]
fn a_run_that_fails_by_itself_is_tried_again_too() {
    let mut store = Store::new();
    store.options.retry = Retry { error: 1, ..Retry::default() };
    for in_process in [false, true] {
        store.options.in_process = in_process;
        store.options.rerun = Rerun::All;
        let bad = runs(Way::Fail, 1);
        let (summary, notices) = store.execute_with(&bad, &Stop::new(), |_| {});
        assert_eq!(summary.unwrap().failed.len(), 1);
        assert_eq!(Store::started(&notices), 2);
    }
    assert_eq!(store.fold().runs.values().next().unwrap().attempts.len(), 4);
}

#[test]
fn a_worker_that_retains_memory_retires() {
    let mut store = Store::new();
    store.options.jobs = 1;
    let workers = |notices: &[Notice]| {
        notices.iter().filter(|notice| matches!(notice, Notice::WorkerStarted { .. })).count()
    };
    let (summary, notices) = store.execute_with(&runs(Way::Succeed, 4), &Stop::new(), |_| {});
    assert_eq!((summary.unwrap().finished.len(), workers(&notices)), (4, 1));
    store.options.retain = 20 << 20;
    let (summary, notices) = store.execute_with(&runs(Way::Leak, 3), &Stop::new(), |_| {});
    assert_eq!((summary.unwrap().finished.len(), workers(&notices)), (3, 3));
}

#[test]
fn runs_of_unknown_experiments_fail_by_name() {
    let store = Store::new();
    let mut unknown = run(&Params::default());
    unknown.experiment_version = 9;
    store.execute(std::slice::from_ref(&unknown));
    assert_eq!(store.error(&unknown), "experiment toy version 9: not part of this program");
}

/// A program is changed and changed back: the first runs are finished, and are what is asked for.
#[test]
fn finished_runs_that_are_asked_for_again_count_again() {
    let store = Store::new();
    let old = runs(Way::Succeed, 3);
    let new: Vec<RunSpec> = runs(Way::Succeed, 2)
        .into_iter()
        .map(|spec| RunSpec { run: RunId::of(&format!("new {}", spec.run)), ..spec })
        .collect();
    let ids = |runs: &[RunSpec]| -> HashSet<RunId> { runs.iter().map(|spec| spec.run).collect() };
    store.execute(&old);
    store.execute(&new);
    assert_eq!(store.fold().superseded(), ids(&old[..2]));
    let segments = || fs::read_dir(store.options.store.join("journal")).unwrap().count();
    let before = segments();
    assert_eq!(store.execute(&old).skipped.len(), 3);
    assert_eq!(store.fold().superseded(), ids(&new));
    assert_eq!(segments(), before + 1);
    store.execute(&old);
    assert_eq!(segments(), before + 1, "nothing is written where nothing changes");
}

#[test]
fn a_store_that_is_a_link_to_nothing_is_said_to_be_one() {
    let mut store = Store::new();
    let link = store.path("link");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    store.options.store = link;
    let error = store.execute_with(&runs(Way::Succeed, 1), &Stop::new(), |_| {}).0.unwrap_err();
    let message = error.to_string();
    assert!(
        message.ends_with("wanted a folder, found a link to nowhere, where nothing is"),
        "{message}"
    );
}

#[test]
fn a_store_that_cannot_be_written_is_a_clear_error() {
    let mut store = Store::new();
    let all = runs(Way::Succeed, 1);
    fs::write(store.path("results"), "a file").unwrap();
    let error = store.execute_with(&all, &Stop::new(), |_| {}).0.unwrap_err();
    assert!(error.to_string().contains("results"), "{error}");

    store.options.store = "/proc/no-such-store".into();
    let error = store.execute_with(&all, &Stop::new(), |_| {}).0.unwrap_err();
    assert!(error.to_string().contains("could not create /proc/no-such-store"), "{error}");
}

#[test]
fn workers_that_cannot_start_are_an_error_not_failed_runs() {
    let mut store = Store::new();
    let all = runs(Way::Succeed, 2);
    store.options.worker.program = "/no/such/program".into();
    let error = store.execute_with(&all, &Stop::new(), |_| {}).0.unwrap_err();
    assert_eq!(error.to_string(), "could not start worker /no/such/program");
    store.options.worker.program = "/bin/false".into();
    let error = store.execute_with(&all, &Stop::new(), |_| {}).0.unwrap_err();
    assert!(matches!(error, Error::Unready { .. }), "{error}");
    assert!(error.to_string().contains("ended with exit code 1 before it was ready"), "{error}");
    assert!(store.fold().runs.is_empty());
}
