//! Damaged tables are rebuilt from the journal, and files that are no segments are left aside.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{assert_code, regimen, run, stderr, stdout};

const CONFIG: &str = "\
name: hills
experiment: descent
params: { steps: 20 }
sweep: { grid: { learning_rate: [0.1, 0.2] }, seeds: 3 }
table: { rows: learning_rate, value: value }
";

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    let at = at % bytes.len();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_table_is_made_again_and_never_read_as_other_numbers() {
    let dir = TempDir::new().unwrap();
    let (config, store) = (dir.path().join("it.yaml"), dir.path().join("store"));
    fs::write(&config, CONFIG).unwrap();
    let config = config.to_str().unwrap();
    let first = run(config, &store, &["--in-process"]);
    assert_code(&first, 0);
    let table = stdout(&first);
    let runs = store.join("tables/descent/runs.parquet");
    let metrics = store.join("tables/descent/metrics/part-0000.parquet");
    let command = |words: &[&str]| {
        let output = regimen().args(words).arg("--results").arg(&store).output().unwrap();
        assert_code(&output, 0);
        output
    };
    for at in [10, 1000, 2345, 100_000] {
        flip(&runs, at);
        let again = command(&["compare", config]);
        assert_eq!(stdout(&again), table, "byte {at}");
        assert!(stderr(&again).contains("runs.parquet is damaged"), "{}", stderr(&again));
        let sound = command(&["compare", config]);
        assert_eq!((stdout(&sound), stderr(&sound)), (table.clone(), String::new()));
    }
    flip(&runs, 77);
    let again = run(config, &store, &[]);
    assert_code(&again, 0);
    assert_eq!(stdout(&again), table);

    let whole = fs::read(&runs).unwrap();
    fs::write(&runs, &whole[..whole.len() - 100]).unwrap();
    assert_eq!(stdout(&run(config, &store, &[])), table, "a table that was cut off");
    assert_eq!(fs::read(&runs).unwrap().len(), whole.len());

    flip(&metrics, 500);
    let page = dir.path().join("page.html");
    let reported = command(&["report", config, "-o", page.to_str().unwrap()]);
    assert!(stderr(&reported).contains("part-0000.parquet is damaged"), "{}", stderr(&reported));

    // Without journals there is nothing to make it from.
    let copy = dir.path().join("copy");
    fs::create_dir(&copy).unwrap();
    fs::rename(store.join("tables"), copy.join("tables")).unwrap();
    flip(&copy.join("tables/descent/runs.parquet"), 77);
    let lost = regimen().args(["compare", config, "--results"]).arg(&copy).output().unwrap();
    assert_code(&lost, 2);
    let message = stderr(&lost);
    assert!(message.contains("there is no journal to make a damaged table from"), "{message}");
}

#[test]
fn what_is_no_segment_is_said_and_left_aside() {
    let dir = TempDir::new().unwrap();
    let (config, store) = (dir.path().join("it.yaml"), dir.path().join("store"));
    fs::write(&config, CONFIG).unwrap();
    let config = config.to_str().unwrap();
    let table = stdout(&run(config, &store, &["--in-process"]));
    let stray = store.join("journal/stray.journal");
    assert!(Command::new("mkfifo").arg(&stray).status().unwrap().success());
    let ask = |words: &[&str]| regimen().args(words).arg("--results").arg(&store).output().unwrap();
    for words in [&["status"][..], &["compact"]] {
        let asked = ask(words);
        assert_code(&asked, 0);
        assert!(stderr(&asked).contains("stray.journal"), "{words:?}: {}", stderr(&asked));
    }
    let again = run(config, &store, &[]);
    assert_code(&again, 0);
    assert_eq!(stdout(&again), table);
    assert!(stray.symlink_metadata().is_ok());
}
