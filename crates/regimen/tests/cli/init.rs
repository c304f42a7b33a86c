//! `regimen init`: a project that runs at once, and notices what changes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::{assert_code, regimen, stderr, stdout};

fn ask(folder: &Path, words: &[&str]) -> Output {
    let mut command = regimen();
    command.current_dir(folder).args(words).output().unwrap()
}

#[test]
fn a_project_in_python_runs_at_once_and_a_change_of_it_makes_new_runs() {
    let dir = TempDir::new().unwrap();
    let begun = ask(dir.path(), &["init", "demo", "--python"]);
    assert_code(&begun, 0);
    let next = "next: cd demo && regimen run configs/demo.yaml";
    assert!(stderr(&begun).contains(next), "{}", stderr(&begun));
    let demo = dir.path().join("demo");
    let ran = ask(&demo, &["run", "configs/demo.yaml"]);
    assert_code(&ran, 0);
    let table = stdout(&ran);
    // Eight seeds are enough for marks.
    assert!(table.contains('*') && table.contains("24 finished runs, 8 a cell"), "{table}");
    assert!(fs::read_to_string(demo.join("report.html")).unwrap().contains("accuracy"));
    let tested = Command::new("python3").args(["-m", "unittest", "-q"]).current_dir(&demo).output();
    assert!(tested.as_ref().is_ok_and(|tested| tested.status.success()), "{tested:?}");

    let program = demo.join("train.py");
    let text = fs::read_to_string(&program).unwrap();
    fs::write(&program, text.replace("< 0.6", "< 0.5")).unwrap();
    let planned = ask(&demo, &["plan", "configs/demo.yaml"]);
    assert!(stdout(&planned).contains("stale: train.py changed"), "{}", stdout(&planned));
    let crashing =
        text.replace("    weights = [0.0] * 5", "    assert lr < 1, lr\n    weights = [0.0] * 5");
    fs::write(&program, crashing).unwrap();
    let ran = ask(&demo, &["run", "configs/demo.yaml"]);
    assert_code(&ran, 1);
    assert!(stderr(&ran).contains("log: results/logs/"), "{}", stderr(&ran));

    let again = ask(dir.path(), &["init", "demo"]);
    assert_code(&again, 2);
    assert!(stderr(&again).contains("is there already, and nothing was written"));
    let named = ask(dir.path(), &["init", "two words"]);
    assert_code(&named, 2);
    assert!(stderr(&named).contains("a project's name: wanted"), "{}", stderr(&named));
}

#[test]
fn a_project_with_a_script_runs_at_once() {
    let dir = TempDir::new().unwrap();
    assert_code(&ask(dir.path(), &["init", "roots", "--command"]), 0);
    let ran = ask(&dir.path().join("roots"), &["run", "configs/roots.yaml"]);
    assert_code(&ran, 0);
    assert!(stdout(&ran).contains("1.41 ±0.00"), "{}", stdout(&ran));
    let configs = dir.path().join("roots/configs");
    let config = fs::read_to_string(configs.join("roots.yaml")).unwrap();
    let first = config.lines().next().unwrap();
    let schema = first.strip_prefix("# yaml-language-server: $schema=").unwrap();
    let asked = ask(dir.path(), &["schema", "--config"]);
    assert_eq!(fs::read_to_string(configs.join(schema)).unwrap(), stdout(&asked));
}

#[test]
fn a_project_in_rust_names_the_sources_it_is_built_against() {
    let dir = TempDir::new().unwrap();
    let root = super::root();
    let checkout = root.to_str().unwrap();
    assert_code(&ask(dir.path(), &["init", "mine", "--rust", "--checkout", checkout]), 0);
    let manifest = fs::read_to_string(dir.path().join("mine/Cargo.toml")).unwrap();
    let path = root.canonicalize().unwrap().join("crates/regimen");
    assert!(manifest.contains(&format!("path = {path:?}")), "{manifest}");
    let paper = fs::read_to_string(dir.path().join("mine/src/paper.rs")).unwrap();
    assert!(paper.contains("const NAME: &'static str = \"mine\"") && !paper.contains("{{"));
    let elsewhere = ask(dir.path(), &["init", "two", "--rust", "--checkout", "."]);
    assert_code(&elsewhere, 2);
    assert!(stderr(&elsewhere).contains("--checkout: no crate regimen at ./crates/regimen"));
    assert!(!dir.path().join("two").exists());
    let number = ask(dir.path(), &["init", "2nd", "--rust"]);
    assert_code(&number, 2);
    assert!(stderr(&number).contains("the name of a crate begins with a letter"));
}
