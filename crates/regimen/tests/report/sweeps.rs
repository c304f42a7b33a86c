//! Pages about sweeps of every kind: wide tables, several tables, draws, searches, failures.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use crate::browser::Browser;
use crate::command::{assert_code, regimen};
use crate::fits::{assert_fits, assert_whole_without_scripts, open_all};
use crate::page::count;

/// Runs a configuration and makes its page.
fn page(folder: &Path, config: &str, code: i32) -> PathBuf {
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (store, page) = (at("store"), at("report.html"));
    let arguments = ["run", config, "--results", &store, "--report", &page, "-j", "2"];
    assert_code(&regimen(&arguments), code);
    page.into()
}

/// A table in the shape of the paper's: ten rows and twelve columns below two heads, and a second
/// table with another metric; some runs fail, and each leaves a picture.
fn wide(folder: &Path) -> PathBuf {
    let script = r#"
regime=$REGIMEN_REGIME
if [ "$regime" = 7 ] && [ "$REGIMEN_LEARNER" = fp ]; then
    printf 'Traceback:\n  File "train.py", line 3\nValueError: no reward in regime 7\n' >&2
    exit 1
fi
for step in 1 10 100 1000; do
    echo "{\"step\": $step, \"train_loss\": 0.$step$regime}" >&3
done
if [ "$regime$REGIMEN_LEARNER$REGIMEN_POLICY_ACCURACY" = 1rbi0.5 ]; then
    echo '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="320"><rect width="640" height="320" fill="teal"/></svg>' > "$REGIMEN_CHECKPOINT.svg"
    echo "{\"artifact\": \"$REGIMEN_CHECKPOINT.svg\"}" >&3
fi
echo "{\"final\": {\"test_accuracy\": 9$regime.$REGIMEN_SEED, \"loss\": 0.0$regime}}" >&3
"#;
    let path = folder.join("wide.sh");
    fs::write(&path, script).unwrap();
    let config = format!(
        "name: wide\nexperiment: command\nparams:\n  program: [sh, {0}]\n  files: [{0}]\n  pass: environment\n\
         sweep:\n  grid:\n    values.regime: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n    values.learner: [imitation, rbi, fp, rbi+fp]\n    \
         values.policy_accuracy: [0.5, 0.1, 0.01]\n\
         table:\n- title: Accuracies\n  rows: values.regime\n  columns: [values.learner, values.policy_accuracy]\n  value: test_accuracy\n\
         - title: Losses\n  rows: values.regime\n  columns: values.learner\n  value: loss\n",
        path.display()
    );
    let path = folder.join("wide.yaml");
    fs::write(&path, config).unwrap();
    path
}

#[test]
fn a_wide_table_folds_and_what_failed_is_told() {
    let Some(browser) = Browser::start("a_wide_table_folds_and_what_failed_is_told") else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let page = page(dir.path(), wide(dir.path()).to_str().unwrap(), 1);
    assert_fits(&browser, &page, "wide");

    let seen = "const box = document.querySelector('.table-box'); \
         const seen = s => [...box.querySelectorAll(s)].filter(e => e.getClientRects().length > 0).length; \
         return [seen('.whole'), seen('.folded table.results')]";
    browser.resize(800, 1000);
    browser.open(&page);
    assert_eq!(browser.evaluate(seen), json!([0, 4]), "a block a learner");
    browser.resize(1920, 1000);
    assert_eq!(browser.evaluate(seen), json!([1, 0]), "whole where there is room");
    assert_eq!(count(&browser, ".whole th.group[colspan='3']"), 4, "a head a learner");
    assert_eq!(count(&browser, ".failure"), 1, "one error");
    filtering_works(&browser);
    pictures_open(&browser);
    // Ten charts of each table.
    assert_whole_without_scripts(&browser, &page, 20);
}

/// Rows, cells, charts and failures follow words and states.
fn filtering_works(browser: &Browser) {
    open_all(browser);
    let runs = || count(browser, "table.raw tbody tr:not([hidden])");
    let charts = || count(browser, "figure[data-chart]:not([hidden])");
    assert_eq!((runs(), charts()), (120, 20));
    browser.type_into("form.filter input", "values.regime=2 rbi");
    // rbi and rbi+fp, three policies each.
    assert_eq!((runs(), charts()), (6, 2));
    assert_eq!(count(browser, ".failure:not([hidden])"), 0);
    assert_eq!(count(browser, ".whole table.results tbody tr:not([hidden])"), 2, "a row a table");
    assert_eq!(
        count(browser, ".whole tr:not([hidden]) td.off"),
        8,
        "six and two of other learners"
    );
    let lines = "const f = [...document.querySelectorAll('figure[data-chart]')].find(f => !f.hidden).figure; \
         return f.chart.getOption().series.length";
    assert_eq!(browser.evaluate(lines), 6, "the other learners' curves are gone");
    let told = "return document.querySelector('form.filter output').textContent";
    assert!(browser.evaluate(told).as_str().unwrap().starts_with("6 of 120 listed runs"));
    browser.click("form.filter button");
    browser.evaluate("return new Promise(done => setTimeout(done, 50))");
    assert_eq!((runs(), charts()), (120, 20));
    browser.choose("form.filter select", "failed");
    assert_eq!((runs(), charts()), (3, 0));
    assert_eq!(count(browser, ".failure:not([hidden])"), 1);
    assert_eq!(count(browser, "table.results tbody tr[data-tags]:not([hidden])"), 0);
    browser.choose("form.filter select", "");
    assert_eq!(runs(), 120);
}

/// A click shows a picture as large as the window, Escape the page again.
fn pictures_open(browser: &Browser) {
    browser.resize(1280, 1000);
    let place = "const p = document.querySelector('figure.picture'); \
         return [getComputedStyle(p).position, p.querySelector('img').clientWidth]";
    assert_eq!(browser.evaluate(place), json!(["static", 318]));
    browser.click("figure.picture a.open");
    let open = browser.evaluate(place);
    assert_eq!(open[0], "fixed");
    assert!(open[1].as_u64().unwrap() > 1000, "{open}");
    browser.press("\u{e00c}");
    assert_eq!(browser.evaluate(place), json!(["static", 318]));
}

#[test]
fn a_random_sweep_answers_the_pointer() {
    let Some(browser) = Browser::start("a_random_sweep_answers_the_pointer") else { return };
    let dir = TempDir::new().unwrap();
    // Rosenbrock's function diverges for some of the rates.
    let page = page(dir.path(), "configs/examples/random.yaml", 1);
    assert_fits(&browser, &page, "random");
    browser.resize(1280, 1000);
    browser.open(&page);
    open_all(&browser);
    let parameters =
        "return [...document.querySelectorAll('figure.small figcaption')].map(c => c.textContent)";
    let parameters = browser.evaluate(parameters).to_string();
    for parameter in ["learning_rate", "momentum", "dimension", "function", "Best so far"] {
        assert!(parameters.contains(parameter), "{parameters}");
    }
    assert_eq!(count(&browser, "table.importance tbody tr"), 4);
    assert_eq!(count(&browser, "table.ranking tbody tr"), 10);
    // The first dot of the first chart.
    let dot = "const f = document.querySelector('figure[data-chart]'); f.scrollIntoView({block: 'center'}); \
         const [x, y] = f.figure.chart.convertToPixel({seriesIndex: 1}, f.figure.chart.getOption().series[1].data[0].value); \
         const box = f.querySelector('.live').getBoundingClientRect(); return [box.left + x, box.top + y]";
    browser.hover(&browser.evaluate(dot));
    let tip = browser.text_of(".tip");
    for part in ["finished", "value: ", "learning_rate=", "seed=0"] {
        assert!(tip.contains(part), "{tip}");
    }
    let lines = "const f = document.querySelector('figure.wide').figure; \
         return f.chart.getOption().series.reduce((n, s) => n + s.data.length, 0)";
    let all = browser.evaluate(lines).as_u64().unwrap();
    browser.type_into("form.filter input", "function=sphere");
    let spheres = browser.evaluate(lines).as_u64().unwrap();
    assert!(0 < spheres && spheres < all, "{spheres} of {all} lines");
    // Four scatters, best so far, curves, parallel coordinates.
    assert_whole_without_scripts(&browser, &page, 7);
}

#[test]
fn a_search_shows_its_rungs() {
    let Some(browser) = Browser::start("a_search_shows_its_rungs") else { return };
    let dir = TempDir::new().unwrap();
    let page = page(dir.path(), "configs/examples/search.yaml", 0);
    assert_fits(&browser, &page, "search");
    browser.resize(1280, 1000);
    browser.open(&page);
    open_all(&browser);
    let text = browser.text_of("main");
    for part in ["27 values from", "pruned at step", "Importance for value", "best that did not"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(browser.text_of("header .facts").contains(" pruned"));
    // A curve shows its value beside the pointer.
    let end = "const f = [...document.querySelectorAll('figure[data-chart]')].find(f => f.textContent.includes('Learning curves')); \
         f.scrollIntoView({block: 'center'}); const box = f.querySelector('.live').getBoundingClientRect(); \
         return [box.left + box.width / 2, box.top + box.height / 2]";
    browser.hover(&browser.evaluate(end));
    let tip = browser.text_of(".tip");
    assert!(tip.contains("step ") && tip.contains("learning_rate "), "{tip}");
    // The metric by its parameter, best so far, curves, rungs.
    assert_whole_without_scripts(&browser, &page, 4);
}
