//! Exact comparison of two stores finds a single flipped bit.

use std::path::Path;

use serde_json::json;
use tables::{Error, Scope, Selection, exact};
use tempfile::{TempDir, tempdir};

use crate::fixture::{Story, dialog};

/// Two runs; `tweak` changes what the first records.
fn store(host: &'static str, loss: f64, answer: &str, accuracy: f64) -> TempDir {
    let mut story = Story::on(host);
    for (seed, loss, accuracy) in [(0, loss, accuracy), (1, 0.25, 98.0)] {
        let run = dialog(1, "fp", seed);
        story.start(&run);
        story.metrics(&run, &[(1, "loss", 0.5), (2, "loss", loss)]);
        story.rows(&run, "answers", &[json!({"answer": answer})]);
        story.end(&run, journal::Outcome::Finished, &[("test_accuracy", accuracy)]);
    }
    let folder = tempdir().unwrap();
    story.write(folder.path());
    folder
}

fn words(a: &Path, b: &Path) -> String {
    exact(a, b, &Scope::default()).unwrap().to_string()
}

#[test]
fn provenance_may_differ() {
    let (a, b) = (store("one", f64::NAN, "x", 99.0), store("two", f64::NAN, "x", 99.0));
    // Of each run: these columns, two metric rows of three columns, one answer.
    let columns = ["spec_id", "learner", "policy_accuracy", "regime", "seed", "status", "final"];
    let values = 2 * (columns.len() + 2 * 3 + 1);
    let told = format!("{values} values of 2 runs are identical");
    assert_eq!(words(a.path(), b.path()), told);
}

#[test]
fn one_flipped_bit_is_found() {
    let flipped = f64::from_bits(0.25_f64.to_bits() ^ 1);
    let (a, b) = (store("one", 0.25, "x", 99.0), store("one", flipped, "x", 99.0));
    let run = dialog(1, "fp", 0).run;
    let differences = exact(a.path(), b.path(), &Scope::default()).unwrap();
    assert_eq!(differences.total, 1);
    let run = &run.to_string()[..10];
    let told = format!("dialog/metrics: run {run}, row 2: value is 0.25 here, {flipped} there");
    assert_eq!(differences.first[0].to_string(), told);

    let negative = (store("one", 0.0, "x", 99.0), store("one", -0.0, "x", 99.0));
    assert!(words(negative.0.path(), negative.1.path()).contains("value is 0 here, -0 there"));
    let other_nan = f64::from_bits(f64::NAN.to_bits() ^ 1);
    let nans = (store("one", f64::NAN, "x", 99.0), store("one", other_nan, "x", 99.0));
    let told = words(nans.0.path(), nans.1.path());
    assert!(told.contains("value is NaN (bits 7ff8000000000000) here, NaN (bits"), "{told}");
}

#[test]
fn finals_and_own_tables_count() {
    let a = store("one", 0.25, "x", 99.0);
    let told = words(a.path(), store("one", 0.25, "x", 99.5).path());
    assert!(told.contains(": final.test_accuracy is 99 here, 99.5 there"), "{told}");
    let told = words(a.path(), store("one", 0.25, "\u{1b}[31m", 99.0).path());
    assert!(told.contains("row 1: answer is x here, \\u{1b}[31m there"), "{told}");
    assert!(told.ends_with("2 differences in 28 values of 2 runs"), "{told}");
}

#[test]
fn a_run_that_one_store_lacks_differs() {
    let (a, b) = (store("one", 0.25, "x", 99.0), tempdir().unwrap());
    let mut story = Story::new();
    story.finish(&dialog(1, "fp", 1), &[("test_accuracy", 98.0)]);
    story.write(b.path());
    let differences = exact(a.path(), b.path(), &Scope::default()).unwrap();
    let run = dialog(1, "fp", 0).run.to_string();
    assert_eq!(differences.alone, [vec![run.clone()], Vec::new()]);
    let told = differences.to_string();
    assert!(told.starts_with(&format!("1 run is only here: {}\n", &run[..10])), "{told}");
    let reversed = words(b.path(), a.path());
    assert!(reversed.starts_with("1 run is only there: "), "{reversed}");
    let only = Selection { runs: Some([dialog(1, "fp", 1).run].into()), ..Selection::default() };
    let scope = Scope { experiment: Some("dialog".into()), selection: only };
    let differences = exact(a.path(), b.path(), &scope).unwrap();
    assert_eq!(differences.runs, 1);
    assert_eq!(differences.alone, [Vec::<String>::new(), Vec::new()]);
}

#[test]
fn a_scope_without_runs_is_nothing_to_compare() {
    let a = store("one", 0.25, "x", 99.0);
    let empty = tempdir().unwrap();
    for scope in [
        Scope { experiment: Some("raml".into()), ..Scope::default() },
        Scope {
            selection: Selection { sweep: Some("other".into()), ..Selection::default() },
            ..Scope::default()
        },
    ] {
        let error = exact(a.path(), empty.path(), &scope).unwrap_err();
        assert!(matches!(error, Error::Nothing(_)), "{error}");
    }
}
