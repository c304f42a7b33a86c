//! A sweep of pictures whose driver and worker are killed inside its cells.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use journal::{Fold, Status};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{assert_code, regimen};

const KILLS: usize = 5;

/// Two cells of figure 3 on an untrained network, whose pictures the tool `surface` drew.
fn sweep(folder: &Path) -> PathBuf {
    for (function, name) in [("rastrigin", "content.png"), ("rosenbrock", "style.png")] {
        let mut surface = regimen();
        surface.current_dir(folder).args(["descent", "surface", function, "--side", "96", "-o"]);
        assert_code(&surface.arg(name).output().unwrap(), 0);
    }
    let text = format!(
        "name: cells\nexperiment: style\nparams:\n  content: {folder}/content.png\n  \
         style: [{folder}/style.png]\n  content_layers: [conv2_2]\n  weights: untrained\n  normalise: leaves\n  size: 96\n  \
         evaluations: 60\nsweep:\n  grid:\n    style_layers: [[conv1_1], [conv1_1, conv2_1]]\n",
        folder = folder.display()
    );
    let path = folder.join("cells.yaml");
    fs::write(&path, text).unwrap();
    path
}

fn start(config: &Path, store: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_regimen"))
        .env_remove("RUST_LOG")
        .arg("run")
        .arg(config)
        .args(["-j", "1", "--checkpoint-every", "0", "--retry-failed", "--results"])
        .arg(store)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The attempts that left a checkpoint, by their folders, with the number of the newest.
fn checkpoints(store: &Path) -> Vec<(PathBuf, u32)> {
    let folders =
        |path: PathBuf| fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path());
    let number = |attempt: PathBuf| {
        // Magic and attempt, then the number.
        let mut head = [0; 16];
        File::open(attempt.join("checkpoint")).ok()?.read_exact(&mut head).ok()?;
        let number = head[12..].try_into().ok()?;
        Some((attempt, u32::from_le_bytes(number)))
    };
    folders(store.join("attempts")).flat_map(folders).filter_map(number).collect()
}

/// Waits until an attempt that left none before has left `wanted` checkpoints.
fn wait(store: &Path, before: &BTreeSet<PathBuf>, wanted: u32) {
    for _ in 0..60_000 {
        let new =
            |(attempt, number): &(PathBuf, u32)| !before.contains(attempt) && *number >= wanted;
        if checkpoints(store).iter().any(new) {
            return;
        }
        sleep(Duration::from_millis(5));
    }
    panic!("within five minutes no attempt left {wanted} checkpoints");
}

/// Kills the driver, and the workers that its store tells of and that are its children.
fn kill(driver: &mut Child, store: &Path) {
    let fold = Fold::read(&store.join("journal")).unwrap();
    let own = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1));
        parent == Some(&*driver.id().to_string())
    };
    let workers: Vec<u32> = fold.writers.values().map(|writer| writer.pid).filter(own).collect();
    assert!(!workers.is_empty(), "no worker is at it");
    for pid in workers {
        let pid = Pid::from_raw(pid.cast_signed()).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
    }
    driver.kill().unwrap();
    driver.wait().unwrap();
}

/// The pictures of a store, by run.
fn pictures(store: &Path) -> Vec<(String, Vec<u8>)> {
    let fold = Fold::read(&store.join("journal")).unwrap();
    let read = |run| fs::read(store.join(format!("artifacts/{run}/picture.png"))).unwrap();
    fold.runs.keys().map(|run| (run.to_string(), read(run))).collect()
}

#[test]
fn cells_that_are_killed_go_on_to_the_same_pictures() {
    let dir = TempDir::new().unwrap();
    let config = sweep(dir.path());
    let (store, calm) = (dir.path().join("store"), dir.path().join("calm"));
    // Four kills in the first cell, which has 60 evaluations, and one in the second.
    for wanted in (3..).step_by(5).take(KILLS) {
        let before = checkpoints(&store).into_iter().map(|(attempt, _)| attempt).collect();
        let mut driver = start(&config, &store);
        wait(&store, &before, wanted);
        kill(&mut driver, &store);
    }
    assert!(start(&config, &store).wait().unwrap().success());
    assert!(start(&config, &calm).wait().unwrap().success());
    let fold = Fold::read(&store.join("journal")).unwrap();
    let attempts = || fold.runs.values().flat_map(|run| &run.attempts);
    assert_eq!(attempts().filter(|attempt| attempt.status() == Status::Finished).count(), 2);
    let resumed = attempts().filter(|attempt| attempt.resumed.is_some()).count();
    assert_eq!(resumed, KILLS, "every killed cell went on from its checkpoint");
    let differences = tables::exact(&store, &calm, &tables::Scope::default()).unwrap();
    assert!(differences.is_empty(), "{differences}");
    assert!(pictures(&store) == pictures(&calm), "the pictures differ");
}
