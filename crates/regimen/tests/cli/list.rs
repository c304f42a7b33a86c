//! `regimen list` and `regimen diff`: the runs of a store, and what two of them differ in.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{assert_code, regimen, run, stderr, stdout};

const CONFIG: &str = "\
name: grid
experiment: descent
params: { function: sphere, steps: 20 }
sweep: { grid: { learning_rate: [0.1, 0.02, 0.5] }, seeds: 2 }
";

fn ask(store: &Path, words: &[&str]) -> std::process::Output {
    regimen().args(words).arg("--results").arg(store).output().unwrap()
}

/// A store with the runs of the sweep above and one that failed.
fn store(dir: &Path) -> std::path::PathBuf {
    let store = dir.join("store");
    let failing = "name: bad\nexperiment: command\nparams: { program: [sh, -c, 'exit 3'] }\n";
    for (name, text, code) in [("grid", CONFIG, 0), ("bad", failing, 1)] {
        let path = dir.join(name).with_extension("yaml");
        fs::write(&path, text).unwrap();
        assert_code(&run(path.to_str().unwrap(), &store, &["-j", "2"]), code);
    }
    store
}

#[test]
fn runs_are_listed_filtered_and_sorted() {
    let dir = TempDir::new().unwrap();
    let store = store(dir.path());
    let all = ask(&store, &["list"]);
    assert_code(&all, 0);
    assert_eq!(stderr(&all), "7 runs\n");
    let lines: Vec<String> = stdout(&all).lines().map(str::to_owned).collect();
    assert!(lines[0].starts_with("run         state     time"), "{lines:?}");
    assert!(lines[1].contains("failed") && lines[1].contains("bad"), "{lines:?}");
    assert_eq!(lines.len(), 8);
    assert!(lines[2].ends_with("learning_rate=0.02 seed=0"), "{lines:?}");
    assert!(lines[7].ends_with("learning_rate=0.5 seed=1"), "{lines:?}");

    let some = "state == finished and learning_rate < 0.2 and seed == 1";
    let some = ask(&store, &["list", "--only", some, "--columns", "learning_rate,seed"]);
    assert_code(&some, 0);
    assert_eq!(stdout(&some), "learning_rate  seed\n0.02           1\n0.1            1\n");

    let sorted =
        ["list", "--only", "sweep == grid", "--sort", "-learning_rate", "--format", "json"];
    let sorted = ask(&store, &sorted);
    let rows: Vec<Value> =
        stdout(&sorted).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rates: Vec<f64> =
        rows.iter().map(|row| row["params"]["learning_rate"].as_f64().unwrap()).collect();
    assert_eq!(rates, [0.5, 0.5, 0.1, 0.1, 0.02, 0.02]);
    assert_eq!((&rows[0]["state"], &rows[0]["attempts"]), (&"finished".into(), &1.into()));

    for (words, wanted) in [
        (
            ["--only", "learningrate == 1"],
            "nothing is called `learningrate`; did you mean `learning_rate`?",
        ),
        (["--sort", "-secnds"], "argument `--sort -secnds`: nothing is called `secnds`"),
        (["--columns", "sed"], "argument `--columns sed`: nothing is called `sed`"),
    ] {
        let refused = ask(&store, &[&["list"], &words[..]].concat());
        assert_code(&refused, 2);
        assert!(stderr(&refused).contains(wanted), "{}", stderr(&refused));
    }
    assert_code(&ask(&dir.path().join("none"), &["list"]), 3);
}

#[test]
fn tables_and_journals_list_the_same() {
    let dir = TempDir::new().unwrap();
    let store = store(dir.path());
    for (only, tag) in [("seed == 1", "odd"), ("learning_rate == 0.5", "fast")] {
        assert_code(&ask(&store, &["tag", "--only", only, tag]), 0);
    }
    assert_code(&ask(&store, &["note", "--only", "state == failed", "no luck"]), 0);
    let all: [&[&str]; 5] = [
        &["list"],
        &["list", "--sort", "-distance"],
        &["list", "--only", "fast in tags and replaced == false"],
        &["list", "--columns", "run,experiment,sweep,state,attempts,seconds,note,tags,distance"],
        &["list", "--only", "distanc > 1"],
    ];
    let listed = || all.map(|words| ask(&store, words));
    let by_tables = listed();
    // Nothing says any more that the tables are up to date.
    fs::remove_file(store.join("tables/made_from.json")).unwrap();
    fs::write(store.join("tables/runs.parquet"), "no table").unwrap();
    for (by_tables, by_journals) in by_tables.iter().zip(listed()) {
        assert_eq!(stdout(by_tables), stdout(&by_journals));
        assert_eq!(stderr(by_tables), stderr(&by_journals));
        assert_eq!(by_tables.status, by_journals.status);
    }
}

#[test]
fn two_runs_differ_in_what_they_were_given_and_what_they_found() {
    let dir = TempDir::new().unwrap();
    let store = store(dir.path());
    let ids = |only: &str| -> Vec<String> {
        let listed = ask(&store, &["list", "--only", only, "--columns", "run"]);
        stdout(&listed).lines().skip(1).map(str::to_owned).collect()
    };
    let [slow, fast] = ["learning_rate == 0.02", "learning_rate == 0.5"].map(ids);
    let found = ask(&store, &["diff", &slow[0], &fast[1]]);
    assert_code(&found, 1);
    let text = stdout(&found);
    let words: Vec<Vec<&str>> =
        text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0], [&slow[0][..], &fast[1]]);
    assert_eq!(words[1], ["parameters"]);
    assert_eq!(words[2], ["learning_rate", "0.02", "0.5"]);
    assert_eq!(words[3], ["seed", "0", "1"]);
    assert_eq!(words[4], ["metrics"]);
    let json = ask(&store, &["diff", &slow[0], &slow[1], "--format", "json"]);
    let json: Value = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(json["differences"]["parameters"]["seed"], serde_json::json!([0, 1]));
    let same = ask(&store, &["diff", &slow[0], &slow[0]]);
    assert_code(&same, 0);
    assert_eq!(stderr(&same), "the two runs differ in nothing\n");
    let unknown = ask(&store, &["diff", &slow[0], "zz"]);
    assert_code(&unknown, 2);
    assert!(stderr(&unknown).contains("`regimen list` shows them"), "{}", stderr(&unknown));
}

#[test]
fn tags_and_notes_stay_with_their_runs_until_these_are_removed() {
    let dir = TempDir::new().unwrap();
    let store = store(dir.path());
    let said = |words: &[&str], code| {
        let asked = ask(&store, words);
        assert_code(&asked, code);
        stderr(&asked)
    };
    let best = "learning_rate == 0.1";
    assert_eq!(said(&["tag", "--only", best, "best"], 0), "tagged 2 runs\n");
    assert_eq!(said(&["tag", "--only", "seed == 1", "odd"], 0), "tagged 3 runs\n");
    let found =
        || stdout(&ask(&store, &["list", "--only", "best in tags", "--columns", "run,seed,tags"]));
    let listed = found();
    let lines: Vec<Vec<&str>> =
        listed.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1][1..], ["0", "[best]"]);
    assert_eq!(lines[2][1..], ["1", "[best,", "odd]"]);
    let [first, second] = [lines[1][0], lines[2][0]];
    assert_eq!(said(&["note", first, "the one of the paper"], 0), "noted it of 1 run\n");
    assert_eq!(said(&["tag", "--remove", first, second, "odd"], 0), "untagged 2 runs\n");
    let usual = stdout(&ask(&store, &["list", "--only", "sweep == grid"]));
    assert!(usual.lines().next().unwrap().ends_with("tags"), "{usual}");
    assert_eq!(usual.lines().filter(|line| line.trim_end().ends_with("odd")).count(), 2, "{usual}");
    let json = stdout(&ask(&store, &["list", "--only", "note != null", "--format", "json"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["note"], "the one of the paper");
    assert_eq!(json["tags"], serde_json::json!(["best"]));

    // Tables have them, and what compares runs knows them.
    let words = [
        "compare",
        "descent",
        "--only",
        "best in tags",
        "--rows",
        "learning_rate",
        "--format",
        "csv",
    ];
    let compared = ask(&store, &words);
    assert_code(&compared, 0);
    let compared = stdout(&compared);
    assert!(compared.contains("0.1") && !compared.contains("0.02"), "{compared}");
    // They outlive a compaction, and go with the run.
    said(&["compact"], 0);
    assert_eq!(found().lines().count(), 3);
    said(&["remove", first], 0);
    assert_code(&run(dir.path().join("grid.yaml").to_str().unwrap(), &store, &["-j", "2"]), 0);
    assert_eq!(found().lines().count(), 2);

    for (words, wanted) in [
        (&["tag", "best"][..], "wanted runs and a tag, found one word"),
        (&["tag", second, "two words"], "wanted a letter and then letters"),
        (&["tag", "zz", "best"], "`regimen list` shows them"),
        (&["note", second, "bell\u{7}"], "none of them a control character"),
        (
            &["tag", "--only", "seed == 1", second, "best"],
            "wanted a tag beside `--only`, found 2 words",
        ),
    ] {
        let said = said(words, 2);
        assert!(said.contains(wanted), "{said}");
    }
}

/// Names of what lies in a folder of a store.
fn names(store: &Path, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(store.join(folder)).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn removed_runs_leave_nothing_and_are_executed_again_when_they_are_wanted() {
    let dir = TempDir::new().unwrap();
    let [store, whole] = ["store", "whole"].map(|name| dir.path().join(name));
    let config = dir.path().join("kept.yaml");
    let program = "echo said; echo x > {folder}/x; echo '{\"artifact\": \"{folder}/x\"}' >&3; \
                   echo '{\"step\": 1, \"loss\": {seed}}' >&3";
    let text = format!(
        "name: kept\nexperiment: command\nparams:\n  program: [sh, -c, {program:?}]\nsweep: {{ seeds: 6 }}\n"
    );
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    for store in [&store, &whole] {
        assert_code(&run(config, store, &["-j", "2"]), 0);
    }
    let dry = ask(&store, &["remove", "--only", "seed in [1, 3]", "--dry-run"]);
    assert_code(&dry, 0);
    assert_eq!(stderr(&dry), "would remove 2 runs: 2 finished\n");
    let gone: Vec<String> = stdout(&dry).lines().map(str::to_owned).collect();
    assert_eq!(names(&store, "artifacts").len(), 6);

    let removed = ask(&store, &["remove", "--only", "seed in [1, 3]"]);
    assert_code(&removed, 0);
    assert_eq!(stderr(&removed), "removed 2 runs: 2 finished\n");
    for folder in ["artifacts", "attempts", "logs"] {
        let names = names(&store, folder);
        let left = names.iter().find(|name| gone.iter().any(|run| name.starts_with(run)));
        assert_eq!(left, None, "{folder}");
    }
    assert_eq!(stderr(&ask(&store, &["list"])), "4 runs\n");
    let table = ask(&store, &["compare", "command", "--rows", "seed", "--format", "csv"]);
    assert_eq!(stdout(&table).lines().count(), 5, "{}", stdout(&table));

    let again = run(config, &store, &[]);
    assert_code(&again, 0);
    assert!(stderr(&again).contains("2 finished, 0 failed, 4 were finished before"));
    let same = ["compare", "--exact", "--against", whole.to_str().unwrap()];
    assert_code(&ask(&store, &same), 0);

    let one = ask(&store, &["remove", &gone[0][..10]]);
    assert_eq!(stderr(&one), "removed 1 run: 1 finished\n");
    assert_code(&ask(&store, &["remove"]), 2);
    assert_code(&ask(&store, &["remove", "zz"]), 2);
}

#[test]
fn a_removal_that_is_killed_is_finished_by_the_next_call() {
    let dir = TempDir::new().unwrap();
    let store = dir.path().join("store");
    let text = "name: hills\nexperiment: descent\nparams: { function: sphere, steps: 30 }\n\
                sweep: { grid: { learning_rate: [0.1, 0.2] }, seeds: 150 }\n";
    let config = dir.path().join("hills.yaml");
    fs::write(&config, text).unwrap();
    assert_code(&run(config.to_str().unwrap(), &store, &["-j", "2"]), 0);
    let whole = dir.path().join("whole");
    let copied = std::process::Command::new("cp").arg("-a").args([&store, &whole]).status();
    assert!(copied.unwrap().success());
    let half = ["remove", "--only", "learning_rate == 0.1"];
    for wait in [0, 5, 10, 15, 20, 30, 40, 60, 80] {
        let copy = dir.path().join(format!("after-{wait}"));
        let copied = std::process::Command::new("cp").arg("-a").args([&whole, &copy]).status();
        assert!(copied.unwrap().success());
        let mut remover = std::process::Command::new(env!("CARGO_BIN_EXE_regimen"));
        let mut remover = remover.args(half).arg("--results").arg(&copy).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        let _ = remover.kill();
        remover.wait().unwrap();
        assert_code(&ask(&copy, &half), 0);
        assert_eq!(stderr(&ask(&copy, &["list"])), "150 runs\n", "{wait} ms");
        let rest = ["compare", "--exact", "--only", "learning_rate == 0.2", "--against"];
        let rest = ask(&copy, &[&rest[..], &[whole.to_str().unwrap()]].concat());
        assert_code(&rest, 0);
        fs::remove_dir_all(copy).unwrap();
    }
}

#[test]
fn files_of_no_run_are_found() {
    let dir = TempDir::new().unwrap();
    let store = store(dir.path());
    let nothing = ask(&store, &["gc"]);
    assert_eq!(stderr(&nothing), "nothing lies in the store that belongs to no run\n");
    let run = "00112233445566778899aabbccddeeff";
    let folder = store.join("artifacts").join(run);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("model.bin"), [0; 1000]).unwrap();
    fs::create_dir_all(store.join("logs")).unwrap();
    fs::write(store.join("logs").join(format!("{run}.1.log")), "said").unwrap();
    let dry = ask(&store, &["gc", "--dry-run"]);
    assert_eq!(stdout(&dry).lines().count(), 2);
    assert_eq!(stderr(&dry), "would remove 2 files and folders of no run, 1.0 kB\n");
    assert!(folder.is_dir());
    assert_code(&ask(&store, &["gc"]), 0);
    assert!(!folder.exists() && !store.join("logs").join(format!("{run}.1.log")).exists());
    assert_eq!(stderr(&ask(&store, &["list"])), "7 runs\n");
}
