//! `regimen compact` keeps what a store says, even while drivers write.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use super::{assert_code, regimen, root, run, stderr, stdout};

const CONFIG: &str = "\
name: hills
experiment: descent
params: { function: rosenbrock, steps: 20000, record_every: 100 }
sweep: { grid: { learning_rate: [0.0001, 0.0002, 0.0003], noise: [0.0, 0.01] }, seeds: 4 }
";

fn segments(store: &Path) -> usize {
    let entries = fs::read_dir(store.join("journal")).unwrap();
    entries
        .filter(|e| e.as_ref().unwrap().path().extension().is_some_and(|x| x == "journal"))
        .count()
}

fn config(dir: &Path) -> String {
    let path = dir.join("hills.yaml");
    fs::write(&path, CONFIG).unwrap();
    path.to_str().unwrap().to_owned()
}

fn command(name: &str, store: &Path) -> std::process::Output {
    regimen().args([name, "--results"]).arg(store).output().unwrap()
}

#[test]
fn a_compacted_store_says_the_same_in_one_segment() {
    let dir = TempDir::new().unwrap();
    let (config, store) = (config(dir.path()), dir.path().join("store"));
    for part in ["seed < 2", "seed >= 2"] {
        assert_code(&run(&config, &store, &["--only", part, "-j", "2"]), 0);
    }
    let whole = dir.path().join("whole");
    assert_code(&run(&config, &whole, &[]), 0);
    assert!(segments(&store) > 2);
    assert_code(&command("compact", &store), 0);
    assert_eq!(segments(&store), 1);

    let again = run(&config, &store, &[]);
    assert_code(&again, 0);
    assert!(stderr(&again).contains("24 were finished before"), "{}", stderr(&again));
    fs::remove_dir_all(store.join("tables")).unwrap();
    assert_code(&run(&config, &store, &[]), 0);
    let same = regimen()
        .args(["compare", "--exact", "--results"])
        .arg(&store)
        .arg("--against")
        .arg(&whole)
        .output()
        .unwrap();
    assert_code(&same, 0);
    assert!(stderr(&command("compact", &store)).contains("nothing to compact"));
}

fn start(config: &str, store: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_regimen"))
        .current_dir(root())
        .args(["run", config, "-j", "2", "-s", "params.steps=1600000", "--results"])
        .arg(store)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn others_look_and_compact_while_a_driver_writes() {
    let dir = TempDir::new().unwrap();
    let (config, store) = (config(dir.path()), dir.path().join("store"));
    // Something to compact, of drivers that are gone.
    for seed in 0..3 {
        let only = format!("seed == {seed} and noise == 0");
        let more = ["--only", &only, "-s", "params.steps=1600000"];
        assert_code(&run(&config, &store, &more), 0);
    }
    let before = segments(&store);
    let mut driver = start(&config, &store);
    let mut live = false;
    while driver.try_wait().unwrap().is_none() {
        let compacted = command("compact", &store);
        assert_code(&compacted, 0);
        let status = command("status", &store);
        assert_code(&status, 0);
        live |= stdout(&status).contains("attempt 1");
        sleep(Duration::from_millis(20));
    }
    assert!(driver.wait().unwrap().success());
    assert!(live, "no run was seen under way");
    assert_code(&command("compact", &store), 0);
    assert!(segments(&store) < before);

    let whole = dir.path().join("whole");
    assert!(start(&config, &whole).wait().unwrap().success());
    let differences = tables::exact(&store, &whole, &tables::Scope::default()).unwrap();
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn there_must_be_a_store() {
    let dir = TempDir::new().unwrap();
    let missing = command("compact", &dir.path().join("no-store"));
    assert_code(&missing, 2);
    assert!(stderr(&missing).contains("wanted a folder, found nothing"), "{}", stderr(&missing));
}
