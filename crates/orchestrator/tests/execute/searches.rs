//! Searches: who pauses, who goes on, and that it leaves no trace in results.

use experiment::{Better, RunId};
use journal::{Outcome, RunSpec, Status};
use orchestrator::config::Search;
use orchestrator::execute::{Notice, Options, Rerun, Stop};

use crate::store::{Store, outcome, run};
use crate::toy::{Params, Way};

/// Runs whose metric `sum` at each of steps 0 to 9 depends on their number alone.
fn trials(count: u64) -> Vec<RunSpec> {
    (0..count).map(|number| run(&Params { way: Way::Climb, number, gate: None })).collect()
}

fn search(factor: u64) -> Option<Search> {
    let (metric, goal) = ("sum".into(), Better::Higher);
    Some(Search { metric, goal, first: 1, factor, rungs: 3, asynchronous: false })
}

fn finished(store: &Store, all: &[RunSpec]) -> Vec<usize> {
    let fold = store.fold();
    let done = |at: &usize| fold.runs[&all[*at].run].status() == Status::Finished;
    (0..all.len()).filter(done).collect()
}

/// Rungs that each run came to.
fn rungs(store: &Store, run: RunId) -> Vec<u64> {
    let fold = store.fold();
    let ends = fold.runs[&run].attempts.iter().filter_map(|attempt| attempt.ended.as_ref());
    ends.filter_map(|ended| match ended.outcome {
        Outcome::Paused { step, .. } => Some(step),
        _ => None,
    })
    .collect()
}

fn a_search_ends_with_the_best(change: impl Fn(&mut Options)) {
    let mut store = Store::new();
    store.options.search = search(3);
    change(&mut store.options);
    // The best one first, so that few go on that turn out not to be among the best.
    let all: Vec<_> = trials(27).into_iter().rev().collect();
    let summary = store.execute(&all);
    assert!(summary.finished.contains(&all[0].run), "{summary:?}");
    assert!((3..=9).contains(&summary.finished.len()), "{summary:?}");
    assert_eq!(summary.finished.len() + summary.pruned.len(), 27, "{summary:?}");
    // Step 9 is its last one.
    assert_eq!(rungs(&store, all[0].run), [1, 3]);
    assert!(all[..9].iter().all(|run| rungs(&store, run.run).len() >= 2));
    // All over: nothing starts again.
    let (again, notices) = store.execute_with(&all, &Stop::new(), |_| {});
    assert_eq!(Store::started(&notices), 0);
    assert_eq!(again.unwrap().pruned, summary.pruned);
}

#[test]
fn the_best_of_a_search_come_to_their_end_in_processes() {
    a_search_ends_with_the_best(|_| {});
}

#[test]
fn the_best_of_a_search_come_to_their_end_in_threads() {
    a_search_ends_with_the_best(|options| options.in_process = true);
}

#[test]
fn a_run_that_paused_ends_as_if_it_had_not() {
    let mut store = Store::new();
    (store.options.search, store.options.in_process) = (search(2), true);
    let all = trials(4);
    store.execute(&all);
    let (found, calm) = (store.fold(), Store::new());
    let best = &all[3].run;
    assert!(found.runs[best].attempts.len() > 1);
    calm.execute(&all);
    assert_eq!(outcome(&found.runs[best]), outcome(&calm.fold().runs[best]));
}

#[test]
fn without_the_search_everybody_goes_on_from_where_they_rest() {
    let mut store = Store::new();
    (store.options.search, store.options.in_process) = (search(3), true);
    let all = trials(9);
    let summary = store.execute(&all);
    assert!(!summary.pruned.is_empty());
    let before = finished(&store, &all).len();
    store.options.search = None;
    let (summary, notices) = store.execute_with(&all, &Stop::new(), |_| {});
    let summary = summary.unwrap();
    assert_eq!((summary.skipped.len(), summary.finished.len()), (before, 9 - before));
    assert_eq!(Store::started(&notices), 9 - before);
    let fold = store.fold();
    assert!(all.iter().all(|run| {
        let state = &fold.runs[&run.run];
        state.attempts.len() == 1 || state.counted().unwrap().resumed.is_some()
    }));
}

#[test]
fn a_search_that_was_stopped_goes_on() {
    let mut store = Store::new();
    (store.options.search, store.options.in_process) = (search(3), true);
    store.options.jobs = 1;
    let all = trials(9);
    let stop = Stop::new();
    let mut ended = 0;
    let (summary, _) = store.execute_with(&all, &stop, |notice| {
        ended += usize::from(matches!(notice, Notice::Ended { .. }));
        if ended == 5 {
            stop.soft();
        }
    });
    assert!(summary.unwrap().finished.is_empty());
    let summary = store.execute(&all);
    assert!(summary.finished.contains(&all[8].run), "{summary:?}");
    assert_eq!(summary.finished.len() + summary.pruned.len(), 9, "{summary:?}");
    let fold = store.fold();
    let first_rung = |run: &RunSpec| {
        let attempts = fold.runs[&run.run].attempts.iter();
        attempts
            .filter(|a| {
                matches!(a.ended.as_ref().unwrap().outcome, Outcome::Paused { step: 1, .. })
            })
            .count()
    };
    assert!(all.iter().all(|run| first_rung(run) == 1));
}

#[test]
fn fewer_trials_than_the_factor_end_with_a_result() {
    let mut store = Store::new();
    (store.options.search, store.options.in_process) = (search(4), true);
    let all = trials(2);
    let summary = store.execute(&all);
    assert_eq!(
        (summary.finished.as_slice(), summary.pruned.as_slice()),
        ([all[1].run].as_slice(), [all[0].run].as_slice())
    );
}

#[test]
fn a_search_that_is_forced_begins_anew() {
    let mut store = Store::new();
    (store.options.search, store.options.in_process) = (search(3), true);
    let all = trials(3);
    assert_eq!(store.execute(&all).finished, [all[2].run]);
    store.options.rerun = Rerun::All;
    let (summary, notices) = store.execute_with(&all, &Stop::new(), |_| {});
    assert!(summary.unwrap().finished.contains(&all[2].run));
    // Three to the first rung, and the best over the second one to its end.
    assert_eq!(Store::started(&notices), 5);
}

#[test]
fn two_drivers_share_a_search() {
    let mut store = Store::new();
    store.options.search = search(3);
    store.options.in_process = true;
    store.options.jobs = 1;
    let all = trials(27);
    std::thread::scope(|scope| {
        let drivers: Vec<_> = (0..2).map(|_| scope.spawn(|| store.execute(&all))).collect();
        for driver in drivers {
            let summary = driver.join().unwrap();
            assert!(summary.finished.contains(&all[26].run), "{summary:?}");
        }
    });
    let fold = store.fold();
    for spec in &all {
        let mut seen: Vec<u64> = rungs(&store, spec.run);
        let before = seen.len();
        seen.dedup();
        assert_eq!(seen.len(), before, "a rung of {} was climbed twice", spec.run);
        let state = &fold.runs[&spec.run];
        assert!(matches!(state.status(), Status::Finished | Status::Pruned), "{state:?}");
    }
    assert!(all[18..].iter().all(|run| rungs(&store, run.run).len() >= 2));
}

/// What every run came to.
fn outcomes(store: &Store, all: &[RunSpec]) -> Vec<impl PartialEq + std::fmt::Debug + use<>> {
    let fold = store.fold();
    all.iter().map(|spec| outcome(&fold.runs[&spec.run])).collect()
}

#[test]
fn who_goes_on_does_not_depend_on_workers_or_stops() {
    // The best ones neither first nor last.
    let all: Vec<_> = (0..27).map(|at| trials(27)[at * 7 % 27].clone()).collect();
    let ended = |jobs: usize, stop_after: Option<usize>| {
        let mut store = Store::new();
        (store.options.search, store.options.in_process) = (search(3), true);
        store.options.jobs = jobs;
        if let Some(ends) = stop_after {
            let (stop, mut ended) = (Stop::new(), 0);
            let (summary, _) = store.execute_with(&all, &stop, |notice| {
                ended += usize::from(matches!(notice, Notice::Ended { .. }));
                if ended == ends {
                    stop.soft();
                }
            });
            summary.unwrap();
        }
        let summary = store.execute(&all);
        assert_eq!((summary.finished.len(), summary.pruned.len()), (3, 24), "{summary:?}");
        store
    };
    let alone = ended(1, None);
    assert_eq!(finished(&alone, &all).len(), 3);
    for (jobs, stop) in [(3, None), (3, Some(11)), (2, Some(31)), (1, Some(36))] {
        assert_eq!(outcomes(&ended(jobs, stop), &all), outcomes(&alone, &all), "{jobs}, {stop:?}");
    }
}

#[test]
fn a_failed_trial_holds_up_no_rung() {
    let mut store = Store::new();
    (store.options.search, store.options.in_process) = (search(2), true);
    let mut all = trials(4);
    all.push(run(&Params { way: Way::Fail, number: 9, gate: None }));
    let summary = store.execute(&all);
    assert_eq!(summary.failed, [all[4].run]);
    // Two of four, and of these the better one.
    assert_eq!(rungs(&store, all[2].run), [1, 2]);
    assert_eq!(summary.finished, [all[3].run]);
}

#[test]
fn a_blocked_trial_holds_up_no_rung() {
    let mut store = Store::new();
    store.options.search = search(3);
    let broken = run(&Params { way: Way::Fail, number: 0, gate: None });
    store.execute(std::slice::from_ref(&broken));
    let mut all = trials(9);
    all[0].needs = [("base".to_owned(), broken.run)].into();
    let summary = store.execute(&all);
    assert_eq!(summary.blocked, [all[0].run]);
    assert!(summary.finished.contains(&all[8].run), "{summary:?}");
    assert!(summary.interrupted.is_empty(), "{summary:?}");
}

/// Takes the last frame off the journal of every worker.
fn forget_the_end(store: &Store) {
    for entry in std::fs::read_dir(store.options.store.join("journal")).unwrap() {
        let path = entry.unwrap().path();
        if path.to_str().unwrap().contains("-w") {
            let bytes = std::fs::read(&path).unwrap();
            let last = bytes.windows(4).rposition(|window| window == b"\xF7rgF").unwrap();
            std::fs::write(&path, &bytes[..last]).unwrap();
        }
    }
}

/// A worker is killed at a rung, after its checkpoint and before the end of its attempt is recorded.
#[test]
fn a_run_that_came_to_its_rung_goes_no_further_although_its_worker_was_killed_there() {
    let all = trials(1);
    let stopped = || {
        let mut store = Store::new();
        (store.options.search, store.options.jobs) = (search(2), 1);
        let stop = Stop::new();
        let (summary, _) = store.execute_with(&all, &stop, |notice| {
            if matches!(notice, Notice::Ended { .. }) {
                stop.soft();
            }
        });
        summary.unwrap();
        store
    };
    let (calm, killed) = (stopped(), stopped());
    forget_the_end(&killed);
    assert!(rungs(&killed, all[0].run).is_empty());
    for store in [&calm, &killed] {
        store.execute(&all);
        assert_eq!(rungs(store, all[0].run), [1, 2, 4]);
    }
    assert_eq!(outcomes(&killed, &all), outcomes(&calm, &all));
}

#[test]
fn an_asynchronous_search_lets_runs_go_on_at_once() {
    let mut store = Store::new();
    let policy = search(3).map(|search| Search { asynchronous: true, ..search });
    (store.options.search, store.options.in_process, store.options.jobs) = (policy, true, 1);
    let all: Vec<_> = trials(9).into_iter().rev().collect();
    let mut order = Vec::new();
    let (summary, _) = store.execute_with(&all, &Stop::new(), |notice| {
        if let Notice::Started { run, .. } = notice {
            order.push(*run);
        }
    });
    assert!(summary.unwrap().finished.contains(&all[0].run));
    // The best of the first three goes on before the fourth begins.
    assert_eq!(order[3], all[0].run);
}
