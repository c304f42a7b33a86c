//! What a killed worker or driver costs, and how the next call continues.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use journal::{Fold, Status};
use tempfile::TempDir;

use super::root;

/// Long enough runs that one can be caught in the middle.
fn start(store: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_regimen"))
        .current_dir(root())
        .args(["run", "configs/quickstart.yaml", "-j", "2", "-s", "params.epochs=400"])
        .args(["-s", "sweep.grid.regime=[1]", "-s", "sweep.seeds=1", "--results"])
        .arg(store)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn fold(store: &Path) -> Fold {
    Fold::read(&store.join("journal")).unwrap()
}

/// Waits until a worker of the store is in the middle of a run, and gives its process id.
fn busy_worker(store: &Path) -> u32 {
    for _ in 0..3000 {
        let fold = fold(store);
        for run in fold.runs.values() {
            for attempt in &run.attempts {
                if attempt.status() == Status::Running
                    && let Some(opened) = fold.writers.get(&*attempt.writer)
                {
                    return opened.pid;
                }
            }
        }
        sleep(Duration::from_millis(10));
    }
    panic!("no worker began a run");
}

fn kill(pid: u32) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_killed_worker_costs_its_run_and_no_other() {
    let dir = TempDir::new().unwrap();
    let store = dir.path().join("store");
    let mut driver = start(&store);
    kill(busy_worker(&store));
    assert_eq!(driver.wait().unwrap().code(), Some(1));

    let fold = fold(&store);
    let failed: Vec<_> = fold.runs.values().filter(|run| run.status() == Status::Failed).collect();
    assert_eq!((fold.runs.len(), failed.len()), (4, 1));
    assert!(
        failed[0].error().unwrap().contains("was killed by SIGKILL"),
        "{:?}",
        failed[0].error()
    );
    let runs = tables::Runs::read(&store, "dialog").unwrap();
    let statuses: Vec<String> =
        runs.cells("status").unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(statuses.iter().filter(|status| *status == "finished").count(), 3);
    assert_eq!(statuses.iter().filter(|status| *status == "failed").count(), 1);
}

#[test]
fn a_killed_driver_is_gone_on_with() {
    let dir = TempDir::new().unwrap();
    let (store, whole) = (dir.path().join("store"), dir.path().join("whole"));
    let mut driver = start(&store);
    busy_worker(&store);
    driver.kill().unwrap();
    driver.wait().unwrap();
    assert!(start(&store).wait().unwrap().success());
    assert!(start(&whole).wait().unwrap().success());
    let differences = tables::exact(&store, &whole, &tables::Scope::default()).unwrap();
    assert!(differences.is_empty(), "{differences}");
    assert!(fs::read_dir(store.join("tables")).unwrap().count() > 0);
}
