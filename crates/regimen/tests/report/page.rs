//! The report in a browser: charts, legends, sorting, and names that try to become markup.

use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::browser::Browser;
use crate::command::{assert_code, hostile, regimen};
use crate::fits::{assert_fits, assert_whole_without_scripts, open_all};

/// Elements of the page that a selector finds.
pub(crate) fn count(browser: &Browser, selector: &str) -> u64 {
    let script = format!("return document.querySelectorAll({}).length", json!(selector));
    browser.evaluate(&script).as_u64().unwrap()
}

/// Whether every element that a selector finds is drawn with some extent.
fn all_drawn(browser: &Browser, selector: &str) -> bool {
    let script = format!(
        "return [...document.querySelectorAll({})].every(e => {{ const b = e.getBBox(); \
         return b.width + b.height > 0 }})",
        json!(selector)
    );
    browser.evaluate(&script).as_bool().unwrap()
}

fn background(browser: &Browser) -> String {
    let style = "return getComputedStyle(document.body).backgroundColor";
    browser.evaluate(style).as_str().unwrap().to_owned()
}

/// Keeps a picture of the page where `REGIMEN_PICTURES` names a folder for them.
pub(crate) fn keep(browser: &Browser, name: &str) {
    let picture = browser.picture();
    assert!(picture.len() > 10_000, "{name}: a picture of {} characters", picture.len());
    if let Some(folder) = std::env::var_os("REGIMEN_PICTURES") {
        fs::create_dir_all(&folder).unwrap();
        fs::write(Path::new(&folder).join(format!("{name}.png.base64")), picture).unwrap();
    }
}

pub(crate) fn assert_quiet(browser: &Browser) {
    let console = browser.console();
    assert!(console.is_empty(), "{console:#?}");
}

#[test]
fn the_quickstart_is_a_page() {
    let Some(browser) = Browser::start("the_quickstart_is_a_page") else { return };
    let dir = TempDir::new().unwrap();
    let (store, page) = (dir.path().join("store"), dir.path().join("report.html"));
    let (store, config) = (store.to_str().unwrap(), "configs/quickstart.yaml");
    assert_code(&regimen(&["run", config, "--results", store]), 0);
    let made = regimen(&["report", config, "--results", store, "-o", page.to_str().unwrap()]);
    assert_code(&made, 0);
    assert_fits(&browser, &page, "quickstart");
    browser.resize(1280, 1000);
    browser.open(&page);

    assert_eq!(count(&browser, ".whole table.results tbody tr"), 4, "a row a regime");
    assert_eq!(count(&browser, ".whole table.results tbody td"), 16, "a cell a learner");
    assert_eq!(count(&browser, ".whole table.results .published"), 16);
    assert_eq!(count(&browser, "table.map tbody td[title]"), 16);
    assert_eq!(count(&browser, ".effect circle.dot"), 8);
    assert!(browser.text_of("dl.explain").contains("imitates rewarded answers only"));
    // 3 metrics, 4 charts each, 4 curves each; drawings first, which the script replaces.
    assert_eq!(count(&browser, ".still polyline.line"), 48);
    assert!(count(&browser, ".still polygon.band") >= 36);
    assert_eq!(count(&browser, ".still[role=img] > title + desc"), 12);
    one_axis_a_metric(&browser);
    open_all(&browser);
    assert_eq!(count(&browser, ".live[role=img][aria-label] svg"), 12);
    legends_work(&browser);
    hovering_works(&browser);
    sorting_works(&browser);
    let light = background(&browser);
    browser.show("screen", "dark");
    assert_ne!(background(&browser), light);
    browser.show("print", "dark");
    assert!(all_drawn(&browser, ".still polyline.line"));
    assert!(all_drawn(&browser, ".still polygon.band"));
    assert_eq!(background(&browser), light, "paper is white");
    let navigation = "return getComputedStyle(document.querySelector('nav')).display";
    assert_eq!(browser.evaluate(navigation), "none", "nobody clicks on paper");
    browser.show("screen", "dark");
    let pdf = browser.print();
    assert!(pdf.starts_with("JVBERi0"), "a PDF");
    assert!(pdf.len() > 20_000, "{} characters", pdf.len());
    assert_whole_without_scripts(&browser, &page, 12);
    assert_quiet(&browser);
}

/// All charts of a metric have the same ends of their axes, and names at them.
fn one_axis_a_metric(browser: &Browser) {
    let script = "return [...document.querySelectorAll('.curves')].map(g => [...g.querySelectorAll('figure')] \
         .map(f => JSON.stringify([JSON.parse(f.dataset.chart).x.ends, JSON.parse(f.dataset.chart).y])))";
    let metrics = browser.evaluate(script);
    for charts in metrics.as_array().unwrap() {
        let charts = charts.as_array().unwrap();
        assert_eq!(charts.len(), 4);
        assert!(charts.iter().all(|axes| *axes == charts[0]), "{charts:?}");
        assert!(charts[0].as_str().unwrap().contains("\"title\":\""));
    }
}

/// A name in a legend takes its line out of every chart beside it, and brings it back.
fn legends_work(browser: &Browser) {
    let lines = "return [...document.querySelectorAll('.curves')].slice(0, 2).map(g => [...g.querySelectorAll('figure')] \
         .map(f => f.figure.chart.getOption().series.filter(s => s.type === 'line').length))";
    assert_eq!(browser.evaluate(lines), json!([[4, 4, 4, 4], [4, 4, 4, 4]]));
    browser.click(".legend li");
    assert_eq!(browser.evaluate(lines), json!([[3, 3, 3, 3], [4, 4, 4, 4]]));
    assert_eq!(count(browser, ".legend li[aria-pressed=false]"), 1);
    browser.click(".legend li");
    assert_eq!(browser.evaluate(lines), json!([[4, 4, 4, 4], [4, 4, 4, 4]]));
}

/// The values of all curves at the pointer stand beside it.
fn hovering_works(browser: &Browser) {
    let middle = "const f = document.querySelector('figure[data-chart]'); f.scrollIntoView({block: 'center'}); \
         const box = f.querySelector('.live').getBoundingClientRect(); \
         return [box.left + box.width / 2, box.top + box.height / 2]";
    browser.hover(&browser.evaluate(middle));
    let tip = browser.text_of(".tip");
    assert!(tip.starts_with("step "), "{tip}");
    for learner in ["imitation: ", "rbi: ", "fp: ", "rbi+fp: "] {
        assert!(tip.contains(learner), "{tip}");
    }
}

fn sorting_works(browser: &Browser) {
    let header = "table.raw thead th:nth-child(6)";
    let state = || {
        let script = format!(
            "return [document.querySelector('{header}').getAttribute('aria-sort'), \
             [...document.querySelectorAll('table.raw tbody td:nth-child(6)')].map(c => +c.textContent)]"
        );
        let answer = browser.evaluate(&script);
        let values: Vec<f64> =
            answer[1].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
        (answer[0].as_str().unwrap().to_owned(), values)
    };
    let (sort, before) = state();
    assert_eq!((sort.as_str(), before.len()), ("none", 48));
    assert!(!before.is_sorted(), "the runs are in the order of the plan");
    browser.click(&format!("{header} button"));
    let (sort, values) = state();
    assert_eq!(sort, "ascending");
    assert!(values.is_sorted(), "{values:?}");
    browser.click(&format!("{header} button"));
    let (sort, values) = state();
    assert_eq!(sort, "descending");
    assert!(values.is_sorted_by(|a, b| a >= b), "{values:?}");
}

#[test]
fn what_runs_name_and_leave_is_shown_but_not_obeyed() {
    let Some(browser) = Browser::start("what_runs_name_and_leave_is_shown_but_not_obeyed") else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let config = hostile(dir.path());
    let (store, page) = (dir.path().join("store"), dir.path().join("report.html"));
    let arguments = [
        "run",
        config.to_str().unwrap(),
        "--results",
        store.to_str().unwrap(),
        "--report",
        page.to_str().unwrap(),
    ];
    assert_code(&regimen(&arguments), 1);
    let whole = dir.path().join("whole.html");
    let all = ["report", "--results", store.to_str().unwrap(), "-o", whole.to_str().unwrap()];
    assert_code(&regimen(&all), 0);
    for (page, name) in [(&page, "hostile"), (&whole, "hostile-whole")] {
        browser.open(page);
        browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)");
        keep(&browser, name);
        let title = browser.evaluate("return document.title");
        assert!(title.as_str().unwrap().starts_with("Report: <script>"), "{title}");
        assert_eq!(count(&browser, "script"), 1, "only the page's own");
        assert_eq!(count(&browser, "main b, main style, img[src=x]"), 0);
        let text = browser.evaluate("return document.body.innerText").to_string();
        for part in ["2 failed", "<b>cat", "onerror=", "<script>document.title"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(count(&browser, "table.sheet img"), 2, "a picture a cell");
        assert!(text.contains("seed 0, and 2 more"), "{text}");
        let loaded = "return [...document.images].every(i => i.complete && i.naturalWidth === 80)";
        assert_eq!(browser.evaluate(loaded), true, "{name}");
        assert!(count(&browser, "table.confusion td.n") >= 4);
        open_all(&browser);
        let middle = "const f = document.querySelector('figure[data-chart] .live'); f.scrollIntoView({block: 'center'}); \
             const box = f.getBoundingClientRect(); return [box.left + box.width / 2, box.top + box.height / 2]";
        browser.hover(&browser.evaluate(middle));
        assert_eq!(count(&browser, "main b, main style, img[src=x]"), 0, "nor in what charts show");
        assert!(
            browser
                .evaluate("return document.title")
                .as_str()
                .unwrap()
                .starts_with("Report: <script>")
        );
        assert_quiet(&browser);
    }
}
