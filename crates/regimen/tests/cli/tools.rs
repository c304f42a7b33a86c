//! `regimen dialog ask` on stored models, and the help of tools.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{assert_code, regimen, run, stderr, stdout};

/// The one run in a store, trained for some epochs and kept.
fn kept(store: &Path) -> String {
    let config = store.with_file_name("it.yaml");
    let text = "name: it\nexperiment: dialog\nparams: {learner: fp, regime: 3, epochs: 5, \
                keep_model: true}\n";
    fs::write(&config, text).unwrap();
    assert_code(&run(config.to_str().unwrap(), store, &[]), 0);
    let runs: Vec<_> = fs::read_dir(store.join("artifacts")).unwrap().collect();
    assert_eq!(runs.len(), 1);
    runs[0].as_ref().unwrap().file_name().to_str().unwrap().to_owned()
}

#[test]
fn a_model_in_any_store_is_asked_by_its_run() {
    let dir = TempDir::new().unwrap();
    let store = dir.path().join("store");
    let id = kept(&store);
    let ask = |run: &str| {
        let mut ask = regimen();
        ask.args(["dialog", "ask", run, "--results"]).arg(&store);
        ask.write_stdin("Mary went to the garden.\nWhere is Mary?\n").output().unwrap()
    };
    let said = ask(&id[..8]);
    assert_code(&said, 0);
    for part in ["answers: ", "attention, %: hop 1", " Mary went to the garden.", "expected reply"]
    {
        assert!(stdout(&said).contains(part), "{part}:\n{}", stdout(&said));
    }
    let unknown = ask("no-such-run");
    assert_code(&unknown, 2);
    let message = stderr(&unknown);
    assert!(
        message.contains("wanted the beginning of the id of one run with a model"),
        "{message}"
    );
    assert!(message.contains("none of the 1 in"), "{message}");
}

#[test]
fn a_tool_says_what_it_takes() {
    let help = regimen().args(["dialog", "ask", "--help"]).output().unwrap();
    assert_code(&help, 0);
    let about = "Tell a trained model a story line by line and ask it questions\n";
    assert!(stdout(&help).starts_with(about), "{}", stdout(&help));
    for part in ["regimen dialog ask [OPTIONS] <RUN>", "--results <DIR>", "--mirror <DIR>"] {
        assert!(stdout(&help).contains(part), "{part}:\n{}", stdout(&help));
    }
    let nothing = regimen().args(["dialog", "ask"]).output().unwrap();
    assert_code(&nothing, 2);
    assert!(stderr(&nothing).contains("<RUN>"), "{}", stderr(&nothing));
    let unknown = regimen().args(["dialog", "sing"]).output().unwrap();
    assert_code(&unknown, 2);
    let message = stderr(&unknown);
    assert!(message.contains("dialog has no tool \"sing\""), "{message}");
    assert!(message.contains("its tools are:\n  regimen dialog ask  Tell "), "{message}");
}

#[test]
fn an_experiment_tells_of_its_tools_or_that_it_has_none() {
    let help = regimen().args(["dialog", "--help"]).output().unwrap();
    assert_code(&help, 0);
    assert!(stdout(&help).contains("regimen dialog ask  Tell "), "{}", stdout(&help));
    let none = regimen().arg("hypergrad").output().unwrap();
    assert_code(&none, 2);
    let message = stderr(&none);
    assert!(message.contains("hypergrad has no tools; `regimen schema hypergrad`"), "{message}");
}

#[test]
fn asking_where_no_model_was_kept_says_how_one_is() {
    let dir = TempDir::new().unwrap();
    let asked =
        regimen().args(["dialog", "ask", "1", "--results"]).arg(dir.path()).output().unwrap();
    assert_code(&asked, 2);
    let message = stderr(&asked);
    assert!(message.contains("(`keep_model: true`)"), "{message}");
    assert!(message.contains("artifacts kept one"), "{message}");
}

#[test]
fn the_help_lists_the_experiments() {
    let help = regimen().arg("--help").output().unwrap();
    assert_code(&help, 0);
    for name in
        ["  dialog     Dialog-based", "  hypergrad  Gradients of", "  command    Any external"]
    {
        assert!(stdout(&help).contains(name), "{}", stdout(&help));
    }
}
