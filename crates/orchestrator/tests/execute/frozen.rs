//! A frozen sweep, executed by several calls that know nothing else.

use std::path::Path;

use orchestrator::execute::{Frozen, Rerun, Stop, execute};

use crate::store::{Store, entries, options, runs};
use crate::toy::Way;

/// Freezes a sweep of a store and reads it back.
fn frozen(store: &Store, rerun: Rerun, workers: usize) -> Frozen {
    let options = orchestrator::execute::Options { rerun, ..store.options.clone() };
    let sweep = ("sweep", Path::new("/"));
    let frozen = Frozen::new(sweep, runs(Way::Succeed, 12), &options, workers).unwrap();
    let path = store.path(&format!("{rerun:?}.json"));
    frozen.write(&path).unwrap();
    let read = Frozen::read(&path).unwrap();
    assert_eq!(read, frozen);
    read
}

/// Executes it as one of its calls; how many attempts that took.
fn join(store: &Store, frozen: &Frozen) -> usize {
    let usual = options(&store.options.store);
    let options = frozen.options(&usual.store, (1, usual.engine), usual.worker, usual.opened);
    let mut notices = Vec::new();
    let mut observer = |notice: &_| notices.push(Clone::clone(notice));
    execute(&frozen.runs, &options, &entries(), &mut observer, &Stop::new()).unwrap();
    Store::started(&notices)
}

#[test]
fn whoever_comes_late_executes_nothing_again_although_all_are_wanted_again() {
    let store = Store::new();
    let first = frozen(&store, Rerun::Unfinished, 4);
    assert_eq!(first.standing(&store.fold()).unwrap().left, 12);
    assert_eq!((join(&store, &first), join(&store, &first)), (12, 0));
    let again = frozen(&store, Rerun::All, 4);
    assert_eq!(again.standing(&store.fold()).unwrap().left, 12);
    assert_eq!((join(&store, &again), join(&store, &again)), (12, 0));
    let standing = again.standing(&store.fold()).unwrap();
    assert_eq!((standing.left, standing.summary.finished.len()), (0, 12));
    // By the earlier sweep, all of it was done by itself; by a new one, before.
    let new = frozen(&store, Rerun::Failed, 4).standing(&store.fold()).unwrap();
    assert_eq!((new.left, new.summary.skipped.len()), (0, 12));
}

#[test]
fn chunks_are_cut_for_the_workers_of_all_calls() {
    let store = Store::new();
    join(&store, &frozen(&store, Rerun::Unfinished, 12));
    let plans = std::fs::read_dir(store.options.store.join("plans")).unwrap();
    let plan = std::fs::read_to_string(plans.map(|entry| entry.unwrap().path()).next().unwrap());
    let plan: serde_json::Value = serde_json::from_str(&plan.unwrap()).unwrap();
    assert_eq!(plan["chunks"], serde_json::json!([1u8; 12].to_vec()));
}
