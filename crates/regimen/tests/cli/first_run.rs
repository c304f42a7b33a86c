//! What is looked at before the first run, and what is said of runs that failed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

use super::{assert_code, regimen, run, stderr, stdout};

/// A folder with configurations, a store and a cache.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// A command in the folder, with an empty cache.
    fn regimen(&self) -> assert_cmd::Command {
        let mut command = regimen();
        command.current_dir(self.0.path()).env("REGIMEN_CACHE", self.path("cache"));
        command
    }

    fn call(&self, words: &[&str]) -> Output {
        self.regimen().args(words).output().unwrap()
    }
}

/// One run a word of `program`.
fn program(words: &str) -> String {
    format!(
        "name: it\nexperiment: command\nparams: {{ program: {words} }}\nsweep: {{ seeds: 2 }}\n"
    )
}

const MOVIES: &str =
    "name: movies\nexperiment: dialog\nparams: { data: movieqa }\nsweep: { seeds: 3 }\n";
const STORIES: &str =
    "name: stories\nexperiment: dialog\nparams: { data: released }\nsweep: { seeds: 2 }\n";

#[test]
fn missing_data_is_a_sentence_a_data_set_and_no_run_fails() {
    let place = Place::new();
    place.write("movies.yaml", MOVIES);
    place.write("stories.yaml", STORIES);
    let both = ["movies.yaml", "stories.yaml", "--offline"];
    let output = place.call(&[&["run"], &both[..]].concat());
    assert_code(&output, 2);
    let lines: Vec<String> = stderr(&output).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (line, begins) in lines.iter().zip([
        "error: data set babi1-dialog (7.8 MB, a download of up to 400 MB), needed by 2 runs: it is not \
         in the cache, and no mirror is given; `regimen datasets fetch babi1-dialog` fetches it, ",
        "error: data set movieqa-dialog (5.5 MB, a download of up to 400 MB), needed by 3 runs: ",
    ]) {
        assert!(line.starts_with(begins), "{line}");
    }
    assert!(!place.path("results").exists(), "nothing is written");
    let plan = place.call(&[&["plan"], &both[..]].concat());
    assert_code(&plan, 0);
    let said = stderr(&plan);
    assert!(said.contains("movies: 3 runs: 3 not run\n"), "{said}");
    assert!(said.contains("all 2 configurations: 5 runs: 5 not run\n"), "{said}");
    assert!(said.contains("missing: data set movieqa-dialog (5.5 MB"), "{said}");
    // Online, `run` would fetch it.
    let plan = place.call(&["plan", "movies.yaml"]);
    let said = stderr(&plan);
    assert!(said.contains("needed by 3 runs: not here yet, `regimen run` fetches it"), "{said}");
}

#[test]
fn what_a_mirror_has_is_fetched_before_the_first_run() {
    let place = Place::new();
    let mirror = place.path("mirror");
    // The names are there and the content is not.
    for file in [
        "movie_kb.txt",
        "movieqa1_p0.5_rl3_with_ans_dev.txt",
        "movieqa1_p0.5_rl3_with_ans_test.txt",
    ] {
        fs::create_dir_all(mirror.join("movieqa-dialog")).unwrap();
        fs::write(mirror.join("movieqa-dialog").join(file), "1 Kismet").unwrap();
    }
    place.write("movies.yaml", MOVIES);
    let with = ["movies.yaml", "--offline", "--mirror", mirror.to_str().unwrap()];
    let plan = place.call(&[&["plan"], &with[..]].concat());
    assert_code(&plan, 0);
    assert!(
        stderr(&plan)
            .contains("needs data set movieqa-dialog (5.5 MB), needed by 3 runs: not here yet")
    );
    let run = place.call(&[&["run"], &with[..]].concat());
    assert_code(&run, 2);
    let said = stderr(&run);
    assert!(said.contains("fetching movieqa-dialog (5.5 MB)"), "{said}");
    let error =
        "error: data set movieqa-dialog (5.5 MB), needed by 3 runs: it could not be fetched: ";
    assert!(said.contains(error), "{said}");
    assert!(!place.path("results").exists());
}

#[test]
fn a_missing_file_is_named_with_the_place_that_was_looked_at() {
    let place = Place::new();
    place.write("it.yaml", &program("[sh, -c, 'true']"));
    let plan = place.call(&["plan", "it.yaml", "-s", "params.files=[no-such-file]"]);
    assert_code(&plan, 2);
    let said = stderr(&plan);
    let tried = place.path("no-such-file");
    assert!(said.contains(&format!("{}: No such file", tried.display())), "{said}");
    assert!(said.contains("paths start at the folder that regimen is started in"), "{said}");
}

#[test]
fn trouble_of_the_machine_is_no_failure_of_a_run() {
    let place = Place::new();
    place.write("it.yaml", &program("[sh, -c, 'true']"));
    place.write("file", "");
    let run = |variable: &str, value: &Path| {
        let mut run = place.regimen();
        run.args(["run", "it.yaml", "-j", "1"]).env(variable, value).output().unwrap()
    };
    for (name, wanted) in [("gone", "it does not exist"), ("file", "found a file")] {
        let output = run("TMPDIR", &place.path(name));
        assert_code(&output, 2);
        let said = stderr(&output);
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(wanted) && said.contains("needed by 2 runs"), "{said}");
    }
    let output = place.call(&["run", "it.yaml", "--results", "file/store"]);
    assert_code(&output, 2);
    assert!(stderr(&output).contains("file: wanted a folder, found a file"), "{}", stderr(&output));
    assert!(!place.path("results").exists());
    // What reads no data needs no cache.
    let mut bare = place.regimen();
    for variable in ["HOME", "REGIMEN_CACHE", "XDG_CACHE_HOME"] {
        bare.env_remove(variable);
    }
    assert_code(&bare.args(["run", "it.yaml", "-j", "1"]).output().unwrap(), 0);
    let mut bare = place.regimen();
    for variable in ["HOME", "REGIMEN_CACHE", "XDG_CACHE_HOME"] {
        bare.env_remove(variable);
    }
    place.write("movies.yaml", MOVIES);
    let output = bare.args(["run", "movies.yaml"]).output().unwrap();
    assert_code(&output, 2);
    let said = stderr(&output);
    assert!(
        said.contains("none of REGIMEN_CACHE, XDG_CACHE_HOME and HOME is set; set REGIMEN_CACHE"),
        "{said}"
    );
}

#[test]
fn programs_are_looked_at_before_they_are_started() {
    let place = Place::new();
    let script = |text: &str, mode: u32| {
        let path = place.write("run.sh", text);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let said = |words: &str| {
        place.write("it.yaml", &program(words));
        let output = place.call(&["run", "it.yaml", "-j", "1"]);
        assert_code(&output, 2);
        assert!(!place.path("results").exists());
        let plan = place.call(&["plan", "it.yaml"]);
        assert_code(&plan, 0);
        assert!(stderr(&plan).contains("missing: program"), "{}", stderr(&plan));
        stderr(&output)
    };
    assert!(said("[no-such-program]").contains("is in any folder of PATH"));
    assert!(said("[./run.sh]").contains("there is no program /"));
    script("#!/bin/sh\n", 0o644);
    assert!(said("[./run.sh]").contains("may not be executed: allow it by `chmod +x "));
    assert!(said("[run.sh]").contains("the one in this folder is ./run.sh"));
    script("#!/bin/sh\r\n", 0o755);
    assert!(said("[./run.sh]").contains("carriage return"));
    script("#!/usr/bin/env no-such-python\n", 0o755);
    assert!(said("[./run.sh]").contains("interpreter no-such-python"));
    script("#!/bin/sh\n", 0o755);
    assert_code(&place.call(&["run", "it.yaml", "-j", "1"]), 0);
    // What is finished needs no program any more.
    fs::remove_file(place.path("run.sh")).unwrap();
    assert_code(&place.call(&["run", "it.yaml", "-j", "1"]), 0);
}

#[test]
fn a_second_call_names_the_runs_that_failed_and_the_way_to_run_them() {
    let place = Place::new();
    let text = "name: it\nexperiment: command\nparams: { program: [sh, -c, 'echo no luck >&2; exit $1', sh, '3'] }\nsweep: [{ seeds: 5 }, { grid: { program: [[sh, -c, 'exit 9']] } }]\n";
    place.write("it.yaml", text);
    let run = |more: &[&str]| place.call(&[&["run", "it.yaml", "-j", "1"], more].concat());
    let first = run(&[]);
    assert_code(&first, 1);
    assert!(!stderr(&first).contains("--retry-failed"), "{}", stderr(&first));
    let second = run(&[]);
    assert_code(&second, 1);
    let said = stderr(&second);
    assert!(said.contains("6 runs failed before; `--retry-failed` runs them again:\n"), "{said}");
    assert!(
        said.contains("  5 of them (") && said.contains("...): sh ended with exit code 3: no luck"),
        "{said}"
    );
    assert!(said.contains("  1 of them (") && said.contains("exit code 9"), "{said}");
    let again = run(&["--retry-failed"]);
    assert_code(&again, 1);
    assert!(!stderr(&again).contains("failed before"), "{}", stderr(&again));
}

#[test]
fn a_search_that_compared_nothing_is_said() {
    let place = Place::new();
    let text = "name: it\nexperiment: command\nparams: { program: [sh, -c, 'for s in 1 2; do echo \"{\\\"step\\\": $s, \\\"loss\\\": 1}\" >&3; done'] }\n\
                sweep: { grid: { values.lr: [1, 2, 3] } }\nsearch: { metric: METRIC, goal: lower, first: 1, rungs: 1 }\n";
    place.write("it.yaml", &text.replace("METRIC", "los"));
    let run = || place.call(&["run", "it.yaml", "-j", "1", "--force"]);
    let wrong = run();
    assert_code(&wrong, 0);
    let wanted = "warning: `search` compared nothing: no run recorded `los` at step 1 or later";
    assert!(stderr(&wrong).contains(wanted), "{}", stderr(&wrong));
    place.write("it.yaml", &text.replace("METRIC", "loss"));
    let right = run();
    assert_code(&right, 0);
    assert!(!stderr(&right).contains("compared nothing"), "{}", stderr(&right));
}

#[test]
fn a_plan_says_how_long_such_runs_took_here() {
    let place = Place::new();
    place.write("it.yaml", &program("[sh, -c, 'echo \"{\\\"final\\\": {\\\"n\\\": 1}}\" >&3']"));
    assert!(!stderr(&place.call(&["plan", "it.yaml"])).contains("finished here"));
    assert_code(&place.call(&["run", "it.yaml", "-j", "1"]), 0);
    let plan = place.call(&["plan", "it.yaml", "-s", "sweep.seeds=4"]);
    let said = stderr(&plan);
    assert!(said.contains("it: 4 runs: 2 not run, 2 finished; "), "{said}");
    assert!(said.contains("workers, by 2 runs that finished here"), "{said}");
    assert_eq!(stdout(&plan).lines().count(), 4);
}

#[test]
fn a_command_is_told_what_became_of_the_runs() {
    let dir = TempDir::new().unwrap();
    let config = dir.path().join("half.yaml");
    let text = "name: half\nexperiment: command\nparams: { program: [sh, -c, 'exit {seed}'] }\n\
                sweep: { seeds: 2 }\n";
    fs::write(&config, text).unwrap();
    let (config, store) = (config.to_str().unwrap(), dir.path().join("store"));
    let told = dir.path().join("told.json");
    let command = format!("cat > {}", told.display());
    assert_code(&run(config, &store, &["--on-finish", &command]), 1);
    let told: serde_json::Value = serde_json::from_slice(&fs::read(told).unwrap()).unwrap();
    assert_eq!((&told["exit_code"], &told["error"]), (&1.into(), &serde_json::Value::Null));
    let sweep = &told["sweeps"][0];
    assert_eq!((&sweep["sweep"], &sweep["finished"]), (&"half".into(), &1.into()));
    assert_eq!((&sweep["failed"], &sweep["runs"]), (&1.into(), &2.into()));

    // It changes nothing that it fails, or reads nothing.
    let again = run(config, &store, &["--on-finish", "exit 4"]);
    assert_code(&again, 1);
    let warning = "warning: --on-finish exit 4: it ended with exit status: 4";
    assert!(stderr(&again).contains(warning), "{}", stderr(&again));
}
