//! `-s PATH=VALUE` and `~PATH`, and removal in files.

use std::fs;

use orchestrator::config::{Loaded, ToJson, load as load_file};
use orchestrator::plan::{Plan, PlannedRun, label};
use tempfile::TempDir;

use crate::toy::{load, mistakes, warnings, with};

const OPEN: &str = "name: x\nexperiment: open\nparams: { values: { tag: none, \"a.b\": 1 } }\nsweep: { grid: { values.lr: [0.1, 0.2] }, when: { if: values.lr > 0.1, grid: { values.m: [1] } } }\n";

/// What varies, one line a run.
fn lines(plan: &Plan) -> Vec<String> {
    let one = |run: &PlannedRun| {
        let varies = run.varies.iter().map(|(name, value)| format!("{name}={}", label(value)));
        varies.collect::<Vec<_>>().join(" ")
    };
    plan.runs.iter().map(one).collect()
}

fn planned(set: &[&str]) -> Vec<String> {
    lines(&load(OPEN, set).unwrap().1)
}

#[test]
fn axes_are_set_by_the_names_they_have() {
    let wanted = ["values.lr=0.3 values.m=1 seed=0"];
    for set in [
        "sweep.grid.values.lr=[0.3]",
        "sweep.grid.\"values.lr\"=[0.3]",
        "sweep.grid.params.values.lr=[0.3]",
        "sweep.grid={values.lr: [0.3]}",
    ] {
        assert_eq!(planned(&[set]), wanted, "{set}");
    }
    assert_eq!(planned(&["sweep.grid.values.lr.0=0.05", "sweep.grid.values.lr.1=0.06"]).len(), 2);
    assert_eq!(planned(&["sweep.grid.values.n=1..=3", "sweep.when.grid.values.m=[1, 2]"]).len(), 9);
    assert_eq!(planned(&["sweep.exclude=[{values.lr: 0.1}]"]).len(), 1);
    let (config, _) = load(OPEN, &["params.values.a.b=2"]).unwrap();
    assert_eq!(config.params.to_json()["values"]["a.b"], 2);
}

#[test]
fn what_is_inherited_can_be_removed() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("base.yaml"), OPEN.replace("name: x\n", "")).unwrap();
    let plan = |text: &str, set: &[&str]| {
        let path = dir.path().join("child.yaml");
        fs::write(&path, format!("extends: base.yaml\nname: child\n{text}")).unwrap();
        let set: Vec<String> = set.iter().map(|&argument| argument.to_owned()).collect();
        match with(|context| Plan::load(&path, &set, context)) {
            Ok(Loaded::Whole((config, plan))) => {
                Ok((config.params.to_json().to_string(), lines(&plan)))
            }
            Ok(Loaded::Part) => panic!("it has a name"),
            Err(errors) => Err(errors.to_string()),
        }
    };
    let (params, _) = plan("params: { values: { tag: !remove } }\n", &[]).unwrap();
    assert_eq!(params, r#"{"values":{"a.b":1}}"#);
    let (params, _) = plan("", &["~params.values.tag", "params.values.new=1"]).unwrap();
    assert_eq!(params, r#"{"values":{"a.b":1,"new":1}}"#);
    assert_eq!(plan("", &["params.values=!remove"]).unwrap().0, "{}");
    let wanted = ["seed=0"];
    let gone = "sweep: { grid: { values.lr: !remove }, when: !remove }\n";
    assert_eq!(plan(gone, &[]).unwrap().1, wanted);
    assert_eq!(plan("", &["~sweep.grid.values.lr", "~sweep.when"]).unwrap().1, wanted);
    assert_eq!(plan("", &["~sweep.grid.values.lr.0"]).unwrap().1.len(), 1);
    // A later file may give it again, and merge keys are inherited as well.
    let (params, _) = plan(
        "params: { values: { <<: &base { x: 1, y: 2 }, x: !remove, tag: !remove } }\n",
        &["params.values.tag=back"],
    )
    .unwrap();
    assert_eq!(params, r#"{"values":{"a.b":1,"tag":"back","y":2}}"#);
    for (text, set, wanted) in [
        (
            "params: { values: { tagg: !remove } }\n",
            vec![],
            "child.yaml:3:21: params.values.tagg: there is no inherited `tagg` to remove; did you mean `tag`?",
        ),
        (
            "",
            vec!["~params.values.tagg"],
            "params.values.tagg: there is no `tagg` to remove; did you mean `tag`?",
        ),
        (
            "",
            vec!["~sweep.grid.values.rl"],
            "there is no `values` to remove; did you mean `values.lr`?",
        ),
        ("", vec!["~sweep.grid.values.lr.7"], "wanted a place below 2 in the list, found `7`"),
        ("params: { values: [!remove] }\n", vec![], "wanted `!remove` as the value of a key"),
        (
            "params: { values: { tag: !remove x } }\n",
            vec![],
            "wanted nothing after `!remove`, found \"x\"",
        ),
        (
            "params: { values: { tag: !removed } }\n",
            vec![],
            "unknown tag `!removed`; wanted !remove",
        ),
        ("params: { values: !!python/dict { a: 1 } }\n", vec![], "unknown tag `!!python/dict`"),
    ] {
        let error = plan(text, &set).unwrap_err();
        assert!(error.contains(wanted), "{wanted}\n{error}");
    }
}

#[test]
fn an_argument_is_taken_whole_or_refused_with_the_quoted_form() {
    let quoted = |value: &str| {
        format!("text needs quotes inside the argument: -s 'params.values.tag=\"{value}\"'")
    };
    for value in
        ["run #3", "#7", "*.csv", "@file", "%r.bin", "3e563", "`x`", "!x", "a: b: c", "a #"]
    {
        let found = mistakes(OPEN, &[&format!("params.values.tag={value}")]);
        assert_eq!(found.len(), 1, "{value}");
        assert!(found[0].ends_with(&quoted(value)), "{}", found[0]);
        let (config, _) = load(OPEN, &[&format!("params.values.tag=\"{value}\"")]).unwrap();
        assert_eq!(config.params.to_json()["values"]["tag"], value);
    }
    for empty in ["params.values.tag=", "params.values.tag=  "] {
        let found = mistakes(OPEN, &[empty]);
        assert!(
            found[0].contains("wanted a value after `=`: `params.values.tag=null` for nothing"),
            "{found:?}"
        );
    }
    for (value, wanted) in [
        ("null", "null"),
        ("~", "null"),
        ("\"\"", "\"\""),
        ("a#b", "\"a#b\""),
        ("[a, b]", "[\"a\",\"b\"]"),
        ("{a: \"#\"}", "{\"a\":\"#\"}"),
        ("it's", "\"it's\""),
        ("!!str 007", "\"007\""),
    ] {
        let (config, plan) = load(OPEN, &[&format!("params.values.tag={value}")]).unwrap();
        assert_eq!(config.params.to_json()["values"]["tag"].to_string(), wanted, "{value}");
        assert_eq!(plan.warnings.len(), 0, "{value}: {:?}", plan.warnings);
    }
}

#[test]
fn numbers_that_may_be_names_and_changes_that_change_nothing_are_said() {
    for (value, number) in [("007", "7"), ("1234e5", "123400000.0")] {
        let found = warnings(OPEN, &[&format!("params.values.tag={value}")]);
        let wanted = format!(
            "params.values.tag: {value} is the number {number}; text needs quotes inside the argument, as in -s 'params.values.tag=\"{value}\"'"
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].ends_with(&wanted), "{}", found[0]);
    }
    for plain in ["7", "1e-3", "0.5", "1e5", "-1"] {
        assert_eq!(warnings(OPEN, &[&format!("params.values.tag={plain}")]), [""; 0], "{plain}");
    }
    let found = warnings(OPEN, &["params.values.tags=x"]);
    assert_eq!(
        found,
        [
            "argument `-s params.values.tags=x`: params.values.tags: this is new; there was `tag` already"
        ]
    );
    let found = warnings(OPEN, &["params.values.lr=0.5"]);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("the sweep gives `values.lr` its values, so this changes nothing; `-s 'sweep.grid.values.lr=[...]'` replaces them"), "{found:?}");
}

#[test]
fn a_number_is_shown_as_it_was_written() {
    let toy = "name: x\nexperiment: toy\n";
    for (set, wanted) in [
        (
            "sweep.seeds=3.0",
            "sweep.seeds: wanted a whole number of seeds from 1 to 1000000, or a list of seeds, found 3.0",
        ),
        ("sweep.seeds=1e2", "found 1e2"),
        ("params.net.width=1e2", "params.net.width: wanted a whole number, 0 or more, found 1e2"),
        ("params.net.width=2.0", "found 2.0"),
        ("params.net.width=-3", "found -3"),
        ("sweep.grid.net.width=[1, 0.5]", "found 0.5"),
        ("params.learner=007", "wanted one of imitation, rbi, found 7"),
    ] {
        let found = mistakes(toy, &[set]);
        assert!(found[0].ends_with(wanted), "{found:?}");
    }
}

#[test]
fn a_parameter_at_the_top_is_told_where_it_belongs() {
    let toy = "name: x\nexperiment: toy\n";
    for (set, wanted) in [
        (
            "learning_rate=3",
            "learning_rate: `learning_rate` is a parameter: write `params.learning_rate`",
        ),
        (
            "learning_rat=3",
            "learning_rat: unknown key `learning_rat`; did you mean `params.learning_rate`?",
        ),
        ("param.net=3", "param: unknown key `param`; did you mean `params`?"),
    ] {
        let found = mistakes(toy, &[set]);
        assert!(found[0].ends_with(wanted), "{found:?}");
    }
}

#[test]
fn parts_have_no_name_and_no_mistake() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("part.yaml");
    let loaded = |text: &str| {
        fs::write(&path, text).unwrap();
        with(|context| Plan::load(&path, &[], context)).map(|loaded| matches!(loaded, Loaded::Part))
    };
    assert!(loaded("params: { net: { width: 1 } }\n").unwrap());
    assert!(!loaded("name: x\nexperiment: toy\n").unwrap());
    assert!(loaded("nmae: x\nexperiment: toy\n").is_err(), "a mistake is no part");
    let error = load_file(&path, &[]).unwrap_err().to_string();
    assert!(error.contains("did you mean `name`?"), "{error}");
}

#[test]
fn a_short_file_takes_little_memory_and_a_long_one_little_time() {
    let nested: String = (b'b'..=b'z').fold("a: &a [1, 2, 3]\n".to_owned(), |text, letter| {
        let (own, before) = (letter as char, (letter - 1) as char);
        format!("{text}{own}: &{own} [*{before}, *{before}, *{before}, *{before}]\n")
    });
    let found = mistakes(&format!("name: x\nexperiment: open\n{nested}"), &[]);
    assert!(found[0].ends_with("wanted at most 100000 values by aliases"), "{found:?}");
    let keys: String = (0..60_000).map(|at| format!("k{at}: {at}, ")).collect();
    let text = format!("name: x\nexperiment: open\nparams: {{ values: {{ {keys} }} }}\n");
    assert_eq!(load(&text, &["params.values.k5=6"]).unwrap().1.runs.len(), 1);
}
