//! Layout, column types and replacement of the written tables, and the repair of damage.

use std::{fmt::Write, fs::File, path::Path};

use polars::prelude::{DataFrame, col};
use polars_io::prelude::{ParquetReader, SerReader};
use serde_json::json;
use tables::Runs;
use tempfile::tempdir;

use crate::fixture::{Story, dialog, spec};

fn read(path: &Path) -> DataFrame {
    ParquetReader::new(File::open(path).unwrap()).finish().unwrap()
}

fn cells(runs: &Runs, column: &str) -> Vec<String> {
    runs.cells(column).unwrap().iter().map(ToString::to_string).collect()
}

/// Every table below `folder` with its columns, types and height.
fn schemas(folder: &Path) -> String {
    let mut text = String::new();
    for name in [
        "runs.parquet",
        "dialog/runs.parquet",
        "dialog/metrics/part-0000.parquet",
        "dialog/answers/part-0000.parquet",
    ] {
        let frame = read(&folder.join(name));
        writeln!(text, "{name}: {} rows", frame.height()).unwrap();
        for column in frame.columns() {
            writeln!(text, "  {}: {}", column.name(), column.dtype()).unwrap();
        }
    }
    text
}

#[test]
fn layout_and_column_types() {
    let mut story = Story::new();
    let params = json!({
        "regime": 2, "learner": "rbi", "policy_accuracy": 0.5, "decay": true,
        "hops": [1, 2], "optimizer": {"name": "sgd", "learning_rate": 0.01},
    });
    let run = spec("dialog", &params, 3);
    story.start(&run);
    story.metrics(&run, &[(1, "loss", 0.5), (2, "loss", f64::NAN)]);
    let answer = json!({"question": 1, "right": true, "answer": "garden", "scores": [0.5, 1]});
    story.rows(&run, "answers", &[answer, json!({"question": 2, "run_id": "own"})]);
    story.end(&run, journal::Outcome::Finished, &[("test_accuracy", 97.5)]);
    let store = tempdir().unwrap();
    let written = story.write(store.path());
    assert_eq!((written.runs, written.files.len(), written.skipped.len()), (1, 4, 0));
    insta::assert_snapshot!(schemas(&store.path().join("tables")));

    let across = read(&store.path().join("tables/runs.parquet"));
    let text = |column: &str| across.column(column).unwrap().str().unwrap().get(0).unwrap();
    assert_eq!(text("params"), run.params);
    assert_eq!(text("final"), r#"{"test_accuracy":97.5}"#);
    assert_eq!(text("status"), "finished");

    let metrics = read(&store.path().join("tables/dialog/metrics/part-0000.parquet"));
    let values = metrics.column("value").unwrap().f64().unwrap();
    assert_eq!(values.get(0), Some(0.5));
    assert_eq!(values.get(1).map(f64::to_bits), Some(f64::NAN.to_bits()));
    let runs = Runs::read(store.path(), "dialog").unwrap();
    assert_eq!(cells(&runs, "run_id"), [run.run.to_string()]);
    assert_eq!(cells(&runs, "params.hops"), ["[1, 2]"]);
    assert_eq!(cells(&runs, "host"), ["node1"]);
    assert_eq!(cells(&runs, "seconds"), ["2.5"]);
}

#[test]
fn a_later_parameter_reads_as_its_default_in_older_rows() {
    let mut story = Story::new();
    let old = spec("dialog", &json!({"rate": 1, "model": {"hops": 3}}), 0);
    let new = spec("dialog", &json!({"rate": 0.5, "model": {"hops": 1, "time": false}}), 0);
    story.finish(&old, &[("accuracy", 1.0)]);
    story.finish(&new, &[("loss", 2.0)]);
    let store = tempdir().unwrap();
    let defaults = |name: &str| {
        (name == "dialog").then(|| json!({"rate": 0.1, "model": {"hops": 2, "time": true}}))
    };
    tables::write_tables(&story.fold, store.path(), &defaults).unwrap();
    let runs = Runs::read(store.path(), "dialog").unwrap();
    let of = |run: experiment::RunId, column: &str| {
        let at = cells(&runs, "run_id").iter().position(|id| *id == run.to_string()).unwrap();
        cells(&runs, column)[at].clone()
    };
    assert_eq!([of(old.run, "params.rate"), of(new.run, "params.rate")], ["1", "0.5"]);
    assert_eq!([of(old.run, "params.model.hops"), of(new.run, "params.model.hops")], ["3", "1"]);
    let time = "params.model.time";
    assert_eq!([of(old.run, time), of(new.run, time)], ["true", "false"]);
    assert_eq!([of(old.run, "final.accuracy"), of(new.run, "final.accuracy")], ["1", "-"]);
    assert_eq!([of(old.run, "final.loss"), of(new.run, "final.loss")], ["-", "2"]);

    let without = tempdir().unwrap();
    story.write(without.path());
    let runs = Runs::read(without.path(), "dialog").unwrap();
    assert!(cells(&runs, time).contains(&"-".to_owned()), "nothing to fill in from");
}

#[test]
fn a_killed_run_has_a_row_with_its_error() {
    let mut story = Story::new();
    story.lose(&dialog(1, "fp", 0), "worker 1 was killed by signal 9");
    story.start(&dialog(1, "fp", 1));
    let store = tempdir().unwrap();
    story.write(store.path());
    let runs = Runs::read(store.path(), "dialog").unwrap();
    let (statuses, errors) = (cells(&runs, "status"), cells(&runs, "error"));
    let mut rows: Vec<_> = statuses.iter().zip(&errors).collect();
    rows.sort();
    let told = rows.iter().map(|(s, e)| (s.as_str(), e.as_str())).collect::<Vec<_>>();
    assert_eq!(told, [("failed", "worker 1 was killed by signal 9"), ("running", "-")]);
}

#[test]
fn hostile_names_stay_inside_the_store() {
    let root = tempdir().unwrap();
    let store = root.path().join("store");
    let mut story = Story::new();
    story.finish(&spec("../../escaped", &json!({}), 0), &[]);
    let run = spec("dialog", &json!({"../x\u{1b}[31m": "a\nb"}), 0);
    story.start(&run);
    for table in ["../../answers", "metrics", "runs", "a/b", "", "fine"] {
        story.rows(&run, table, &[json!({"x": 1})]);
    }
    story.end(&run, journal::Outcome::Finished, &[("m\n", 1.0)]);
    let written = story.write(&store);
    let skipped =
        ["dialog/", "dialog/../../answers", "dialog/a/b", "dialog/metrics", "dialog/runs"];
    let mut expected = vec!["../../escaped"];
    expected.extend(skipped);
    assert_eq!(written.skipped, expected);
    assert!(written.files.iter().all(|file| file.starts_with(&store)));
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(root.path()), ["store"]);
    assert_eq!(names(&store), ["tables"]);
    assert_eq!(names(&store.join("tables")), ["dialog", "made_from.json", "runs.parquet"]);
    assert_eq!(names(&store.join("tables/dialog")), ["fine", "metrics", "runs.parquet"]);
    let runs = Runs::read(&store, "dialog").unwrap();
    assert_eq!(cells(&runs, "params.../x\u{1b}[31m"), ["a\nb"]);
    let error = Runs::read(&store, "../dialog").unwrap_err();
    assert!(matches!(error, tables::Error::Name { .. }), "{error}");
}

#[test]
fn tables_are_replaced_whole() {
    let store = tempdir().unwrap();
    let mut story = Story::new();
    story.finish(&dialog(1, "fp", 0), &[("test_accuracy", 1.0)]);
    story.write(store.path());
    story.finish(&dialog(1, "fp", 1), &[("test_accuracy", 2.0)]);
    let written = story.write(store.path());
    let runs = Runs::read(store.path(), "dialog").unwrap();
    assert_eq!(runs.len(), 2);
    let mut ids = cells(&runs, "run_id");
    assert!(ids.is_sorted());
    ids.dedup();
    assert_eq!(ids.len(), 2);
    for file in &written.files {
        let entries = std::fs::read_dir(file.parent().unwrap()).unwrap();
        let leftovers = entries.filter(|entry| {
            entry.as_ref().unwrap().path().extension().is_some_and(|ext| ext == "tmp")
        });
        assert_eq!(leftovers.count(), 0);
    }
}

#[test]
fn an_empty_fold_leaves_an_empty_table() {
    let store = tempdir().unwrap();
    Story::new().write(store.path());
    let across = read(&store.path().join("tables/runs.parquet"));
    assert_eq!(across.height(), 0);
    assert!(tables::experiments(store.path()).unwrap().is_empty());
    let error = Runs::read(store.path(), "dialog").unwrap_err();
    assert!(matches!(error, tables::Error::Nothing(_)), "{error}");
}

#[test]
fn programs_have_a_table_a_sweep() {
    let mut story = Story::new();
    let sweeps =
        [("fit", json!({"values": {"lr": 0.1}})), ("walk it", json!({"values": {"n": 3}}))];
    for (sweep, params) in sweeps {
        let mut run = spec("command", &params, 0);
        run.sweep = sweep.into();
        story.finish(&run, &[(sweep.split(' ').next().unwrap(), 1.0)]);
    }
    story.finish(&dialog(1, "fp", 0), &[("test_accuracy", 1.0)]);
    let store = tempdir().unwrap();
    let defaults = |name: &str| {
        Some(if name == "command" { json!({"values": {}}) } else { json!({"regime": 1}) })
    };
    tables::write_tables(&story.fold, store.path(), &defaults).unwrap();
    let columns = |table: &str| -> Vec<String> {
        let frame = read(&store.path().join("tables").join(table));
        let names = frame.columns().iter().map(|column| column.name().to_string());
        names.filter(|name| name.starts_with("params.") || name.starts_with("final.")).collect()
    };
    assert_eq!(columns("sweeps/fit/runs.parquet"), ["params.values.lr", "final.fit"]);
    assert_eq!(columns("sweeps/walk_it/runs.parquet"), ["params.values.n", "final.walk"]);
    assert_eq!(columns("command/runs.parquet").len(), 4);
    // A typed experiment's columns are the same in every sweep.
    assert_eq!(std::fs::read_dir(store.path().join("tables/sweeps")).unwrap().count(), 2);
    assert_eq!(tables::experiments(store.path()).unwrap(), ["command", "dialog"]);
}

#[test]
fn a_replaced_row_says_so_and_rows_carry_what_was_read() {
    let mut story = Story::new();
    let (old, other) = (dialog(1, "fp", 0), dialog(2, "fp", 0));
    story.finish(&old, &[("test_accuracy", 1.0)]);
    story.finish(&other, &[("test_accuracy", 2.0)]);
    let new = story.replace(&old, &[("test_accuracy", 3.0)]);
    let store = tempdir().unwrap();
    story.write(store.path());
    let runs = Runs::read(store.path(), "dialog").unwrap();
    let columns = ["run_id", "current", "engine", "data"].map(|column| cells(&runs, column));
    let row = |run: experiment::RunId| {
        let at = columns[0].iter().position(|id| *id == run.to_string()).unwrap();
        [1, 2, 3].map(|column: usize| columns[column][at].clone())
    };
    assert_eq!(row(old.run), ["false", "-", "-"]);
    assert_eq!(row(other.run), ["true", "-", "-"]);
    assert_eq!(row(new.run), ["true", "4", r#"{"file:train.py":"ab12"}"#]);
    assert_eq!((runs.len(), runs.current().len()), (3, 2));
    let across = read(&store.path().join("tables/runs.parquet"));
    assert_eq!(across.column("current").unwrap().bool().unwrap().sum(), Some(2));
    assert!(!tables::is_outcome("current") && !tables::is_outcome("data"));
}

/// A small store with a table of every kind.
fn tables_of_every_kind(store: &Path) -> Story {
    let mut story = Story::new();
    for seed in 0..3 {
        let run = dialog(1, "fp", seed);
        story.start(&run);
        story.metrics(&run, &[(1, "loss", 0.5), (2, "loss", 0.25)]);
        story.rows(&run, "answers", &[json!({"question": seed, "right": true})]);
        story.end(&run, journal::Outcome::Finished, &[("test_accuracy", 90.0 + seed as f64)]);
    }
    story.write(store);
    story
}

#[test]
fn damage_is_seen_wherever_it_is_and_mended_by_writing_again() {
    let (good, bad) = (tempdir().unwrap(), tempdir().unwrap());
    tables_of_every_kind(good.path());
    let story = tables_of_every_kind(bad.path());
    let compared = || tables::exact(bad.path(), good.path(), &tables::Scope::default());
    assert!(compared().unwrap().is_empty());
    let journal = bad.path().join("journal");
    let current = || tables::are_current(&journal, bad.path(), &|_| None).unwrap();
    assert!(current());
    for file in ["dialog/runs", "dialog/metrics/part-0000", "dialog/answers/part-0000"] {
        let path = bad.path().join("tables").join(file).with_extension("parquet");
        let whole = std::fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(7) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            std::fs::write(&path, flipped).unwrap();
            let error = compared().unwrap_err();
            assert!(matches!(&error, tables::Error::Damaged { path: found } if *found == path));
        }
        for cut in [0, 1, whole.len() - 1] {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(
                matches!(compared(), Err(tables::Error::Damaged { .. })),
                "{file} cut to {cut}"
            );
            let table = Path::new(file).iter().nth(1).unwrap().to_str().unwrap();
            let scanned = tables::scan(bad.path(), "dialog", table);
            assert!(matches!(scanned, Err(tables::Error::Damaged { .. })), "{file} cut to {cut}");
            assert!(!current(), "{file} cut to {cut}");
        }
        story.write(bad.path());
        assert!(current());
        assert!(compared().unwrap().is_empty(), "{file} was mended");
    }
    std::fs::remove_file(bad.path().join("tables/made_from.json")).unwrap();
    assert!(!current());
    assert!(compared().unwrap().is_empty(), "tables without sums are read as they are");
}

#[test]
fn a_scan_reads_the_columns_that_are_asked_for() {
    let store = tempdir().unwrap();
    tables_of_every_kind(store.path());
    for (table, columns) in [
        ("runs", vec!["run_id", "params.learner"]),
        ("metrics", vec!["value", "step"]),
        ("answers", vec!["run_id"]),
    ] {
        let scanned = tables::scan(store.path(), "dialog", table).unwrap();
        let all = scanned.clone().collect().unwrap();
        let names: Vec<&str> = all.get_column_names().iter().map(|name| name.as_str()).collect();
        assert!(columns.iter().all(|column| names.contains(column)), "{table}: {names:?}");
        let some = scanned.select(columns.iter().map(|name| col(*name)).collect::<Vec<_>>());
        let some = some.collect().unwrap();
        assert!(some.equals(&all.select(columns).unwrap()), "{table}");
    }
    let wrong = |experiment, table| match tables::scan(store.path(), experiment, table) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{experiment}/{table}"),
    };
    assert!(wrong("nothing", "runs").starts_with("nothing to compare: no run of nothing is in"));
    assert!(wrong("../dialog", "runs").contains("wanted the name of an experiment"));
    let listed = "\"run\" names no table; did you mean \"runs\"? (tables are: ";
    assert!(wrong("dialog", "run").starts_with(listed), "{}", wrong("dialog", "run"));
    assert!(wrong("dialog", "../dialog").contains("names no table"));
}

#[test]
fn a_moved_store_keeps_its_tables() {
    let folder = tempdir().unwrap();
    let (old, new) = (folder.path().join("tables"), folder.path().join("new"));
    tables_of_every_kind(&old);
    std::fs::rename(&old, &new).unwrap();
    assert!(tables::are_current(&new.join("journal"), &new, &|_| None).unwrap());
}

#[test]
fn tables_of_what_the_journals_forgot_are_removed() {
    let store = tempdir().unwrap();
    tables_of_every_kind(store.path());
    let foreign = store.path().join("tables/dialog/mine.parquet");
    std::fs::write(&foreign, "mine").unwrap();
    let mut story = Story::new();
    story.finish(&spec("other", &json!({}), 0), &[("loss", 1.0)]);
    story.write(store.path());
    assert_eq!(tables::experiments(store.path()).unwrap(), ["other"]);
    assert!(foreign.exists(), "what is not ours stays");
}

/// Readers that do not know Arrow's newest types read them in lists only where nobody names them.
#[test]
fn tables_name_no_types_but_those_of_parquet() {
    let store = tempdir().unwrap();
    let mut story = Story::new();
    let params = json!({"program": ["sh", "-c", "true"], "hops": [1, 2], "scales": [0.5]});
    story.finish(&spec("command", &params, 1), &[("loss", 1.0)]);
    for file in story.write(store.path()).files {
        let bytes = std::fs::read(&file).unwrap();
        let names_arrow = bytes.windows(12).any(|window| window == b"ARROW:schema");
        assert!(!names_arrow, "{}", file.display());
    }
    let runs = Runs::read(store.path(), "command").unwrap();
    assert_eq!(cells(&runs, "params.program"), ["[sh, -c, true]"]);
    assert_eq!(cells(&runs, "params.hops"), ["[1, 2]"]);
    assert_eq!(cells(&runs, "seed"), ["1"]);
}
