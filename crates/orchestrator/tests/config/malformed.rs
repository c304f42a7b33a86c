//! Malformed configurations and arguments are refused with a message that names the place.

use std::fs;
use std::path::Path;

use orchestrator::config::{Loaded, load};
use orchestrator::plan::Plan;

use crate::toy::with;

/// The message of a configuration of `malformed/` that must not plan. Paths are relative to the
/// crate, where tests run.
fn message(name: &str, set: &[&str]) -> String {
    let path = Path::new("tests/config/malformed").join(name);
    let set: Vec<String> = set.iter().map(|&argument| argument.to_owned()).collect();
    match with(|context| Plan::load(&path, &set, context)) {
        Ok(Loaded::Whole((_, plan))) => panic!("{name} {set:?} plans {} runs", plan.runs.len()),
        // What the binary says of a single file.
        Ok(Loaded::Part) => load(&path, &set).unwrap_err().to_string(),
        Err(errors) => errors.to_string(),
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
    let here = std::env::current_dir().unwrap();
    insta::assert_snapshot!(messages.replace(here.to_str().unwrap(), "HERE"));
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
    let start = "tests/config/malformed/nowhere.yaml: there is no file at /";
    assert!(missing.starts_with(start), "{missing}");
    assert!(missing.ends_with("/tests/config/malformed/nowhere.yaml"), "{missing}");
    let folder = message("", &[]);
    assert!(folder.contains("tests/config/malformed/: wanted a file, found a folder"), "{folder}");
}
