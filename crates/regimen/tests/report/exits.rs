//! Exit codes and files of `regimen report`.

use std::fs;

use tempfile::TempDir;

use crate::command::{assert_code, regimen};

/// Eight runs that take no time.
const CONFIG: &str = "configs/examples/command-shell.yaml";

#[test]
fn a_report_is_made_from_journals_alone_and_again() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (store, page) = (at("store"), at("report.html"));
    assert_code(&regimen(&["run", CONFIG, "--results", &store]), 0);
    fs::remove_dir_all(dir.path().join("store/tables")).unwrap();
    let report = || regimen(&["report", CONFIG, "--results", &store, "-o", &page]);
    assert_code(&report(), 0);
    let first = fs::read_to_string(&page).unwrap();
    assert!(
        first.contains("8 finished") && first.contains("regimen run configs/examples"),
        "{first}"
    );
    assert_code(&report(), 0);
    assert_eq!(fs::read_to_string(&page).unwrap(), first);

    let part = ["report", CONFIG, "--results", &store, "-o", &page, "--only", "values.number == 2"];
    assert_code(&regimen(&part), 0);
    let part = fs::read_to_string(&page).unwrap();
    assert!(part.contains("4 finished") && part.contains("--only &#39;values.number == 2&#39;"));

    let folder = regimen(&["report", CONFIG, "--results", &store, "-o", &store]);
    assert_code(&folder, 2);
    let said = String::from_utf8_lossy(&folder.stderr);
    assert!(said.contains("it is a folder, wanted the name of a file"), "{said}");
    assert!(dir.path().join("store/journal").is_dir(), "the folder is as it was");
}

#[test]
fn where_there_is_nothing_to_report_nothing_is_written() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (store, page) = (at("store"), at("report.html"));
    assert_code(&regimen(&["report", "--results", &store, "-o", &page]), 3);
    assert_code(&regimen(&["report", CONFIG, "--results", &store, "-o", &page]), 3);
    assert_code(&regimen(&["report", "-s", "params.x=1", "--results", &store, "-o", &page]), 2);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
