//! Runs whose program was changed become stale, and count again once it is restored.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{assert_code, regimen, run, stderr, stdout};

/// A sweep of two runs of a script that results in a value.
struct Sweep {
    dir: TempDir,
    config: PathBuf,
    store: PathBuf,
}

impl Sweep {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let (config, store) = (dir.path().join("it.yaml"), dir.path().join("store"));
        let script = dir.path().join("it.sh");
        let text = format!(
            "name: it\nexperiment: command\nparams:\n  program: [sh, {0}]\n  files: [{0}]\n\
             sweep: {{ seeds: 2 }}\ntable: {{ rows: seed, value: n }}\n",
            script.display()
        );
        fs::write(&config, text).unwrap();
        Self { dir, config, store }
    }

    fn script(&self, value: u32) {
        let text = format!("echo '{{\"final\": {{\"n\": {value}}}}}' >&3\n");
        fs::write(self.dir.path().join("it.sh"), text).unwrap();
    }

    fn run(&self) -> String {
        let done = run(self.config.to_str().unwrap(), &self.store, &["-j", "1"]);
        assert_code(&done, 0);
        stderr(&done)
    }

    fn says(&self, words: &[&str]) -> String {
        let output = regimen().args(words).arg("--results").arg(&self.store).output().unwrap();
        assert_code(&output, 0);
        stdout(&output)
    }

    fn plan(&self) -> String {
        self.says(&["plan", self.config.to_str().unwrap()])
    }

    /// `current` of every row by its value, and how many sums of what was read there are.
    fn rows(&self) -> (Vec<(String, String)>, usize) {
        let runs = tables::Runs::read(&self.store, "command").unwrap();
        let cells = |column: &str| -> Vec<String> {
            runs.cells(column).unwrap().iter().map(ToString::to_string).collect()
        };
        let mut rows: Vec<_> = cells("final.n").into_iter().zip(cells("current")).collect();
        rows.sort();
        let mut sums = cells("data");
        assert!(sums.iter().all(|sums| sums.contains("it.sh")), "{sums:?}");
        sums.sort();
        sums.dedup();
        (rows, sums.len())
    }
}

fn rows(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(value, current)| ((*value).to_owned(), (*current).to_owned())).collect()
}

#[test]
fn what_a_changed_script_replaced_is_named_marked_and_not_counted() {
    let sweep = Sweep::new();
    sweep.script(1);
    sweep.run();
    sweep.script(2);
    let plan = sweep.plan();
    assert!(plan.lines().all(|line| line.contains("  stale: ")), "{plan}");
    assert!(plan.lines().all(|line| line.ends_with("it.sh changed")), "{plan}");
    sweep.run();
    let (old, new) = (("1", "false"), ("2", "true"));
    assert_eq!(sweep.rows(), (rows(&[old, old, new, new]), 2));
    let status = sweep.says(&["status"]);
    let numbers: Vec<&str> = status.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(numbers, ["command", "it", "2", "2"], "{status}");
    assert!(status.lines().next().unwrap().trim().ends_with("finished  replaced"), "{status}");
    let row: serde_json::Value =
        serde_json::from_str(&sweep.says(&["status", "--format", "json"])).unwrap();
    assert_eq!((&row["runs"]["finished"], &row["replaced"]), (&2.into(), &2.into()));
    let table = sweep.says(&["compare", "command", "--rows", "seed", "--value", "n"]);
    assert!(
        table.contains("2 finished runs, 1 a cell") && table.contains("left out: 2"),
        "{table}"
    );
    let page = sweep.dir.path().join("page.html");
    sweep.says(&["report", "-o", page.to_str().unwrap()]);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("2 runs: 2 finished; left out: 2 that"), "no such counts");
}

#[test]
fn what_is_restored_and_asked_for_again_counts_again() {
    let sweep = Sweep::new();
    for value in [1, 2] {
        sweep.script(value);
        sweep.run();
    }
    sweep.script(1);
    let plan = sweep.plan();
    assert!(plan.lines().all(|line| line.ends_with("  finished")), "{plan}");
    let said = sweep.run();
    assert!(said.contains("2 were finished before"), "{said}");
    let (back, gone) = (("1", "true"), ("2", "false"));
    assert_eq!(sweep.rows(), (rows(&[back, back, gone, gone]), 2));
    let table = sweep.says(&["compare", sweep.config.to_str().unwrap()]);
    assert!(table.contains("1.00") && !table.contains("2.00"), "{table}");
}

#[test]
fn a_store_that_does_not_name_a_folder_is_explained() {
    let dir = TempDir::new().unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink("gone", &link).unwrap();
    let sweep = Sweep::new();
    sweep.script(1);
    let run = |store: &Path| run(sweep.config.to_str().unwrap(), store, &[]);
    let wanted = "wanted a folder, found a link to gone, where nothing is";
    let dangling = run(&link);
    assert_code(&dangling, 2);
    assert!(stderr(&dangling).contains(wanted), "{}", stderr(&dangling));
    assert!(link.is_symlink(), "the link stays");
    let file = run(&sweep.config);
    assert_code(&file, 2);
    assert!(stderr(&file).contains("wanted a folder, found a file"), "{}", stderr(&file));
}
