use std::{fmt::Write, fs::File, path::Path};

use polars::prelude::{DataFrame, ParquetReader, SerReader};
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
