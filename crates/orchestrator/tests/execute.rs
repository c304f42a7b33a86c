//! Runs executed end to end by real worker processes: this binary, started again.

#[path = "execute/disks.rs"]
mod disks;
#[path = "execute/drivers.rs"]
mod drivers;
#[path = "execute/endings.rs"]
mod endings;
#[path = "execute/frozen.rs"]
mod frozen;
#[path = "execute/needs.rs"]
mod needs;
#[path = "execute/searches.rs"]
mod searches;
#[path = "execute/stops.rs"]
mod stops;
#[path = "execute/store.rs"]
mod store;
#[path = "execute/toy.rs"]
mod toy;

/// Not a test of its own: a worker of a program that was replaced while its driver runs.
#[test]
fn newer_worker_process() {
    if std::env::var(store::ROLE).is_ok_and(|role| role == "newer_worker_process") {
        let mut entries = store::entries();
        entries[0].version += 1;
        // The driver is told; what else goes wrong does so too late for anybody to hear.
        let _ = orchestrator::execute::serve(&entries, Some(5));
    }
}

/// Not a test of its own: the body of the worker processes that the tests start.
#[test]
fn worker_process() {
    if std::env::var(store::ROLE).is_ok_and(|role| role == "worker_process") {
        orchestrator::execute::serve(&store::entries(), None).unwrap();
    }
}
