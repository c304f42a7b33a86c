//! Comparisons of two stores: which differences count as changes.

use std::slice;

use experiment::Better;
use polars_io::prelude::{ParquetReader, SerReader};
use tables::{Comparison, Format, Regression, Request, Runs, Terminal, Verdict, against, compare};
use tempfile::tempdir;

use crate::fixture::{Story, dialog};

/// The values of each learner's seeds, as a comparison of one store.
fn store(learners: &[(&str, &[f64])]) -> Comparison {
    let mut story = Story::new();
    for (learner, values) in learners {
        for (seed, value) in values.iter().enumerate() {
            story.finish(&dialog(1, learner, seed as u64), &[("test_accuracy", *value)]);
        }
    }
    let folder = tempdir().unwrap();
    story.write(folder.path());
    let request = Request {
        rows: vec!["learner".into()],
        value: "test_accuracy".into(),
        ..Request::default()
    };
    compare(&Runs::read(folder.path(), "dialog").unwrap(), &request, None).unwrap()
}

const THERE: &[(&str, &[f64])] = &[
    ("better", &[50.0, 51.0, 52.0, 53.0]),
    ("fewer", &[1.0, 2.0]),
    ("gone", &[7.0]),
    ("one", &[3.0]),
    ("same", &[10.0, 20.0]),
    ("within", &[30.0, 40.0, 50.0, 60.0]),
];

const HERE: &[(&str, &[f64])] = &[
    ("better", &[60.0, 61.0, 62.5, 63.0]),
    ("fewer", &[1.0]),
    ("new", &[7.0]),
    ("one", &[4.0]),
    ("same", &[10.0, 20.0]),
    ("within", &[35.0, 38.0, 52.0, 61.0]),
];

#[test]
fn cells_that_changed_beyond_their_spread_are_told_from_those_that_did_not() {
    let regression = against(&store(HERE), &store(THERE), Some(Better::Higher));
    let verdicts: Vec<(String, Verdict)> =
        regression.cells.iter().map(|cell| (cell.key[0].to_string(), cell.verdict)).collect();
    let wanted = [
        ("better", Verdict::Better),
        ("fewer", Verdict::Untested),
        ("new", Verdict::New),
        ("one", Verdict::Untested),
        ("same", Verdict::Same),
        ("within", Verdict::Within),
        ("gone", Verdict::Gone),
    ];
    assert_eq!(verdicts, wanted.map(|(name, verdict)| (name.to_owned(), verdict)));
    assert!(regression.has_changes());
    insta::assert_snapshot!(Regression::render(
        slice::from_ref(&regression),
        Format::Table(Terminal::default())
    ));
    insta::assert_snapshot!(Regression::render(slice::from_ref(&regression), Format::Csv));
}

#[test]
fn the_direction_decides_what_a_change_is_worth() {
    let verdict = |better| against(&store(HERE), &store(THERE), better).cells[0].verdict;
    assert_eq!(verdict(Some(Better::Lower)), Verdict::Worse);
    assert_eq!(verdict(None), Verdict::Changed);
    assert!(!against(&store(HERE), &store(HERE), None).has_changes());
}

#[test]
fn samples_without_common_seeds_are_tested_by_welch() {
    let shifted = |shift: f64| {
        let mut story = Story::new();
        for seed in 0..4 {
            let number = seed + if shift > 0.0 { 100 } else { 0 };
            let value = shift + seed as f64;
            story.finish(&dialog(1, "rbi", number), &[("test_accuracy", value)]);
        }
        let folder = tempdir().unwrap();
        story.write(folder.path());
        let request = Request { value: "test_accuracy".into(), ..Request::default() };
        compare(&Runs::read(folder.path(), "dialog").unwrap(), &request, None).unwrap()
    };
    let regression = against(&shifted(20.0), &shifted(0.0), Some(Better::Higher));
    let test = regression.cells[0].test.unwrap();
    // Equal variances and sizes: 2 (n - 1) degrees of freedom.
    assert_eq!((test.degrees, regression.cells[0].gap), (6.0, Some(20.0)));
    assert_eq!(regression.cells[0].verdict, Verdict::Better);
}

#[test]
fn a_comparison_as_parquet_has_typed_columns() {
    let bytes = std::io::Cursor::new(store(THERE).to_parquet().unwrap());
    let frame = ParquetReader::new(bytes).finish().unwrap();
    assert_eq!(frame.shape(), (6, 16));
    let kind = |name: &str| frame.column(name).unwrap().dtype().to_string();
    assert_eq!([kind("learner"), kind("n"), kind("mean")], ["str", "i64", "f64"]);
}
