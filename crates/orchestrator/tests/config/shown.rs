//! What is shown of a configuration is read back as the same runs, whatever it holds.

use orchestrator::config::{Config, ConfigErrors};
use orchestrator::plan::{Plan, resolved};
use proptest::prelude::*;

use crate::toy::load;
use crate::whole::configuration;
use crate::written::Written;

/// What a configuration makes, as far as somebody can tell.
fn made(config: &Config, plan: &Plan) -> String {
    let needs: Vec<_> = config.needs.iter().map(|need| (&need.name, &need.path)).collect();
    format!(
        "{} {:#?}\n{:?}\n{:?}\n{:?}\n{:?}\n{} {:?} {needs:?}",
        config.name,
        plan.runs,
        plan.search,
        plan.resources,
        plan.tables,
        plan.metrics,
        plan.duplicates,
        plan.awaiting,
    )
}

/// Nothing where a configuration is refused; else what it makes, what is shown of it, what that makes and
/// what is shown of that.
fn again(text: &str) -> Option<Result<[(String, String); 2], ConfigErrors>> {
    let once = |text: &str| {
        let (config, plan) = load(text, &[])?;
        let shown = resolved(&config, &plan)?;
        Ok((made(&config, &plan), shown))
    };
    let first = once(text).ok()?;
    Some(once(&first.1).map(|second| [first, second]))
}

#[track_caller]
fn same(text: &str) -> String {
    load(text, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    let [first, second] =
        again(text).expect("it was read above").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(first, second);
    first.1
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 384, failure_persistence: None, max_global_rejects: 20_000, ..ProptestConfig::default()
    })]

    #[test]
    fn what_is_shown_of_any_configuration_makes_the_same(text in configuration()) {
        let Some(read) = again(&text) else { return Err(TestCaseError::reject("a mistake")) };
        let [first, second] = read.map_err(|errors| TestCaseError::fail(format!("{errors}\n{text}")))?;
        prop_assert_eq!(&first, &second, "{}", text);
    }
}

#[test]
fn text_of_every_style_and_keys_like_values_come_back() {
    let shown = same(
        "%YAML 1.2\n---\nname: &name \"x: #1\"\nexperiment: open\nparams:\n  values: &base\n    \
         block: |\n      a\n        b\n\n      c\n    folded: >-\n      a\n      b\n\n      c\n    keep: |+2\n       \
         x\n\n    \"\": 1\n    \"<<\": 2\n    \"1\": one\n    \"true\": t\n    \"~\": n\n    \".nan\": n\n    \
         2024-01-01: day\n    ? long\n    : v\n    nested: { <<: { a: 1, b: 2 }, b: 3 }\n    copy: *name\n    \
         empty:\n    tabs: a\tb\t\n    crlf: \"a\\r\\nb\\r\"\n...\n",
    );
    assert!(shown.contains("folded: \"a b\\nc\""), "{shown}");
    let with_mark = "\u{feff}name: x\nexperiment: open\nparams: { values: { a: 1 } }\n";
    assert!(same(with_mark).starts_with("name: x\n"));
    assert!(same(&with_mark.replace('\n', "\r\n")).starts_with("name: x\n"));
}

#[test]
fn keys_with_a_type_are_text_and_no_merge() {
    let shown =
        same("name: x\nexperiment: open\nparams: { values: { !!str <<: { a: 1 }, !!str 1: b } }\n");
    assert!(shown.contains("\"<<\":\n      a: 1\n"), "{shown}");
}

#[test]
fn what_is_as_deep_as_it_may_be_is_shown_no_deeper() {
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let parts = [
        ("grid: { values.a: [VALUE] }", 60),
        ("when: { if: patience == 0, grid: { values.a: [VALUE] } }", 59),
        ("when: [{ if: patience == 0, grid: { values.a: [VALUE] } }]", 58),
        ("random: { count: 1, params: { values.a: { choice: [VALUE] } } }", 58),
    ];
    for (part, levels) in parts {
        let text = |levels: usize| {
            let part = part.replace("VALUE", &deep(levels));
            format!("name: x\nexperiment: open\nsweep: {{ {part} }}\n")
        };
        same(&text(levels));
        assert!(load(&text(levels + 1), &[]).is_err(), "{part} may be deeper");
    }
    let head = "name: x\nexperiment: open\n";
    let argument = |levels: usize| format!("params.values.a.b={}", deep(levels));
    let (config, plan) = load(head, &[&argument(60)]).unwrap();
    load(&resolved(&config, &plan).unwrap(), &[]).unwrap();
    let error = load(head, &[&argument(61)]).unwrap_err().to_string();
    assert!(error.contains("params.values.a.b: wanted at most 64 levels"), "{error}");
}

#[test]
fn long_ranges_are_shown_as_ranges() {
    let shown = same(
        "name: x\nexperiment: open\nsweep:\n  zip: { values.a: 0..3000, values.b: 0..3 step 0.001 }\n  \
         seeds: 4..=90 step 2\n",
    );
    for part in
        ["values.a: 0..=2999\n", "values.b: 0.0..=2.999 step 0.001\n", "seeds: 4..=90 step 2\n"]
    {
        assert!(shown.contains(part), "{part} in {} characters", shown.len());
    }
}

#[test]
fn parameters_with_one_of_several_shapes_keep_theirs() {
    let text = |params: &str| format!("name: x\nexperiment: toy\nparams: {params}\n");
    let shown = same(&text("{ schedule: { cosine: { steps: 3 } }, weights: { b: 2 } }"));
    assert!(shown.contains("schedule:\n    cosine:\n      steps: 3\n"), "{shown}");
    assert!(shown.contains("weights:\n    b: 2.0\n"), "{shown}");
    assert!(same(&text("{ schedule: off }")).contains("schedule: \"off\"\n"));
    assert!(same(&text("{}")).contains("weights:\n    a: 1"));
}

#[test]
fn what_is_written_is_what_other_readers_of_yaml_read() {
    // The words are text in YAML 1.2 and something else in YAML 1.1.
    let words = ["no", "on", "y", "1_000", "012", "0o17", "12:30:45", "2024-01-01", "0b11", "="];
    let list = Written::List(words.iter().map(|&word| Written::Text(word.into())).collect());
    let text = format!(
        "name: x\nexperiment: open\nparams: {{ values: {{ words: {}, small: 1e-7, large: 1e300 }} }}\n",
        list.yaml()
    );
    let shown = same(&text);
    for word in words {
        assert!(shown.contains(&format!("- \"{word}\"\n")), "{word} in {shown}");
    }
    assert!(shown.contains("small: 1.0e-7\n") && shown.contains("large: 1.0e+300\n"), "{shown}");
}
