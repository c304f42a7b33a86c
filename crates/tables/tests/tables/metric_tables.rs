//! Tables as configurations ask for them: values side by side, several metrics, several kinds.

use experiment::{Better, RunId};
use serde_json::{Value, json};
use tables::{Error, Format, MetricTable, Published, Request, Runs, Standing, Terminal, compare};
use tempfile::{TempDir, tempdir};

use crate::fixture::{Story, dialog, spec};

fn stored(story: &Story) -> (TempDir, Runs) {
    let store = tempdir().unwrap();
    story.write(store.path());
    let runs = Runs::read(store.path(), &story.fold.runs.values().next().unwrap().spec.experiment);
    (store, runs.unwrap())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn table(width: usize) -> Format {
    Format::Table(Terminal { width: Some(width), ascii: false })
}

/// Ten regimes, four learners and three policies, each three times, as in the table of the paper.
fn paper() -> Story {
    let mut story = Story::new();
    for regime in 1..=10_u32 {
        for (learner, base) in [("imitation", 20.0), ("rbi", 40.0), ("fp", 60.0), ("rbi+fp", 80.0)]
        {
            for (policy, less) in [(0.5, 0.0), (0.1, 5.0), (0.01, 10.0)] {
                for seed in 0..3_u32 {
                    let params = json!({"regime": regime, "learner": learner, "policy": policy});
                    let accuracy = base - less + f64::from(regime) + f64::from(seed) / 10.0;
                    story.finish(
                        &spec("dialog", &params, u64::from(seed)),
                        &[("accuracy", accuracy)],
                    );
                }
            }
        }
    }
    story
}

/// The paper has numbers for the first regime, in its own order of learners and policies.
fn printed() -> Published {
    let mut text = String::from("regime,learner,policy,metric,value,spread,source,confidence\n");
    for (learner, value) in [("imitation", 21), ("rbi", 41), ("fp", 61), ("rbi+fp", 99)] {
        for policy in ["0.5", "0.1", "0.01"] {
            text.push_str(&format!("1,{learner},{policy},accuracy,{value},,Paper,verified\n"));
        }
    }
    Published::of_text("paper", &text).unwrap()
}

fn paper_table() -> Vec<MetricTable> {
    let request = Request {
        rows: names(&["regime"]),
        columns: names(&["learner"]),
        cells: names(&["policy"]),
        value: "accuracy".into(),
        better: Some(Better::Higher),
        passes: Some(80.0),
        ..Request::default()
    };
    let (_store, runs) = stored(&paper());
    let title = Some("Table 1".into());
    vec![MetricTable::new(title, &runs, &[request], Some(&printed())).unwrap()]
}

#[test]
fn values_side_by_side_fit_where_the_paper_prints_them() {
    let tables = paper_table();
    insta::assert_snapshot!(MetricTable::render(&tables, table(80)));
    insta::assert_snapshot!(MetricTable::render(&tables, table(120)));
    insta::assert_snapshot!(MetricTable::render(&tables, Format::Latex));
    let markdown = MetricTable::render(&tables, Format::Markdown);
    let row = "| 1 | 21.1 ±0.1 / 16.1 ±0.1 / 11.1 ±0.1 (21 / 21\\! / 21\\!) |";
    assert!(markdown.contains(row), "{markdown}");
}

#[test]
fn alternatives_are_compared_under_the_same_condition() {
    let comparison = &paper_table()[0].comparisons[0];
    assert_eq!(comparison.inner.names, ["policy"]);
    let row = &comparison.cells[0];
    for (key, cell) in comparison.columns.keys.iter().zip(row) {
        let best = key[0].to_string() == "rbi+fp";
        assert_eq!(cell.standing == Some(Standing::Best), best, "{key:?}");
    }
    let csv = MetricTable::render(&paper_table(), Format::Csv);
    assert_eq!(csv.lines().count(), 1 + 10 * 4 * 3, "a line a cell and value");
}

#[test]
fn a_combination_that_does_not_exist_is_a_hole() {
    let mut story = Story::new();
    for (learner, policy) in [("rbi", 0.5), ("rbi", 0.1), ("fp", 0.1)] {
        story.finish(
            &spec("dialog", &json!({"learner": learner, "policy": policy}), 0),
            &[("a", 1.0)],
        );
    }
    let request = Request {
        columns: names(&["learner"]),
        cells: names(&["policy"]),
        value: "a".into(),
        ..Request::default()
    };
    let (_store, runs) = stored(&story);
    let text = compare(&runs, &request, None).unwrap().render(table(80));
    assert!(text.contains("policy 0.1 / 0.5 in each cell"), "{text}");
    assert!(text.contains("1.00 / -") && text.contains("1.00 / 1.00"), "{text}");
}

/// A metric that is to be low, one without a direction, and one that nobody has.
fn shared() -> MetricTable {
    let mut story = Story::new();
    for (sharing, test, place) in
        [("learned", 1.9, 1.7), ("tied", 2.1, 1.5), ("separate", 2.2, 1.6)]
    {
        for seed in 0..2 {
            let run = spec("hypergrad", &json!({"sharing": sharing}), seed);
            story.finish(&run, &[("test_loss", test + seed as f64 / 50.0), ("place", place)]);
        }
    }
    let request = |value: &str, better| Request {
        rows: names(&["sharing"]),
        value: value.into(),
        better,
        ..Request::default()
    };
    let requests = [
        request("test_loss", Some(Better::Lower)),
        request("place", None),
        request("tset_loss", Some(Better::Lower)),
    ];
    let published = "sharing,metric,value,spread,source,confidence\n\
        separate,test_loss,1.34,,Paper,verified\ntied,test_loss,1.25,,Paper,verified\n\
        learned,test_loss,1.13,,Paper,verified\n";
    let published = Published::of_text("omniglot", published).unwrap();
    let (_store, runs) = stored(&story);
    MetricTable::new(Some("Figure 8".into()), &runs, &requests, Some(&published)).unwrap()
}

#[test]
fn several_metrics_stand_beside_each_other_each_with_its_own_marks() {
    let tables = [shared()];
    insta::assert_snapshot!(MetricTable::render(&tables, table(80)));
    let json: Value = serde_json::from_str(&MetricTable::render(&tables, Format::Json)).unwrap();
    let parts: Vec<_> =
        json.as_array().unwrap().iter().map(|p| (&p["title"], &p["metric"])).collect();
    let title = json!("Figure 8");
    assert_eq!(parts, [(&title, &json!("test_loss")), (&title, &json!("place"))]);
}

#[test]
fn tables_of_other_columns_are_one_list_for_machines() {
    let tables = [paper_table().remove(0), shared()];
    let csv = MetricTable::render(&tables, Format::Csv);
    let mut lines = csv.lines();
    assert_eq!(
        lines.next().unwrap(),
        "table,regime,learner,policy,metric,n,mean,deviation,median,low,high,standing,p,published,\
         spread,gap,source,confidence,agreement,sharing"
    );
    let last = lines.last().unwrap();
    assert!(last.starts_with("2,,,,place,2,1.7,") && last.ends_with(",learned"), "{last}");
    let text = MetricTable::render(&tables, table(200));
    assert_eq!(text.matches("\n\nFigure 8\nhypergrad: mean").count(), 1, "{text}");
}

/// Runs of a program that was given each of these values.
fn given(values: &[Value]) -> (TempDir, Runs) {
    let mut story = Story::new();
    for (at, value) in values.iter().enumerate() {
        let run = spec("command", &json!({"values": {"k": value}}), 0);
        story.finish(&run, &[("n", at as f64)]);
    }
    stored(&story)
}

/// Names of the rows by that value.
fn rows(values: &[Value]) -> Vec<String> {
    let request = Request { rows: names(&["values.k"]), value: "n".into(), ..Request::default() };
    let (_store, runs) = given(values);
    let text = compare(&runs, &request, None).unwrap().render(Format::Table(Terminal::default()));
    let body = text.lines().skip_while(|line| !line.starts_with('═')).skip(1);
    body.take_while(|line| !line.starts_with('─'))
        .map(|line| line.rsplit_once("  ").unwrap().0.trim().to_owned())
        .collect()
}

#[test]
fn values_that_differ_are_rows_that_can_be_told_apart_in_their_natural_order() {
    assert_eq!(
        rows(&[json!(1), json!("1"), json!(2), json!(10), json!("auto")]),
        ["1", "2", "10", "\"1\"", "auto"]
    );
    assert_eq!(rows(&[json!("10"), json!("2"), json!("1")]), ["\"1\"", "\"2\"", "\"10\""]);
    assert_eq!(rows(&[json!(1), json!(1.0), json!(0.5)]), ["0.5", "1", "1.0"]);
    assert_eq!(rows(&[json!([1, 2]), json!("[1,2]")]), ["\"[1,2]\"", "[1, 2]"]);
    assert_eq!(rows(&[json!(true), json!("true")]), ["true", "\"true\""]);
    assert_eq!(
        rows(&[json!("layer10"), json!("layer2"), json!("layer1")]),
        ["layer1", "layer2", "layer10"]
    );
    assert_eq!(rows(&[json!(1e-20), json!(1e308), json!(0.25)]), ["1e-20", "0.25", "1e308"]);
    let programs: Vec<Value> =
        ["a", "b"].map(|end| json!(["python3", format!("train{}.py", "x".repeat(80)), end])).into();
    let named = rows(&programs);
    assert!(named[0].ends_with(", a]") && named[1].ends_with(", b]"), "{named:?}");
}

#[test]
fn a_parameter_that_hides_a_difference_is_named() {
    let request = Request { value: "n".into(), ..Request::default() };
    let (_store, runs) = given(&[json!(1), json!("1")]);
    let comparison = compare(&runs, &request, None).unwrap();
    assert_eq!((comparison.cells[0][0].n, &*comparison.averaged_over[0]), (2, "values.k"));
}

#[test]
fn a_metric_that_was_recorded_by_step_only_is_said_to_be() {
    let mut story = Story::new();
    let run = dialog(1, "rbi", 0);
    story.start(&run);
    story.metrics(&run, &[(1, "loss", 0.5), (2, "loss", 0.25)]);
    story.end(&run, journal::Outcome::Finished, &[("accuracy", 1.0)]);
    let store = tempdir().unwrap();
    story.write(store.path());
    let runs = Runs::read(store.path(), "dialog").unwrap();
    let error = |value: &str| {
        compare(&runs, &Request { value: value.into(), ..Request::default() }, None).unwrap_err()
    };
    assert_eq!(
        error("loss").to_string(),
        "nothing to compare: no run of dialog has a final loss: 1 finished without it; it was \
         recorded by step only (2 values), and tables show what runs report as final"
    );
    // A parameter is no guess where a metric is wanted.
    assert_eq!(
        error("learner_").to_string(),
        "\"learner_\" names no final metric (final metrics are: accuracy)"
    );
}

#[test]
fn runs_that_all_failed_have_no_wrong_names() {
    let mut story = Story::new();
    for seed in 0..2 {
        story.fail(&spec("command", &json!({"pass": "arguments"}), seed), "exit code 7");
    }
    let (_store, runs) = stored(&story);
    let mut request =
        Request { rows: names(&["seed"]), value: "loss".into(), ..Request::default() };
    let ids = story.fold.runs.keys().copied().chain([RunId::of("a third one")]);
    request.selection.runs = Some(ids.collect());
    let error = compare(&runs, &request, None).unwrap_err();
    assert!(matches!(error, Error::Nothing(_)));
    assert_eq!(
        error.to_string(),
        "nothing to compare: no run of command has a final loss: 2 failed, 1 not in the store; \
         `regimen plan` says why runs failed"
    );
    assert!(runs.only_failed().unwrap());
}

#[test]
fn what_was_changed_is_said_beside_published_numbers() {
    let request = Request {
        rows: names(&["regime"]),
        columns: names(&["learner"]),
        cells: names(&["policy"]),
        value: "accuracy".into(),
        changed: vec!["params.epochs=20 in place of 10".into()],
        ..Request::default()
    };
    let (_store, runs) = stored(&paper());
    let said = |published: Option<&Published>| {
        let footer = compare(&runs, &request, published).unwrap().footer();
        footer.into_iter().find(|line| line.starts_with("with ")).unwrap()
    };
    assert_eq!(said(None), "with params.epochs=20 in place of 10");
    assert_eq!(
        said(Some(&printed())),
        "with params.epochs=20 in place of 10, so published numbers may not apply"
    );
}

#[test]
fn a_terminal_without_utf8_gets_ascii() {
    let text =
        MetricTable::render(&paper_table(), Format::Table(Terminal { width: None, ascii: true }));
    assert!(text.is_ascii(), "{text}");
    assert!(text.contains("21.1 +-0.1") && text.contains("learner ->") && text.contains("===="));
}

#[test]
fn a_search_leaves_no_rows_of_what_it_pruned() {
    let mut story = Story::new();
    story.finish(&dialog(1, "rbi", 0), &[("accuracy", 1.0)]);
    story.fail(&dialog(2, "rbi", 0), "no data");
    let pruned = dialog(3, "rbi", 0);
    story.start(&pruned);
    story.end(&pruned, journal::Outcome::Paused { step: 1, value: 0.5 }, &[]);
    let (_store, runs) = stored(&story);
    let request =
        Request { rows: names(&["regime"]), value: "accuracy".into(), ..Request::default() };
    let comparison = compare(&runs, &request, None).unwrap();
    assert_eq!(comparison.rows.keys, [[tables::Cell::Int(1)], [tables::Cell::Int(2)]]);
    assert_eq!((comparison.runs.failed, comparison.runs.pruned), (1, 1));
}
