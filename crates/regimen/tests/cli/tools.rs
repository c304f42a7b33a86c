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

/// `regimen descent surface` in a folder.
fn surface(folder: &Path, arguments: &[&str]) -> std::process::Output {
    let mut surface = regimen();
    surface.current_dir(folder).args(["descent", "surface"]).args(arguments).output().unwrap()
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

#[test]
fn a_tool_writes_a_picture_and_replaces_none_unasked() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("new/a.png");
    assert_code(&surface(dir.path(), &["sphere", "-o", "new/a.png", "--side", "16"]), 0);
    let first = fs::read(&file).unwrap();
    assert!(first.starts_with(PNG));
    let again = surface(dir.path(), &["rosenbrock", "-o", "new/a.png", "--side=16"]);
    assert_code(&again, 2);
    let message = stderr(&again);
    assert!(message.contains("new/a.png is there already; `--force` replaces it"), "{message}");
    assert_eq!(fs::read(&file).unwrap(), first);
    let forced = ["rosenbrock", "-o", "new/a.png", "--side=16", "--reach", "1.5", "--force"];
    assert_code(&surface(dir.path(), &forced), 0);
    let second = fs::read(&file).unwrap();
    assert!(second.starts_with(PNG) && second != first);
    assert_eq!(fs::read_dir(dir.path().join("new")).unwrap().count(), 1, "nothing else is left");

    let folder = surface(dir.path(), &["sphere", "-o", "new"]);
    assert_code(&folder, 2);
    assert!(stderr(&folder).contains("new is a folder"), "{}", stderr(&folder));
    let piped = surface(dir.path(), &["sphere", "-o", "-", "--side", "16"]);
    assert_code(&piped, 0);
    assert_eq!(piped.stdout, first);
    // What is not named goes where the help says.
    assert_code(&surface(dir.path(), &["sphere", "--side", "16"]), 0);
    assert_eq!(fs::read(dir.path().join("surface.png")).unwrap(), first);
    assert_code(&surface(dir.path(), &["sphere", "--side", "16"]), 2);
}

#[test]
fn arguments_of_a_tool_are_typed() {
    let dir = TempDir::new().unwrap();
    let help = surface(dir.path(), &["--help"]);
    assert_code(&help, 0);
    for part in [
        "<FUNCTION>",
        "What is drawn",
        "sphere",
        "-o, --output <OUTPUT>",
        "[default: surface.png]",
        "[default: 512]",
        "--levels <LEVELS>",
        "--force",
    ] {
        assert!(stdout(&help).contains(part), "{part}:\n{}", stdout(&help));
    }
    for (arguments, told) in [
        (&["parabola"][..], "[possible values: sphere, rosenbrock, rastrigin]"),
        (&["sphere", "--side", "large"], "wanted a whole number"),
        (&["sphere", "--side", "1.5"], "wanted a whole number"),
        (&["sphere", "--reach", "far"], "wanted a number"),
        (&["sphere", "--reach=-1"], "reach: wanted a number above 0, found -1"),
        (&["sphere", "--levels", "1"], "levels: wanted a number from 2 to 255, found 1"),
        (&["sphere", "--sides", "16"], "--side"),
    ] {
        let refused = surface(dir.path(), arguments);
        assert_code(&refused, 2);
        assert!(stderr(&refused).contains(told), "{told}:\n{}", stderr(&refused));
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn ctrl_c_stops_a_tool_that_asks() {
    let dir = TempDir::new().unwrap();
    let mut surface = std::process::Command::new(env!("CARGO_BIN_EXE_regimen"))
        .current_dir(dir.path())
        .args(["descent", "surface", "rastrigin", "--side", "4096"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // It listens from its first row on.
    let status = format!("/proc/{}/status", surface.id());
    let listens = || {
        let status = fs::read_to_string(&status).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(caught.trim(), 16).unwrap() & 2 != 0
    };
    while !listens() {
        assert!(surface.try_wait().unwrap().is_none(), "it ended by itself");
    }
    let pid = rustix::process::Pid::from_child(&surface);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = surface.wait_with_output().unwrap();
    assert_code(&output, 130);
    assert!(stderr(&output).contains("interrupted"), "{}", stderr(&output));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is written");
}

#[test]
fn the_help_lists_the_experiments() {
    let help = regimen().arg("--help").output().unwrap();
    assert_code(&help, 0);
    for name in [
        "  dialog        Dialog-based",
        "  hypergrad     Gradients of",
        "  command       Any external",
    ] {
        assert!(stdout(&help).contains(name), "{}", stdout(&help));
    }
}
