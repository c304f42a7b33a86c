//! Every way in which a run can end.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use experiment::RunId;
use journal::{Cause, Outcome, RunSpec, Status};
use orchestrator::config::Retry;
use orchestrator::execute::{Error, LOGS, Notice, Rerun, Stop, log_of, logs_of};
use rustix::process::{Pid, Signal, kill_process};

use crate::store::{Store, count, myself, outcome, run, runs};
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
    assert!(abort.starts_with("worker ") && abort.ends_with("was killed by SIGABRT"), "{abort}");
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
    // Whoever printed nothing has no log; what the worker of these tests prints is its own.
    assert!(logs_of(&store.options.store, runs[2].run, 9).is_empty());
}

#[test]
fn what_a_run_prints_is_in_its_own_log() {
    let mut store = Store::new();
    store.options.jobs = 1;
    store.options.retry = Retry { crash: 1, ..Retry::default() };
    let say = |number| run(&Params { way: Way::Say, number, gate: None });
    let crash = |number| {
        let gate = Some(store.path(&format!("crashes of {number}")));
        run(&Params { way: Way::CrashAtFirst, number, gate })
    };
    let all =
        [say(0), runs(Way::Succeed, 1).remove(0), say(1), crash(1), runs(Way::Panic, 1).remove(0)];
    store.execute(&all);
    let text = |index: usize, attempt| {
        fs::read_to_string(log_of(&store.options.store, all[index].run, attempt))
            .unwrap_or_default()
    };
    assert_eq!(
        [text(0, 1), text(1, 1), text(2, 1)],
        ["run 0\nprinted 0\n", "", "run 1\nprinted 1\n"]
    );
    // What a process says when it crashes is in the log of the attempt that it cost.
    assert_eq!([text(3, 1), text(3, 2)], ["about to crash\n", ""]);
    assert!(text(4, 1).contains("toy 0 fell over"), "{}", text(4, 1));
    store.options.in_process = true;
    store.options.rerun = Rerun::All;
    store.execute(&all[..1]);
    // Only what a run hands over: what is printed by a thread is the process's.
    assert_eq!(text(0, 2), "run 0\n");
}

#[test]
fn a_warning_is_told_and_recorded() {
    let store = Store::new();
    let all = [run(&Params { way: Way::Warn, number: 3, gate: None })];
    let (_, notices) = store.execute_with(&all, &Stop::new(), |_| {});
    let told = |notice: &&Notice| matches!(notice, Notice::Warned { text, .. } if text == "odd: 3");
    assert_eq!(notices.iter().filter(told).count(), 1);
    let ended = store.fold().runs[&all[0].run].attempts[0].ended.clone().unwrap();
    assert_eq!((ended.outcome, ended.warnings), (Outcome::Finished, vec!["odd: 3".to_owned()]));
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
fn nothing_that_a_run_started_outlives_it() {
    let mut store = Store::new();
    store.options.jobs = 1;
    let folder = store.dir.path().to_owned();
    let gate = |name: &str| folder.join(name);
    let start = |way, name: &str| run(&Params { way, number: 0, gate: Some(gate(name)) });
    let alive = |name: &str| {
        let pid = fs::read_to_string(gate(name)).unwrap();
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
    };
    // One that left its session, whose parent is gone, at the end of its run.
    let daemon = start(Way::Daemon, "daemon");
    assert_eq!(store.execute(&[daemon]).finished.len(), 1);
    assert!(!alive("daemon"));
    // The same at a limit, and with memory that only it has.
    store.options.time = Some(Duration::from_millis(800));
    let late = start(Way::LateDaemon, "late");
    assert_eq!(store.execute(std::slice::from_ref(&late)).failed.len(), 1);
    assert_eq!(store.error(&late), "took longer than 0.8 s");
    assert!(!alive("late"));
    store.options.time = None;
    store.options.memory = Some(300 << 20);
    let hog = start(Way::HogByDaemon, "hog");
    assert_eq!(store.execute(std::slice::from_ref(&hog)).failed.len(), 1);
    assert!(store.error(&hog).ends_with("the limit is 300 MiB"), "{}", store.error(&hog));
    assert!(!alive("hog"));
    // And of threads, where it is known by its environment.
    store.options.in_process = true;
    let shared = start(Way::Daemon, "shared");
    assert_eq!(store.execute(&[shared]).finished.len(), 1);
    assert!(!alive("shared"));
}

#[test]
fn the_folder_of_a_killed_worker_is_removed() {
    let mut store = Store::new();
    store.options.time = Some(Duration::from_millis(500));
    let gate = store.path("folder");
    let all = [run(&Params { way: Way::Litter, number: 0, gate: Some(gate.clone()) })];
    assert_eq!(store.execute(&all).failed.len(), 1);
    let folder = PathBuf::from(fs::read_to_string(gate).unwrap());
    assert!(!folder.exists() && !folder.parent().unwrap().exists(), "{}", folder.display());
}

/// Runs that read a file, which is as it was planned or not.
fn reading(store: &Store, way: Way, count: u64, planned: &str) -> Vec<journal::RunSpec> {
    let file = store.path("code");
    let name = format!("file:{}", file.display());
    let gate = Some(store.path("gate"));
    let spec = |number| {
        let mut spec = run(&Params { way, number, gate: gate.clone() });
        spec.data = [(name.clone(), planned.to_owned())].into();
        spec
    };
    (0..count).map(spec).collect()
}

#[test]
fn runs_of_a_file_that_changed_are_not_executed_and_others_are() {
    let store = Store::new();
    fs::write(store.path("code"), "new").unwrap();
    let old = reading(&store, Way::Succeed, 40, "old");
    let mut all = old.clone();
    all.extend(runs(Way::Fail, 2));
    all.extend(runs(Way::Panic, 1));
    let (summary, notices) = store.execute_with(&all, &Stop::new(), |_| {});
    let summary = summary.unwrap();
    assert_eq!((summary.interrupted.len(), summary.failed.len()), (40, 3));
    let whys: Vec<&String> = notices
        .iter()
        .filter_map(|notice| match notice {
            Notice::Outdated { why } => Some(why),
            _ => None,
        })
        .collect();
    assert_eq!(whys.len(), 1);
    assert!(whys[0].ends_with("code changed since the sweep was planned"), "{}", whys[0]);
    // Once it is known, no more of them are begun.
    assert!(Store::started(&notices) <= 2 + 3, "{}", Store::started(&notices));
    let fold = store.fold();
    assert!(
        old.iter().all(|spec| fold.runs.get(&spec.run).is_none_or(|run| run.results().is_empty()))
    );
    fs::write(store.path("code"), "old").unwrap();
    assert_eq!(store.execute(&old).finished.len(), 40);
}

#[test]
fn a_change_under_way_is_told_while_it_can_be_undone() {
    let store = Store::new();
    fs::write(store.path("code"), "old").unwrap();
    let all = reading(&store, Way::Count, 1, "old");
    let (code, gate) = (store.path("code"), store.path("gate"));
    let (summary, notices) = store.execute_with(&all, &Stop::new(), |notice| match notice {
        Notice::Progress { done: 5, .. } if !gate.exists() => fs::write(&code, "new").unwrap(),
        Notice::Changing { .. } => {
            fs::write(&code, "old").unwrap();
            fs::write(&gate, "").unwrap();
        }
        _ => {}
    });
    assert_eq!(summary.unwrap().finished.len(), 1);
    let told = |notice: &&Notice| matches!(notice, Notice::Changing { .. });
    assert_eq!(notices.iter().filter(told).count(), 1);
}

#[test]
fn a_run_whose_file_changes_under_way_does_not_count() {
    for saved in [false, true] {
        let mut store = Store::new();
        if !saved {
            store.options.checkpoint_every = Duration::from_secs(600);
        }
        fs::write(store.path("code"), "old").unwrap();
        let all = reading(&store, Way::Count, 2, "old");
        let (code, gate) = (store.path("code"), store.path("gate"));
        // Both begin before the file changes.
        let mut waiting = 0;
        let (summary, _) = store.execute_with(&all, &Stop::new(), |notice| {
            waiting += usize::from(matches!(notice, Notice::Progress { .. }));
            if waiting == 2 {
                fs::write(&code, "new").unwrap();
                fs::write(&gate, "").unwrap();
            }
        });
        assert_eq!(summary.unwrap().interrupted.len(), 2);
        let state = store.fold().runs[&all[0].run].clone();
        assert!(state.attempts[0].is_outdated());
        assert!(state.metrics().unwrap().is_empty() && state.results().is_empty());
        fs::write(store.path("code"), "old").unwrap();
        assert_eq!(store.execute(&all).finished.len(), 2);
        // A checkpoint is of the planned code, or there is none.
        let (fold, calm) = (store.fold(), Store::new());
        let state = &fold.runs[&all[0].run];
        assert_eq!(state.counted().unwrap().resumed.is_some(), saved);
        calm.execute(&all);
        assert_eq!(outcome(state), outcome(&calm.fold().runs[&all[0].run]));
    }
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
    assert_eq!(error, format!("worker {} was killed by SIGKILL", workers[&all[3].run]));
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
    assert_eq!(store.error(&sleeper[0]), "took longer than 0.3 s");

    store.options.time = None;
    store.options.memory = Some(200 << 20);
    let hog = runs(Way::Hog, 1);
    assert_eq!(store.execute(&hog).failed, [hog[0].run]);
    let error = store.error(&hog[0]);
    assert!(error.starts_with("used ") && error.ends_with(" MiB; the limit is 200 MiB"), "{error}");
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
        "MiB; the limit is 300 MiB",
        "MiB; the limit is 300 MiB",
        "printed more than 8 MiB",
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
fn a_program_that_crashes_is_a_crash_of_its_run() {
    let mut store = Store::new();
    store.options.retry = Retry { crash: 2, ..Retry::default() };
    let all = runs(Way::ProgramCrash, 1);
    assert_eq!(store.execute(&all).failed.len(), 1);
    let fold = store.fold();
    let attempts = &fold.runs[&all[0].run].attempts;
    assert_eq!((attempts.len(), attempts[2].cause()), (3, Some(Cause::Crash)));
    assert_eq!(store.error(&all[0]), "toy was killed by SIGSEGV: nothing more");
}

#[test]
fn trouble_of_the_machine_is_an_error_and_no_failed_run() {
    let store = Store::new();
    let all = runs(Way::Machine, 3);
    let error = store.execute_with(&all, &Stop::new(), |_| {}).0.unwrap_err();
    assert!(
        error.to_string().ends_with("cannot go on: temporary folder /x: entity not found"),
        "{error}"
    );
    assert_eq!(count(&store.fold(), Status::Failed), 0);
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
fn runs_of_other_versions_are_refused_and_none_fails() {
    let store = Store::new();
    let error = |change: &dyn Fn(&mut RunSpec)| {
        let mut other = run(&Params::default());
        change(&mut other);
        let (done, notices) = store.execute_with(&[other], &Stop::new(), |_| {});
        assert!(notices.is_empty());
        done.unwrap_err().to_string()
    };
    let said = error(&|run| run.experiment_version = 9);
    assert!(said.starts_with("this sweep was planned with toy version 9 (here 1)"), "{said}");
    let said = error(&|run| run.experiment = "game".into());
    assert!(said.contains("game version 1 (here none)"), "{said}");
    let said = error(&|run| run.engine = Some(3));
    assert!(said.contains("engine 3 (here 4)"), "{said}");
    assert!(store.fold().runs.is_empty());
}

#[test]
fn a_worker_of_another_version_fails_no_run() {
    let mut store = Store::new();
    store.options.worker = myself("newer_worker_process");
    let all = runs(Way::Succeed, 3);
    let said = store.execute_with(&all, &Stop::new(), |_| {}).0.unwrap_err().to_string();
    assert!(said.contains("engine 4 (here 5), toy version 1 (here 2)"), "{said}");
    let states: Vec<_> = store.fold().runs.values().map(journal::RunState::status).collect();
    assert!(states.iter().all(|status| *status == Status::Running), "{states:?}");
    store.options.worker = myself("worker_process");
    assert_eq!(store.execute(&all).finished.len(), 3);
}

#[test]
fn a_plan_that_another_version_froze_is_left_to_it() {
    let store = Store::new();
    let all = runs(Way::Succeed, 3);
    let stop = Stop::new();
    let (summary, _) = store.execute_with(&all, &stop, |notice| {
        if matches!(notice, Notice::WorkerStarted { .. }) {
            stop.soft();
        }
    });
    assert!(!summary.unwrap().interrupted.is_empty());
    let plan = fs::read_dir(store.options.store.join("plans")).unwrap().next().unwrap();
    let plan = plan.unwrap().path();
    let text = fs::read_to_string(&plan).unwrap();
    let other = text.replace("\"journal\":1", "\"journal\":2");
    assert_ne!(other, text);
    fs::write(&plan, &other).unwrap();
    let said = store.execute_with(&all, &Stop::new(), |_| {}).0.unwrap_err().to_string();
    assert!(said.contains("was planned with journal format 2 (here 1)"), "{said}");
    assert!(said.contains(plan.to_str().unwrap()), "{said}");
    assert_eq!(fs::read_to_string(&plan).unwrap(), other);
    fs::write(&plan, text).unwrap();
    let summary = store.execute(&all);
    assert_eq!(summary.finished.len() + summary.skipped.len(), 3);
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
