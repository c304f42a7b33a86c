//! Comparisons in every format, with published numbers, tests and error messages.

use std::{fs, path::Path};

use experiment::{Better, Items, Statistic};
use serde_json::json;
use tables::{
    Comparison, Error, Format, Published, Request, Runs, Standing, Terminal, Test, compare,
};
use tempfile::tempdir;

use crate::fixture::{Story, dialog, spec};

fn request(rows: &[&str], columns: &[&str]) -> Request {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Request {
        rows: names(rows),
        columns: names(columns),
        value: "test_accuracy".into(),
        better: Some(Better::Higher),
        ..Request::default()
    }
}

fn runs(story: &Story) -> Runs {
    let store = tempdir().unwrap();
    story.write(store.path());
    Runs::read(store.path(), "dialog").unwrap()
}

fn published(text: &str) -> Published {
    let folder = tempdir().unwrap();
    let path = folder.path().join("babi.csv");
    fs::write(&path, text).unwrap();
    Published::read(&path).unwrap()
}

/// Two regimes and two learners, three seeds, one failed and one unfinished run.
fn quickstart() -> Story {
    let mut story = Story::new();
    for (regime, learner, base) in [(1, "rbi", 99.0), (1, "fp", 30.0), (2, "rbi", 98.0)] {
        for seed in 0..3 {
            let accuracy = base + seed as f64 * 0.5;
            story.finish(&dialog(regime, learner, seed), &[("test_accuracy", accuracy)]);
        }
    }
    story.fail(&dialog(2, "fp", 0), "diverged: loss is NaN at step 7");
    story.start(&dialog(2, "fp", 1));
    story
}

const THEIRS: &str = "regime,learner,policy_accuracy,metric,value,spread,source,confidence\n\
    1,rbi,0.5,test_accuracy,100,,\"Paper, table 1\",recalled\n\
    1,rbi,0.1,test_accuracy,90,,\"Paper, table 1\",recalled\n\
    1,fp,0.5,test_accuracy,23,1.5,\"Paper, table 1\",recalled\n\
    2,fp,0.5,test_accuracy,93,,\"Paper, table 1\",recalled\n\
    3,fp,0.5,test_accuracy,99,,\"Paper, table 1\",recalled\n";

fn comparison() -> Comparison {
    let request = request(&["regime"], &["learner"]);
    compare(&runs(&quickstart()), &request, Some(&published(THEIRS))).unwrap()
}

#[test]
fn a_comparison_for_a_terminal() {
    insta::assert_snapshot!(comparison().render(Format::Table(Terminal::default())));
}

#[test]
fn a_comparison_in_markdown() {
    insta::assert_snapshot!(comparison().render(Format::Markdown));
}

#[test]
fn a_comparison_in_latex() {
    insta::assert_snapshot!(comparison().render(Format::Latex));
}

#[test]
fn published_numbers_line_by_line() {
    let request = Request { lines: true, ..request(&["regime"], &["learner"]) };
    let compared = compare(&runs(&quickstart()), &request, Some(&published(THEIRS))).unwrap();
    insta::assert_snapshot!(compared.render(Format::Table(Terminal::default())));
}

#[test]
fn a_last_row_counts_the_cells_that_pass() {
    let request = Request { passes: Some(99.0), ..request(&["regime"], &["learner"]) };
    let theirs = "regime,learner,metric,value,spread,source,confidence\n\
        1,rbi,test_accuracy,98,,P,recalled\n2,rbi,test_accuracy,99,,P,recalled\n";
    let compared = compare(&runs(&quickstart()), &request, Some(&published(theirs))).unwrap();
    let text = compared.render(Format::Markdown);
    assert!(text.contains("\n| cells &gt;= 99 | 1 (1) | 0 |\n"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&compared.render(Format::Json)).unwrap();
    let columns = json!([{"ours": 1, "published": 1}, {"ours": 0, "published": null}]);
    assert_eq!(json["passes"], json!({"threshold": 99.0, "below": false, "columns": columns}));
    let records = compared.render(Format::Csv);
    assert_eq!(records.lines().count(), 5, "a header and four cells: {records}");
}

#[test]
fn a_cell_within_noise_of_the_best_is_tied() {
    let mut story = Story::new();
    for (learner, values) in
        [("a", [9.0, 8.0, 9.5]), ("b", [8.0, 9.0, 9.0]), ("c", [1.0, 0.0, 1.4])]
    {
        for (seed, value) in (0..).zip(values) {
            story.finish(&dialog(1, learner, seed), &[("test_accuracy", value)]);
        }
    }
    let compared = compare(&runs(&story), &request(&["regime"], &["learner"]), None).unwrap();
    let standings: Vec<_> = compared.cells[0].iter().map(|cell| cell.standing.unwrap()).collect();
    assert_eq!(standings, [Standing::Best, Standing::Tied, Standing::Worse]);
}

#[test]
fn a_comparison_as_csv() {
    insta::assert_snapshot!(comparison().render(Format::Csv));
}

#[test]
fn a_comparison_as_json() {
    let text = comparison().render(Format::Json);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["columns"], json!({"names": ["learner"], "keys": [["rbi"], ["fp"]]}));
    assert_eq!(value["rows"]["keys"], json!([[1], [2]]));
    let theirs = json!({"value": 100.0, "spread": null, "source": "Paper, table 1",
        "confidence": "recalled"});
    let cell = &value["cells"][0][0];
    assert_eq!(
        (&cell["n"], &cell["mean"], &cell["deviation"]),
        (&json!(3), &json!(99.5), &json!(0.5))
    );
    assert_eq!((&cell["published"], &cell["gap"]), (&theirs, &json!(-0.5)));
    assert_eq!((&cell["standing"], &cell["median"]), (&json!("best"), &json!(99.5)));
    assert_eq!(value["bootstrap"], json!({"seed": 2016, "draws": 10_000}));
    let counts = json!({"counted": 9, "failed": 1, "blocked": 0, "unfinished": 1, "pruned": 0, "without_value": 0,
        "superseded": 0, "missing": 0});
    assert_eq!(value["runs"], counts);
}

#[test]
fn several_names_share_an_axis() {
    let request = request(&["regime"], &["learner", "policy_accuracy"]);
    let comparison = compare(&runs(&quickstart()), &request, Some(&published(THEIRS))).unwrap();
    insta::assert_snapshot!(comparison.render(Format::Table(Terminal::default())));
    insta::assert_snapshot!(comparison.render(Format::Markdown));
}

#[test]
fn one_column_suffices() {
    let comparison = compare(&runs(&quickstart()), &request(&["regime", "learner"], &[]), None);
    insta::assert_snapshot!(comparison.unwrap().render(Format::Table(Terminal::default())));
}

#[test]
fn a_published_number_is_shown_only_where_it_is_the_only_one() {
    let mut story = Story::new();
    for (k, mode) in [(1, json!("auto")), (1, json!(0.5)), (2, json!(null))] {
        let run = spec("dialog", &json!({"k": k, "p": 0.5, "mode": mode}), 0);
        story.finish(&run, &[("test_accuracy", 1.0)]);
    }
    let theirs = "p,k,mode,open,metric,value,spread,source,confidence\n\
        0.50,1,auto,a,test_accuracy,10,,P,c\n\
        0.5,1,0.5,a,test_accuracy,20,,P,c\n\
        0.5,1,0.50,b,test_accuracy,21,,P,c\n\
        0.5,2,-,a,test_accuracy,30,,P,c\n\
        0.5,2,auto,a,test_accuracy,40,,P,c\n\
        0.4,2,0.5,a,test_accuracy,50,,P,c\n\
        0.5,2,0.5,a,other,60,,P,c\n";
    let request = request(&["k"], &["mode"]);
    let store = tempdir().unwrap();
    story.write(store.path());
    let runs = Runs::read(store.path(), "dialog").unwrap();
    let compared = compare(&runs, &request, Some(&published(theirs))).unwrap();
    let columns: Vec<String> = compared.columns.keys.iter().map(|key| key[0].to_string()).collect();
    assert_eq!(columns, ["auto", "0.5", "-"], "as the paper has them");
    let shown: Vec<Vec<Option<f64>>> = compared
        .cells
        .iter()
        .map(|row| row.iter().map(|cell| Some(cell.published.as_ref()?.value)).collect())
        .collect();
    // Of a hole, what all runs have is known.
    assert_eq!(shown, [[Some(10.0), None, None], [Some(40.0), None, Some(30.0)]]);
}

#[test]
fn lists_are_values_like_others() {
    let mut story = Story::new();
    for (layers, seed, accuracy) in
        [(json!([64, 32]), 0, 1.0), (json!([8]), 0, 2.0), (json!([64, 32]), 1, 3.0)]
    {
        let run = spec("dialog", &json!({"layers": layers, "regime": 1}), seed);
        story.finish(&run, &[("test_accuracy", accuracy)]);
    }
    let compared = compare(&runs(&story), &request(&["layers"], &[]), None).unwrap();
    let means: Vec<(String, Option<f64>)> = compared
        .rows
        .keys
        .iter()
        .zip(&compared.cells)
        .map(|(key, cells)| (key[0].to_string(), cells[0].mean))
        .collect();
    assert_eq!(means, [("[8]".into(), Some(2.0)), ("[64, 32]".into(), Some(2.0))]);
    let over = compare(&runs(&story), &request(&["regime"], &[]), None).unwrap();
    assert_eq!((over.averaged_over, over.cells[0][0].n), (vec!["layers".to_owned()], 3));
    // One name on both sides.
    let twice = compare(&runs(&story), &request(&["layers"], &["layers"]), None).unwrap();
    assert_eq!((twice.cells[0][0].n, twice.cells[0][1].n, twice.cells[1][1].n), (1, 0, 2));
}

#[test]
fn what_a_cell_averages_over_is_said() {
    let mut story = Story::new();
    for (policy, accuracy) in [(0.5, 90.0), (0.1, 70.0)] {
        let params = json!({"regime": 1, "learner": "rbi", "policy_accuracy": policy});
        story.finish(&spec("dialog", &params, 0), &[("test_accuracy", accuracy)]);
    }
    let request = request(&["regime"], &["learner"]);
    let comparison = compare(&runs(&story), &request, Some(&published(THEIRS))).unwrap();
    assert_eq!(comparison.averaged_over, ["policy_accuracy"]);
    let cell = &comparison.cells[0][0];
    assert_eq!((cell.n, cell.mean, &cell.published), (2, Some(80.0), &None));
    assert!(comparison.footer().contains(&"cells average over policy_accuracy".into()));
}

#[test]
fn a_newer_version_of_a_run_replaces_the_older() {
    let mut story = Story::new();
    let old = dialog(1, "rbi", 0);
    story.finish(&old, &[("test_accuracy", 50.0)]);
    let new = story.replace(&old, &[("test_accuracy", 60.0)]);
    let comparison = compare(&runs(&story), &request(&["regime"], &[]), None).unwrap();
    assert_eq!(comparison.cells[0][0].mean, Some(60.0));
    assert_eq!((comparison.runs.counted, comparison.runs.superseded), (1, 1));
    let mut request = request(&["regime"], &[]);
    request.selection.runs = Some([old.run].into());
    let comparison = compare(&runs(&story), &request, None).unwrap();
    assert_eq!(comparison.cells[0][0].mean, Some(50.0));

    // A newer one that failed leaves no number of the old code in its place.
    let failed = journal::Outcome::Failed { error: "diverged".into() };
    story.end(&new, failed, &[]);
    request.selection.runs = None;
    let error = compare(&runs(&story), &request, None).unwrap_err().to_string();
    assert!(
        error.contains("no run of dialog has a final test_accuracy: 1 failed, 1 replaced"),
        "{error}"
    );
}

#[test]
fn wrong_names_are_explained() {
    let mut story = quickstart();
    let run = spec("dialog", &json!({"loss": "l2", "regime": 1, "learner": "rbi"}), 9);
    story.finish(&run, &[("test_accuracy", 1.0), ("loss", 0.5)]);
    let runs = runs(&story);
    let error = |rows: &str, value: &str| {
        let mut request = request(&[rows], &[]);
        request.value = value.into();
        compare(&runs, &request, None).unwrap_err().to_string()
    };
    let unknown = error("regim", "test_accuracy");
    let listed = "\"regim\" names no column; did you mean \"regime\"? (columns are: learner, loss, \
        policy_accuracy, regime, seed, sweep, status, ";
    assert!(unknown.starts_with(listed), "{unknown}");
    assert_eq!(
        error("regime", "zzzzzz"),
        "\"zzzzzz\" names no final metric (final metrics are: loss, test_accuracy)"
    );
    assert_eq!(
        error("regime", "loss"),
        "\"loss\" is ambiguous: wanted one of params.loss, final.loss"
    );
    assert_eq!(error("regime", "learner"), "params.learner: wanted a column of numbers, found str");
    assert_eq!(runs.resolve("final.loss").unwrap(), "final.loss");
}

#[test]
fn nothing_finished_is_nothing_to_compare() {
    let mut story = Story::new();
    story.fail(&dialog(1, "rbi", 0), "no data");
    story.finish(&dialog(2, "rbi", 0), &[("other", 1.0)]);
    let mut other = dialog(3, "rbi", 0);
    other.sweep = "other".into();
    story.finish(&other, &[("test_accuracy", 1.0)]);
    let mut request = request(&["regime"], &[]);
    request.selection.sweep = Some("quickstart".into());
    let error = compare(&runs(&story), &request, None).unwrap_err();
    assert!(matches!(error, Error::Nothing(_)));
    assert_eq!(
        error.to_string(),
        "nothing to compare: no run of dialog has a final test_accuracy: 1 failed, 1 finished without \
         it; `regimen plan` says why runs failed"
    );
    let missing = Published::find(Path::new("nowhere"), "dialog/babi").unwrap_err();
    assert!(matches!(missing, Error::Nothing(_)), "{missing}");
}

#[test]
fn hostile_names_are_inert_in_every_form() {
    let hostile = "../\\input{x}$&%\u{1b}[31m|<script>\u{9b}2J\n\u{202e}";
    let long = "x".repeat(10_000);
    let mut story = Story::new();
    for learner in [hostile, &long] {
        story.finish(&dialog(1, learner, 0), &[("test_accuracy", 1.0)]);
    }
    let comparison = compare(&runs(&story), &request(&["learner"], &["regime"]), None).unwrap();
    for format in [
        Format::Table(Terminal::default()),
        Format::Markdown,
        Format::Latex,
        Format::Csv,
        Format::Json,
    ] {
        let text = comparison.render(format);
        let active = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(active), "{format:?}: {text:?}");
    }
    let markdown = comparison.render(Format::Markdown);
    assert!(markdown.contains("\\\\u{1b}\\[31m\\|&lt;script&gt;\\\\u{9b}2J\\\\n"), "{markdown}");
    let table = comparison.render(Format::Table(Terminal::default()));
    let names = table.lines().filter(|line| line.contains("xxx") || line.contains("script"));
    assert!(names.map(|line| line.chars().count()).max() < Some(90), "{table}");
    let json: serde_json::Value = serde_json::from_str(&comparison.render(Format::Json)).unwrap();
    assert_eq!(json["rows"]["keys"][0][0], hostile);
}

/// Two learners, three seeds, answers to four questions each.
fn answered(right: [[&[bool]; 3]; 2]) -> Comparison {
    let mut story = Story::new();
    for (learner, seeds) in ["fp", "rbi"].into_iter().zip(right) {
        for (seed, answers) in seeds.into_iter().enumerate() {
            let run = dialog(1, learner, seed as u64);
            story.start(&run);
            let row = |(question, correct): (usize, &bool)| json!({"question": question, "correct": correct});
            let rows: Vec<_> = answers.iter().enumerate().map(row).collect();
            story.rows(&run, "answers", &rows);
            let right = answers.iter().filter(|correct| **correct).count();
            let accuracy = 100.0 * right as f64 / answers.len() as f64;
            story.end(&run, journal::Outcome::Finished, &[("test_accuracy", accuracy)]);
        }
    }
    let store = tempdir().unwrap();
    story.write(store.path());
    let items = Items::new("test_accuracy", "answers", "question", Statistic::mean("correct"), 100);
    let request = Request { items: Some(items), ..request(&["learner"], &[]) };
    compare(&Runs::read(store.path(), "dialog").unwrap(), &request, None).unwrap()
}

#[test]
fn tests_are_over_items_where_runs_left_their_scores() {
    let (all, none) = ([true; 4].as_slice(), [false; 4].as_slice());
    let comparison = answered([[none; 3], [all; 3]]);
    let worse = &comparison.cells[0][0];
    // Every draw shows the same difference: the smallest p of 10,000 draws.
    let p = 1.0 / 10_001.0;
    assert_eq!(worse.test, Some(Test::HierarchicalBootstrap { seeds: 3, items: 4, p }));
    assert_eq!(worse.standing, Some(Standing::Worse));
    insta::assert_snapshot!(comparison.footer().join("\n"));

    let mixed = [true, false, true, false].as_slice();
    let opposite = [false, true, false, true].as_slice();
    let tied = answered([[mixed, opposite, mixed], [opposite, mixed, mixed]]);
    let other = tied.cells.iter().flatten().find(|cell| cell.test.is_some()).unwrap();
    assert_eq!(other.standing, Some(Standing::Tied));
}

#[test]
fn runs_that_answered_different_items_are_tested_over_seeds() {
    let (four, three) = ([true; 4].as_slice(), [false, false, true].as_slice());
    let comparison = answered([[three; 3], [four; 3]]);
    assert!(matches!(comparison.cells[0][0].test, Some(Test::PairedT(_))));
}
