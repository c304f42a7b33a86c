//! Values of every kind keep what they are, from the file to identity and back.

use orchestrator::config::ConfigErrors;
use orchestrator::plan::{Only, Plan, PlannedRun, label, resolved};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::toy::load;
use crate::written::{Written, key, leaf, written};

const HEAD: &str = "name: x\nexperiment: open\n";

fn ids(plan: &Plan) -> Vec<String> {
    plan.runs.iter().map(|run| run.spec.run.to_string()).collect()
}

/// What is shown of a configuration, and the plan of that.
fn shown(text: &str) -> Result<(Plan, Plan, String), ConfigErrors> {
    let (config, plan) = load(text, &[])?;
    let shown = resolved(&config, &plan)?;
    let (_, again) = load(&shown, &[])?;
    Ok((plan, again, shown))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_shown_of_any_values_plans_the_same_runs(
        given in prop::collection::btree_map(key(), written(), 0..3),
        swept in prop::collection::vec(written(), 1..6),
    ) {
        let given: Vec<(String, Written)> = given.into_iter().collect();
        let list = Written::List(swept);
        let text = format!(
            "{HEAD}params: {{ values: {} }}\nsweep: {{ grid: {{ values.swept: {} }}, seeds: 2 }}\n",
            Written::Map(given).yaml(), list.yaml(),
        );
        let (plan, again, shown) = shown(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(ids(&plan), ids(&again), "{}\n{}", text, shown);
    }

    #[test]
    fn values_that_differ_are_different_runs_and_look_different(a in written(), b in written()) {
        let text = format!("{HEAD}sweep: {{ grid: {{ values.swept: [{}, {}] }} }}\n", a.yaml(), b.yaml());
        let (_, plan) = load(&text, &[]).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        let same = format!("{a:?}") == format!("{b:?}");
        let nan = |value: &Written| matches!(value, Written::Float(value) if value.is_nan());
        if same || (nan(&a) && nan(&b)) {
            prop_assert_eq!(plan.runs.len(), 1);
        } else if plan.runs.len() == 2 {
            let labels: Vec<String> = plan.runs.iter().map(|run| label(&run.varies[0].1)).collect();
            prop_assert_ne!(&labels[0], &labels[1], "{}", text);
        } else {
            // Maps whose keys stand in another order are the same.
            prop_assert!(a.yaml().contains('{') && b.yaml().contains('{'), "{}", text);
        }
    }

    #[test]
    fn a_value_is_found_by_what_is_shown_of_it(of in prop::collection::vec(leaf(), 1..6)) {
        let text = format!("{HEAD}sweep: {{ grid: {{ values.swept: {} }} }}\n", Written::List(of).yaml());
        let (_, plan) = load(&text, &[]).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        for run in &plan.runs {
            let value = &run.varies[0].1;
            // Escaped text is for people.
            if label(value).contains('\\') || value.as_str().is_some_and(|text| text.contains('"')) {
                continue;
            }
            let only = format!("swept == {}", label(value));
            let only = Only::parse(&only).map_err(|e| TestCaseError::fail(e.to_string()))?;
            let found = plan.clone().only(&only).unwrap();
            prop_assert!(found.runs.iter().any(|found| found == run), "{}", text);
            // `0.0`, `-0.0` and `0` are one number, `1` and `"1"` are not.
            let number = |value: &Value| experiment::free_form::as_number(value);
            let is_same = |found: &PlannedRun| {
                let other = &found.varies[0].1;
                other == value || number(other).zip(number(value)).is_some_and(|(a, b)| a == b)
            };
            prop_assert!(found.runs.iter().all(is_same), "{}", text);
        }
    }
}

#[test]
fn infinities_nan_null_and_words_are_five_runs_and_more() {
    let text = format!(
        "{HEAD}sweep: {{ grid: {{ values.clip: [1.0, .inf, -.inf, .nan, null, inf, \".inf\", [.inf, 1]] }} }}\n"
    );
    let (plan, again, shown) = shown(&text).unwrap();
    assert_eq!((plan.runs.len(), plan.duplicates), (8, 0));
    assert_eq!(ids(&plan), ids(&again), "{shown}");
    let labels: Vec<String> = plan.runs.iter().map(|run| label(&run.varies[0].1)).collect();
    let wanted = ["1.0", ".inf", "-.inf", ".nan", "null", "inf", "\".inf\"", "[.inf, 1]"];
    assert_eq!(labels, wanted);
    assert_eq!(plan.runs[1].spec.params.matches(r#"{"$numberDouble":"Infinity"}"#).count(), 1);
}

/// Old stores hold these.
#[test]
fn ids_of_values_are_held() {
    let text = format!(
        "{HEAD}params: {{ values: {{ text: none, \"a.b\": 1, nested: {{ deep: [1, 2.5, [x, null, true]], e: {{}} }} }} }}\n\
         sweep: {{ grid: {{ values.k: [1, 1.0, \"1\", 2, auto, null, true, \"true\", -0.0, 0.1, 1e-7, 1e308, 5e-324, \
         18446744073709551615, -9223372036854775808, \"λ ☃\", \"\", \" x \", \"a\\nb\", [], {{}}, [1, \"1\"], {{x: {{y: 1}}}}] }} }}\n"
    );
    let (_, plan) = load(&text, &[]).unwrap();
    let line = |run: &PlannedRun| {
        let varies = run.varies.iter().map(|(name, value)| format!("{name}={value}"));
        format!("{} {}\n", run.spec.spec.short(), varies.collect::<Vec<_>>().join(" "))
    };
    insta::assert_snapshot!(plan.runs.iter().map(line).collect::<String>());
}

#[test]
fn what_changes_nothing_makes_no_new_runs() {
    let id = |params: &str| ids(&load(&format!("{HEAD}params: {params}\n"), &[]).unwrap().1);
    assert_eq!(id("{ patience: 3, values: { a: 1 } }"), id("{ values: { a: 1 } }"));
    let swept = format!("{HEAD}sweep: {{ grid: {{ patience: [1, 2, 3] }} }}\n");
    let (_, plan) = load(&swept, &[]).unwrap();
    assert_eq!((plan.runs.len(), plan.duplicates), (1, 2));
    let params: Map<String, Value> = serde_json::from_str(&plan.runs[0].spec.params).unwrap();
    assert_eq!(params["patience"], 1, "the program gets it all the same");
}

#[test]
fn typed_numbers_are_finite() {
    for (value, shown) in [(".inf", ".inf"), ("-.INF", "-.INF"), (".nan", ".nan")] {
        let text = format!("name: x\nexperiment: toy\nparams: {{ learning_rate: {value} }}\n");
        let wanted =
            format!("c.yaml:3:26: params.learning_rate: wanted a finite number, found {shown}");
        assert_eq!(crate::toy::mistakes(&text, &[]), [wanted]);
    }
}
