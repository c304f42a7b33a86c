use std::fs;
use std::path::Path;

use orchestrator::config::load;

use crate::toy::plan;

/// The message of a configuration of `malformed/` that must not plan. Paths are relative to the
/// crate, where tests run.
fn message(name: &str, set: &[&str]) -> String {
    let path = Path::new("tests/config/malformed").join(name);
    let set: Vec<String> = set.iter().map(|&argument| argument.to_owned()).collect();
    match load(&path, &set).and_then(|config| plan(&config)) {
        Ok(plan) => panic!("{name} {set:?} plans {} runs", plan.runs.len()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_malformed_file_is_refused_where_it_is_wrong() {
    let mut names: Vec<String> = fs::read_dir("tests/config/malformed")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "valid.yaml")
        .collect();
    names.sort();
    assert!(names.len() >= 20, "{names:?}");
    let mut messages = String::new();
    for name in &names {
        let message = message(name, &[]);
        assert!(message.starts_with("tests/config/malformed/"), "{message}");
        messages += &message;
        messages += "\n\n";
    }
    insta::assert_snapshot!(messages);
}

#[test]
fn every_malformed_argument_is_refused_by_name() {
    let mut messages = String::new();
    for set in [
        "params.learning_rate",
        "params.learning_rate=fast",
        "params.learning_rat=0.1",
        "params.learning_rate=-2",
        "params.learning_rate.more=1",
        "params..x=1",
        "sweep.grid.learner=[imitation, rbbi]",
        "sweep.seeds=none",
        "params.net={width: 1, width: 2}",
        "params.sizes=[1, 2",
        "params.data=unheard-of",
        "experiment=3",
    ] {
        let message = message("valid.yaml", &[set]);
        messages += &message;
        messages += "\n\n";
    }
    insta::assert_snapshot!(messages);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let missing = message("nowhere.yaml", &[]);
    assert!(missing.starts_with("tests/config/malformed/nowhere.yaml:1:1: could not read"));
    let folder = message("", &[]);
    assert!(folder.contains("could not read the file: Is a directory"), "{folder}");
}
