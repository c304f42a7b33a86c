//! The content of report pages: tables, curves, effects, failures, escaping and size.

use std::{fs, path::Path};

use experiment::{Better, Metric};
use journal::Outcome;
use serde_json::{Value, json};
use tables::{About, Asked, Checksum, Error, Log, Published, Report, Request, Selection, Subject};
use tempfile::tempdir;

use crate::{
    fixture::{Story, dialog, spec},
    pictures::png,
};

const METRICS: &[Metric] = &[Metric::new("test_accuracy", "%", Better::Higher)];

pub(crate) fn render(store: &Path, subjects: Vec<Subject>) -> Result<String, Error> {
    render_at(None, store, subjects)
}

/// The page for a place from which it links to the store.
pub(crate) fn render_at(
    page: Option<&Path>,
    store: &Path,
    subjects: Vec<Subject>,
) -> Result<String, Error> {
    let about = |_: &str| About {
        summary: "Dialog-based language learning".into(),
        schema: json!({"properties": {
            "regime": {
                "description": "Feedback regime.",
                "oneOf": [{"const": 1, "description": "Every answer is right."}],
            },
            "policy_accuracy": {"description": "How often the student is right.", "default": 0.1},
        }}),
        metrics: METRICS.to_vec(),
    };
    let report = Report {
        store,
        page,
        subjects,
        about: &about,
        log: &|run, _| {
            let tail = "loss 3\nTraceback <b>\n  line 7".into();
            (run == dialog(2, "rbi", 7).run).then(|| Log { path: "logs/it.log".into(), tail })
        },
        made_by: "regimen 0.1.0".into(),
        command: "regimen report -o report.html".into(),
    };
    report.render()
}

pub(crate) fn page(story: &Story) -> String {
    let store = tempdir().unwrap();
    story.write(store.path());
    render(store.path(), Vec::new()).unwrap()
}

/// Whether `parts` stand in `text` one after the other.
pub(crate) fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("{part:?} is not in order in:\n{text}");
        };
        rest = after;
    }
}

/// Two regimes and two learners, two seeds with curves, and a failed run.
pub(crate) fn story() -> Story {
    let mut story = Story::new();
    for (regime, learner, base) in
        [(1, "rbi", 90.0), (1, "fp", 30.0), (2, "rbi", 80.0), (2, "fp", 50.0)]
    {
        for seed in 0..2 {
            let run = dialog(regime, learner, seed);
            let offset = 2.0 * seed as f64;
            story.start(&run);
            story.metrics(&run, &[(10, "loss", base + offset), (20, "loss", base / 2.0 + offset)]);
            story.end(&run, Outcome::Finished, &[("test_accuracy", base + offset)]);
        }
    }
    story.fail(&dialog(2, "rbi", 7), "diverged: loss is NaN\n  at step 7");
    story
}

pub(crate) fn asked() -> Subject {
    let theirs = "regime,learner,metric,value,spread,source,confidence\n\
        1,rbi,test_accuracy,95,,\"Paper, table 1\",recalled\n";
    let folder = tempdir().unwrap();
    let path = folder.path().join("babi.csv");
    fs::write(&path, theirs).unwrap();
    Subject {
        title: "asked".into(),
        experiment: "dialog".into(),
        tables: vec![Asked {
            title: None,
            request: Request {
                rows: vec!["regime".into()],
                columns: vec!["learner".into()],
                value: "test_accuracy".into(),
                better: Some(Better::Higher),
                ..Request::default()
            },
            published: Some(Published::read(&path).unwrap()),
        }],
        configuration: Some("name: asked\n".into()),
        command: Some("regimen run asked.yaml".into()),
        data: vec![Checksum { name: "babi".into(), checksum: "sha256:abc".into() }],
        ..Subject::default()
    }
}

#[test]
fn means_published_numbers_and_gaps_are_in_the_table() {
    let store = tempdir().unwrap();
    story().write(store.path());
    let page = render(store.path(), vec![asked()]).unwrap();
    // 90 and 92: mean 91, deviation sqrt(2), 4 below the paper.
    assert_in_order(
        &page,
        &[
            "learner →",
            "Every answer is right.\">1</th>",
            "91.0",
            "±1.4",
            "95",
            "-4.0",
            "31.0",
            "±1.4",
        ],
    );
    for part in [
        "published: Paper, table 1 (quoted from memory, not checked against the paper)",
        "left out: 1 failed",
        "10000 draws of seed 2016",
        "regimen run asked.yaml",
        "regimen report -o report.html",
        "name: asked",
        "<code>sha256:abc</code>",
        "OpenBLAS Haswell",
        "Test CPU",
        "abc1234",
        "node1",
        "diverged: loss is NaN\n  at step 7",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn curves_are_means_over_seeds_with_bands() {
    let page = page(&story());
    // Seeds 0 and 1 of regime 1 end at 45 and 47 (rbi), at 15 and 17 (fp).
    assert!(
        page.contains("loss by step, 10.00 to 20.00; at the end: fp 16.00, rbi 46.00"),
        "{page}"
    );
    for series in ["s0", "s1"] {
        let lines = page.matches(&format!("<polyline class=\"line {series}\"")).count();
        assert!(lines >= 2, "{series}: {lines}");
    }
    assert_eq!(page.matches("<polygon class=\"band").count(), 4, "a band for every curve");
    assert_in_order(&page, &["class=\"legend\"", "> fp</li>", "> rbi</li>"]);
}

#[test]
fn effects_average_over_everything_else() {
    let page = page(&story());
    // Regime 1: 90, 92, 30, 32. Learner fp: 30, 32, 50, 52.
    assert_in_order(
        &page,
        &[
            "Effects of parameters",
            "<th scope=\"row\">fp</th><td class=\"n\">4</td><td class=\"n\">41.00</td>",
        ],
    );
    assert_in_order(
        &page,
        &[
            "Effects of parameters",
            "<th scope=\"row\">1</th><td class=\"n\">4</td><td class=\"n\">61.00</td>",
        ],
    );
}

#[test]
fn a_map_has_the_names_of_its_axes_and_a_legend_of_its_colours() {
    let page = page(&story());
    let map = page.split_once("class=\"map\"").unwrap().1;
    assert_in_order(
        map,
        &[
            "learner →",
            "regime ↓",
            "title=\"regime 1, learner fp: 31.00 ± 1.414 (2 runs)\">31.0</td>",
            "<p class=\"ramp\"><span>31</span>",
            "<span>91</span>",
        ],
    );
    assert!(map.contains("<td class=\"c0\"") && map.contains("<td class=\"c9\""));
}

#[test]
fn one_wild_mean_leaves_the_colours_of_the_others() {
    let mut story = Story::new();
    for (at, value) in [1.0, 2.0, 3.0, 4.0, 5.0, 8.45e204].into_iter().enumerate() {
        let run = dialog(1 + at as u64 / 3, ["fp", "imitation", "rbi"][at % 3], 0);
        story.finish(&run, &[("test_accuracy", value)]);
    }
    let page = page(&story);
    assert!(page.contains("1 mean lies more than three interquartile ranges beyond"), "{page}");
    let levels = (0..10).filter(|level| page.contains(&format!("<td class=\"c{level}\" title")));
    assert_eq!(levels.count(), 5, "one each for 1 to 4, and that of 5 for the wild one too");
}

#[test]
fn means_that_are_no_finite_numbers_are_shown_as_such() {
    let mut story = Story::new();
    for (seed, value) in [f64::INFINITY, 1.0].into_iter().enumerate() {
        story.finish(&dialog(1, "fp", seed as u64), &[("test_accuracy", value)]);
    }
    story.finish(&dialog(1, "rbi", 0), &[("test_accuracy", f64::NAN)]);
    story.finish(&dialog(2, "rbi", 0), &[("test_accuracy", 50.0)]);
    let page = page(&story);
    for part in [">inf</span>", ">NaN</span>"] {
        assert!(page.contains(part), "{part}");
    }
    for part in ["±inf", "±NaN", "±-inf", "[inf"] {
        assert!(!page.contains(part), "{part}");
    }
}

#[test]
fn a_page_tells_what_it_is_about_and_what_parameters_mean() {
    let store = tempdir().unwrap();
    story().write(store.path());
    let page = render(store.path(), vec![asked()]).unwrap();
    assert_in_order(
        &page,
        &[
            "<h1>asked</h1>",
            "<p class=\"lead\">Dialog-based language learning</p>",
            "9 runs: 8 finished, 1 failed. Made on 1 January 1970 (UTC)",
            "<dt>regime</dt>",
            "<dd>Feedback regime.</dd>",
            "<li><b>1</b> Every answer is right.</li>",
            "In all runs: <span class=\"fixed\" title=\"How often the student is right.\">policy_accuracy 0.5</span>",
            "<th scope=\"row\" title=\"regime 1: Every answer is right.\">1</th>",
        ],
    );
}

#[test]
fn failures_are_lines_with_the_end_of_the_log() {
    let page = page(&story());
    assert_in_order(
        &page,
        &[
            "Failed runs (1)",
            "diverged: loss is NaN\n  at step 7\n</pre>",
            "learner=rbi",
            "seed=7",
            "<code>logs/it.log</code>",
            "loss 3\nTraceback &#60;b&#62;\n  line 7\n</pre>",
        ],
    );
}

#[test]
fn runs_stand_in_the_order_of_the_plan() {
    let store = tempdir().unwrap();
    story().write(store.path());
    let runs = [dialog(2, "rbi", 1), dialog(1, "fp", 0), dialog(2, "fp", 1)];
    let ids = runs.map(|run| run.run);
    let subject = Subject { order: ids.to_vec(), ..asked() };
    let page = render(store.path(), vec![subject]).unwrap();
    let rows = page.split_once("table class=\"sortable raw\"").unwrap().1;
    let short: Vec<String> =
        ids.iter().map(|id| format!("<td>{}</td>", &id.to_string()[..10])).collect();
    assert_in_order(rows, &short.iter().map(String::as_str).collect::<Vec<_>>());
    // Without a plan, by what varies: learner before regime, as the columns are.
    let page = self::page(&story());
    let rows = page.split_once("table class=\"sortable raw\"").unwrap().1;
    let expected =
        [dialog(1, "fp", 0), dialog(1, "fp", 1), dialog(2, "fp", 0), dialog(1, "rbi", 0)];
    let short: Vec<String> =
        expected.iter().map(|run| format!("<td>{}</td>", &run.run.to_string()[..10])).collect();
    assert_in_order(rows, &short.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn every_table_that_is_asked_for_is_shown() {
    let store = tempdir().unwrap();
    let mut story = Story::new();
    for (regime, learner) in [(1, "rbi"), (1, "fp"), (2, "rbi"), (2, "fp")] {
        let run = dialog(regime, learner, 0);
        story.start(&run);
        story.metrics(&run, &[(1, "loss", 2.0), (2, "loss", 1.0)]);
        let results = [("test_accuracy", 90.0), ("loss", regime as f64)];
        story.end(&run, Outcome::Finished, &results);
    }
    story.write(store.path());
    let mut subject = asked();
    subject.tables[0].title = Some("Accuracies".into());
    let mut second = subject.tables[0].clone();
    second.title = Some("Losses <b>".into());
    second.request.value = "loss".into();
    second.published = None;
    subject.tables.push(second);
    let mut none = subject.tables[0].clone();
    none.request.selection.runs = Some([dialog(9, "fp", 0).run].into());
    none.title = Some("Nothing".into());
    subject.tables.push(none);
    let page = render(store.path(), vec![subject]).unwrap();
    assert_in_order(
        &page,
        &[
            "No result table: Nothing: no run of dialog has a final test_accuracy",
            ">Accuracies</h3>",
            "90",
            ">Losses &#60;b&#62;</h3>",
            ">2</span>",
        ],
    );
    assert_eq!(
        page.matches("<h4>loss by step</h4>").count(),
        1,
        "both tables have the same curves"
    );
}

#[test]
fn metrics_of_one_table_stand_below_one_heading() {
    let store = tempdir().unwrap();
    let mut story = Story::new();
    for regime in [1, 2] {
        let results = [("test_accuracy", 90.0), ("loss", regime as f64)];
        story.finish(&dialog(regime, "rbi", 0), &results);
    }
    story.write(store.path());
    let mut subject = asked();
    subject.tables[0].title = Some("Figure 1".into());
    let mut second = subject.tables[0].clone();
    second.request.value = "loss".into();
    second.published = None;
    let mut other = second.clone();
    other.title = Some("Figure 2".into());
    subject.tables.extend([second, other]);
    let page = render(store.path(), vec![subject]).unwrap();
    let captions = [">Figure 1</h3>", "test_accuracy: mean", "loss: mean", ">Figure 2</h3>"];
    assert_in_order(&page, &captions);
    assert_eq!(page.matches(">Figure 1</h3>").count(), 1);
    assert_eq!(page.matches("<div class=\"metrics\">").count(), 2);
    assert_eq!(page.matches("<div").count(), page.matches("</div>").count());
}

#[test]
fn columns_that_share_a_value_stand_below_one_head_and_fold_into_blocks() {
    let store = tempdir().unwrap();
    let mut story = Story::new();
    for regime in 1..4_u64 {
        for learner in ["fp", "imitation", "rbi", "rbi+fp"] {
            for policy in [0.01, 0.1, 0.5] {
                let params =
                    json!({"regime": regime, "learner": learner, "policy_accuracy": policy});
                let run = spec("dialog", &params, 0);
                story.finish(&run, &[("test_accuracy", 10.0 * policy + regime as f64)]);
            }
        }
    }
    story.write(store.path());
    let mut subject = asked();
    subject.tables[0].request.columns = vec!["learner".into(), "policy_accuracy".into()];
    subject.tables[0].published = None;
    let page = render(store.path(), vec![subject]).unwrap();
    let (whole, folded) = page.split_once("class=\"folded\"").unwrap();
    assert_eq!(whole.matches("colspan=\"3\">rbi").count(), 2, "rbi and rbi+fp");
    assert_in_order(
        whole,
        &["learner →", "colspan=\"3\">fp</th>", "policy_accuracy →", "0.01</th>"],
    );
    let tables = folded.split("class=\"table-box").next().unwrap().split("map-box").next().unwrap();
    assert_eq!(tables.matches("<table class=\"results\"").count(), 4, "a block a learner");
    assert_eq!(page.matches("<table class=\"map\"").count(), 4, "a map a learner");
    assert_eq!(page.matches("class=\"ramp\"").count(), 1, "in the same colours");
}

#[test]
fn every_sweep_has_a_section_and_further_ones_are_counted() {
    let mut story = Story::new();
    for sweep in 0..45 {
        let mut run = dialog(sweep, "fp", 0);
        run.sweep = format!("sweep-{sweep:02}");
        story.finish(&run, &[("test_accuracy", 1.0)]);
    }
    let page = page(&story);
    assert!(page.contains("sweep-00") && page.contains("sweep-39") && !page.contains("sweep-40"));
    assert!(page.contains("5 further sweeps are not shown"));
}

/// What a page must never hold as it is, wherever a name or value came from.
pub(crate) fn assert_inert(page: &str) {
    for active in [
        "<script>alert",
        "<img src=x",
        "<b onerror",
        "\u{1b}",
        "\u{202e}",
        "\u{0}",
        "\r",
        "</svg><",
    ] {
        assert!(!page.contains(active), "{active:?}");
    }
    assert_eq!(page.matches("<script").count(), 1, "only the page's own");
    assert!(!page.contains(&"x".repeat(2100)), "long text is cut");
    assert!(!page.contains("src=\"http") && !page.contains("href=\"http"), "nothing is loaded");
}

#[test]
fn hostile_names_are_inert_and_short() {
    let names = [
        "<script>alert(1)</script>".to_owned(),
        "\"><img src=x onerror=alert(1)>".to_owned(),
        "\u{1b}[31mred\u{202e}".to_owned(),
        "../../etc/passwd\nnext\rline\0".to_owned(),
        "</style></title></svg><b onerror=alert(1)>".to_owned(),
        "x".repeat(10_000),
    ];
    let mut story = Story::new();
    for (at, name) in names.iter().enumerate() {
        for (seed, other) in names.iter().enumerate() {
            let params = json!({name.as_str(): other, "kind": name, "n": at});
            let mut run = spec("dialog", &params, seed as u64);
            run.sweep.clone_from(&names[at % 2]);
            story.start(&run);
            story.metrics(&run, &[(1, name.as_str(), 1.0), (2, name.as_str(), 2.0)]);
            story.rows(&run, "confusion", &[json!({"actual": name, "predicted": other})]);
            let outcome =
                if seed == 1 { Outcome::Failed { error: name.clone() } } else { Outcome::Finished };
            story.end(&run, outcome, &[(name.as_str(), 1.0), ("test_accuracy", seed as f64)]);
        }
    }
    let store = tempdir().unwrap();
    story.write(store.path());
    assert_inert(&render(store.path(), Vec::new()).unwrap());
    let subject = Subject {
        title: names[0].clone(),
        configuration: Some(names.join("\n")),
        command: Some(names[1].clone()),
        data: vec![Checksum { name: names[0].clone(), checksum: names[2].clone() }],
        tables: Vec::new(),
        ..asked()
    };
    let page = render(store.path(), vec![subject]).unwrap();
    assert_inert(&page);
    assert!(page.contains("&#60;script&#62;alert(1)"), "it is shown as text");
    assert!(page.len() < 1_000_000, "{}", page.len());
}

#[test]
fn a_last_row_counts_the_cells_that_pass() {
    let store = tempdir().unwrap();
    story().write(store.path());
    let mut subject = asked();
    subject.tables[0].request.passes = Some(51.0);
    let page = render(store.path(), vec![subject]).unwrap();
    let counts = ["<th scope=\"row\">cells &#62;= 51</th>", ">2</span></td>", ">1</span></td>"];
    assert_in_order(&page, &counts);
}

#[test]
fn the_fullest_page_is_below_10_megabytes() {
    // What grows most when it is escaped.
    let long = "<".repeat(100);
    let store = tempdir().unwrap();
    let mut story = Story::new();
    let mut picture = png(1, 1);
    picture.resize(1 << 20, 0);
    for sweep in 0..40_u64 {
        for seed in 0..24 {
            let mut params = serde_json::Map::new();
            for parameter in 0..9_u64 {
                params.insert(
                    format!("{parameter}{long}"),
                    json!(format!("{}{long}", seed * (parameter + 2))),
                );
            }
            params.insert("sweep".into(), sweep.into());
            let mut run = spec("dialog", &params.into(), seed);
            run.sweep = format!("{sweep}{long}");
            let results: Vec<(String, f64)> = (0..8).map(|m| (format!("{m}{long}"), 0.5)).collect();
            let results: Vec<(&str, f64)> = results.iter().map(|(m, v)| (m.as_str(), *v)).collect();
            if seed % 2 == 1 {
                story.fail(&run, &format!("{seed}{}", long.repeat(20)));
            } else {
                story.finish(&run, &results);
            }
            if sweep == 0 && seed < 4 {
                let folder = store.path().join("artifacts").join(run.run.to_string());
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join("a.png"), &picture).unwrap();
            }
        }
    }
    story.write(store.path());
    let page = render(store.path(), Vec::new()).unwrap();
    assert!((1_000_000..10_000_000).contains(&page.len()), "{}", page.len());
    assert!(page.contains("further sweeps are not shown"), "it had to be shortened");
}

#[test]
fn confusion_is_summed_over_runs() {
    let mut story = Story::new();
    for seed in 0..2 {
        let run = dialog(1, "fp", seed);
        story.start(&run);
        let row = |actual, predicted, count| -> Value {
            json!({"actual": actual, "predicted": predicted, "count": count})
        };
        story.rows(
            &run,
            "confusion",
            &[row("cat", "cat", 8), row("cat", "dog", 2), row("dog", "dog", 5)],
        );
        story.end(&run, Outcome::Finished, &[("test_accuracy", 1.0)]);
    }
    let page = page(&story);
    assert_in_order(
        &page,
        &[
            "over 2 runs",
            "<th scope=\"row\">cat</th>",
            ">16</td>",
            ">4</td>",
            "<th scope=\"row\">dog</th>",
            ">0</td>",
            ">10</td>",
        ],
    );
    let mut other = Story::new();
    let run = dialog(1, "fp", 0);
    other.start(&run);
    other.rows(&run, "confusion", &[json!({"something": 1})]);
    other.end(&run, Outcome::Finished, &[("test_accuracy", 1.0)]);
    assert!(!self::page(&other).contains("class=\"confusion\""));
}

#[test]
fn runs_without_a_result_still_have_a_page() {
    let mut story = Story::new();
    story.fail(&dialog(1, "fp", 0), "out of memory");
    story.fail(&dialog(1, "fp", 1), "out of memory");
    story.start(&dialog(1, "fp", 2));
    let page = page(&story);
    assert!(page.contains("No result table: no run has a final metric"), "{page}");
    assert_in_order(&page, &["Failed runs (2)", "2 runs", "out of memory", "seed=0", "seed=1"]);
    assert!(page.contains("3 runs: 2 failed, 1 running."));
}

#[test]
fn nothing_to_report_is_an_error() {
    let store = tempdir().unwrap();
    let error = render(store.path(), Vec::new()).unwrap_err();
    assert!(matches!(error, Error::Nothing(_)), "{error}");
    story().write(store.path());
    let none = Subject {
        selection: Selection {
            runs: Some([dialog(9, "fp", 0).run].into()),
            ..Selection::default()
        },
        ..asked()
    };
    let error = render(store.path(), vec![none.clone()]).unwrap_err();
    assert!(matches!(error, Error::Nothing(_)), "{error}");
    let page = render(store.path(), vec![none, asked()]).unwrap();
    assert!(page.contains("No result table: none of these runs is in the store yet"));
    let mut wrong = asked();
    wrong.tables[0].request = Request { value: "no_such_metric".into(), ..Request::default() };
    let error = render(store.path(), vec![wrong]).unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error}");
}

#[test]
fn the_same_runs_give_the_same_page() {
    assert_eq!(page(&story()), page(&story()));
}
