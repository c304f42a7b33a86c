//! Data that is not ours: manifests of the user, and files of which no sum is known beforehand.

use std::fs;
use std::process::Output;

use tempfile::TempDir;

use super::{assert_code, regimen, stderr, stdout};

/// A project with a configuration and a manifest beside it.
struct Project(TempDir);

impl Project {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("datasets")).unwrap();
        let manifest = "name: poems\nversion: 1\nsummary: two poems\nlicence: CC0\ncitation: none\n\
                        sources: []\nrecorded: [{ path: poems.txt, at_most: 1000 }]\n";
        fs::write(dir.path().join("datasets/poems.yaml"), manifest).unwrap();
        let config = "name: lines\nexperiment: command\nparams:\n  data: [poems]\n  program: [sh, -c, \
                      'echo \"{\\\"final\\\": {\\\"lines\\\": $(wc -l < {data.poems}/poems.txt)}}\" >&3']\n\
                      sweep: { seeds: 2 }\ntable: { rows: seed, value: lines }\n";
        fs::write(dir.path().join("it.yaml"), config).unwrap();
        Self(dir)
    }

    fn data(&self, text: &str) {
        let folder = self.0.path().join("datasets/poems");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("poems.txt"), text).unwrap();
    }

    fn call(&self, words: &[&str]) -> Output {
        let mut command = regimen();
        command.current_dir(self.0.path()).env("REGIMEN_CACHE", self.0.path().join("cache"));
        command.args(words).output().unwrap()
    }
}

#[test]
fn a_data_set_of_the_user_is_planned_before_and_fetched_by_the_run() {
    let project = Project::new();
    let plan = project.call(&["plan", "it.yaml"]);
    assert_code(&plan, 0);
    let later = "after fetch: its id depends on data set poems";
    assert_eq!(stdout(&plan).lines().filter(|line| line.ends_with(later)).count(), 2);
    assert!(stderr(&plan).contains("lines: 2 runs: 2 after fetch"), "{}", stderr(&plan));
    let offline = project.call(&["run", "it.yaml", "--offline"]);
    assert_code(&offline, 2);
    let said = stderr(&offline);
    assert!(said.contains("data set poems") && said.contains("datasets/poems"), "{said}");
    project.data("one\ntwo\n");
    let run = project.call(&["run", "it.yaml"]);
    assert_code(&run, 0);
    assert!(stdout(&run).contains("2.00"), "{}", stdout(&run));
    let list = stdout(&project.call(&["datasets", "list"]));
    assert!(list.contains("poems v1") && list.contains("two poems"), "{list}");
    let plan = project.call(&["plan", "it.yaml"]);
    assert!(stdout(&plan).lines().all(|line| line.ends_with("  finished")), "{}", stdout(&plan));
}

#[test]
fn what_was_seen_first_is_kept_and_a_difference_is_an_error() {
    let project = Project::new();
    project.data("one\n");
    assert_code(&project.call(&["datasets", "fetch", "poems"]), 0);
    // The copy that was verified is used, whatever becomes of the user's.
    project.data("another\n");
    let folder = stdout(&project.call(&["datasets", "path", "poems"]));
    let kept = std::path::Path::new(folder.trim()).join("poems.txt");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "one\n");
    fs::remove_file(&kept).unwrap();
    let again = project.call(&["datasets", "fetch", "poems"]);
    assert_code(&again, 2);
    let said = stderr(&again);
    assert!(
        said.contains("poems.txt is not what was recorded when it was fetched first"),
        "{said}"
    );
    project.data("one\n");
    assert_code(&project.call(&["datasets", "fetch", "poems"]), 0);
}

#[test]
fn a_manifest_with_a_mistake_is_told_where_its_data_set_is_wanted() {
    let project = Project::new();
    fs::write(project.0.path().join("datasets/poems.yaml"), "name: poem\n").unwrap();
    let plan = project.call(&["plan", "it.yaml"]);
    assert_code(&plan, 2);
    assert!(
        stderr(&plan).contains("datasets/poems.yaml:1:1: key `version` is missing"),
        "{}",
        stderr(&plan)
    );
}
