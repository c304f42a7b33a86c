//! Drawn and searched sweeps on the page.

use std::path::Path;

use experiment::{Better, RunId};
use journal::{Outcome, RunSpec};
use serde_json::json;
use tables::{Drawn, Halving, Subject};
use tempfile::tempdir;

use crate::{
    fixture::{Story, spec},
    report::{assert_in_order, render},
};

/// A point of a sweep over two drawn parameters.
fn drawn(rate: f64, kind: &str) -> RunSpec {
    spec("dialog", &json!({"learning_rate": rate, "kind": kind, "steps": 90}), 0)
}

fn subject(runs: &[RunSpec]) -> Subject {
    Subject {
        title: "it".into(),
        experiment: "dialog".into(),
        order: runs.iter().map(|run| run.run).collect(),
        configuration: Some("name: it\n".into()),
        ..Subject::default()
    }
}

/// Twelve points whose accuracy falls with the decades of the learning rate; one of them failed.
fn random(store: &Path) -> Vec<RunSpec> {
    let mut story = Story::new();
    let mut runs = Vec::new();
    for at in 0..12 {
        let run = drawn(10_f64.powi(-at), ["a", "b"][at as usize % 2]);
        if at == 11 {
            story.fail(&run, "diverged");
        } else {
            let (accuracy, loss) = (100.0 - f64::from(at), 10_f64.powi(at - 5));
            story.finish(&run, &[("test_accuracy", accuracy), ("loss", loss)]);
        }
        runs.push(run);
    }
    story.write(store);
    runs
}

#[test]
fn a_random_sweep_shows_each_parameter_on_the_axis_it_was_drawn_on() {
    let store = tempdir().unwrap();
    let runs = random(store.path());
    let rate = Drawn { name: "learning_rate".into(), log: true };
    let page = render(store.path(), vec![Subject { drawn: vec![rate], ..subject(&runs) }]).unwrap();
    let short = &runs[0].run.to_string()[..10];
    assert_in_order(
        &page,
        &[
            "1 of 12 trials have no value of test_accuracy.",
            "The 10 best of 11",
            "<td class=\"n mean\">100.0</td><td>1</td><td>a</td>",
            "Importance for test_accuracy",
            "<th scope=\"row\">learning_rate</th>",
            "Kruskal and Wallis",
            "<figcaption>learning_rate</figcaption>",
            "<figcaption>kind</figcaption>",
            "<figcaption>Best so far</figcaption>",
            "<figcaption>Parallel coordinates</figcaption>",
            short,
        ],
    );
    let scatter = page.split_once("<figcaption>learning_rate</figcaption>").unwrap().1;
    assert_eq!(scatter.split("</svg>").next().unwrap().matches("<circle").count(), 11);
    assert!(page.contains("&#34;title&#34;:&#34;learning_rate&#34;,&#34;log&#34;:true"));
    assert!(!page.contains("class=\"results\""), "hardly two points share a value");
}

#[test]
fn a_sweep_of_a_store_is_taken_for_drawn_by_its_values() {
    let store = tempdir().unwrap();
    random(store.path());
    let page = render(store.path(), Vec::new()).unwrap();
    assert!(page.contains("Drawn parameters") && page.contains("The 10 best of 11"), "{page}");
}

/// Nine trials at rungs 10, 30 and 90: three came to the second, one to its end.
fn search(store: &Path) -> Vec<RunSpec> {
    let mut story = Story::new();
    let mut runs = Vec::new();
    for at in 0..9_u32 {
        let run = drawn(f64::from(at + 1) * 1e-3, "a");
        story.start(&run);
        let loss = |step: u64| f64::from(at + 1) * 100.0 / step as f64;
        let last = [90, 30, 30, 10, 10, 10, 10, 10, 10][at as usize];
        let steps = [5, 10, 20, 30, 60, 90].into_iter().filter(|step| *step <= last);
        let rows: Vec<(u64, &str, f64)> = steps.map(|step| (step, "loss", loss(step))).collect();
        story.metrics(&run, &rows);
        if last == 90 {
            story.end(&run, Outcome::Finished, &[("loss", loss(90))]);
        } else {
            story.end(&run, Outcome::Paused { step: last, value: loss(last) }, &[]);
        }
        runs.push(run);
    }
    story.write(store);
    runs
}

#[test]
fn a_search_tells_who_was_pruned_where() {
    let store = tempdir().unwrap();
    let runs = search(store.path());
    let search = Halving {
        metric: "loss".into(),
        better: Better::Lower,
        factor: 3,
        steps: vec![10, 30, 90],
    };
    let page =
        render(store.path(), vec![Subject { search: Some(search), ..subject(&runs) }]).unwrap();
    let line = |parts: &[&str]| {
        let cells: Vec<String> =
            parts.iter().map(|part| format!("<td class=\"n\">{part}</td>")).collect();
        cells.concat()
    };
    assert_in_order(
        &page,
        &[
            "9 runs: 1 finished, 8 pruned.",
            "The 9 best of 9",
            "<td>finished</td>",
            "<td>pruned at step 30</td>",
            "<td>pruned at step 10</td>",
            "<figcaption>Learning curves</figcaption>",
            "Rungs",
            // Losses at step 10 are 10, 20, 30 and so on.
            &format!("10</th>{}", line(&["9", "3", "6", "10.00", "30.00", "40.00"])),
            &format!("30</th>{}", line(&["3", "1", "2", "3.333", "3.333", "6.667"])),
            &format!("90</th>{}", line(&["1", "1", "0", "1.111", "1.111", "–"])),
        ],
    );
    assert!(!page.contains(" stopped"), "the words are those of the command line");
}

#[test]
fn two_metrics_that_pull_apart_have_a_front() {
    let mut story = Story::new();
    // Accuracy and loss rise together, so that every point is on the front; and one that is not.
    for (at, (accuracy, loss)) in
        [(10.0, 1.0), (20.0, 2.0), (30.0, 3.0), (15.0, 3.0)].into_iter().enumerate()
    {
        let run = spec("dialog", &json!({"n": at}), 0);
        story.finish(&run, &[("test_accuracy", accuracy), ("loss", loss)]);
    }
    let store = tempdir().unwrap();
    story.write(store.path());
    let ids: Vec<RunId> = Vec::new();
    let metrics = vec![
        experiment::Metric::new("test_accuracy", "%", Better::Higher),
        experiment::Metric::new("loss", "", Better::Lower),
    ];
    let subject = Subject { order: ids, metrics, ..subject(&[]) };
    let page = render(store.path(), vec![subject]).unwrap();
    assert_in_order(
        &page,
        &[
            "loss against test_accuracy",
            "3 of 4 points are on the Pareto front",
            "(higher test_accuracy, lower loss)",
        ],
    );
}
