//! Configurations whose runs build on runs of others.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::{assert_code, regimen, run, stderr, stdout};

/// Two stages of a shell script: `train` leaves a model for each seed, `test` reads it twice.
struct Stages {
    dir: TempDir,
    store: PathBuf,
}

impl Stages {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let place = dir.path().display();
        let train = format!(
            "name: train\nexperiment: command\nparams:\n  program: [sh, {place}/train.sh, '{{folder}}']\n  \
             files: [{place}/train.sh]\n  values: {{ epochs: 3 }}\n  publish: [model.txt]\n\
             sweep: {{ seeds: 3 }}\ntable: {{ rows: seed, value: size }}\n"
        );
        let test = "name: test\nexperiment: command\nneeds:\n  model: { config: train.yaml, where: \
                    seed == this.seed }\nparams:\n  program: [sh, -c, 'echo \"{\\\"final\\\": \
                    {\\\"n\\\": $(cat {needs.model.artifact.model.txt})$0}}\" >&3', \
                    '{values.digit}', '{needs.model.params.values.epochs}']\n\
                    sweep: { grid: { values.digit: [1, 2] }, seeds: 3 }\n\
                    table: { rows: values.digit, columns: seed, value: n }\n";
        fs::write(dir.path().join("train.yaml"), train).unwrap();
        fs::write(dir.path().join("test.yaml"), test).unwrap();
        let stages = Self { store: dir.path().join("store"), dir };
        stages.script(7, None);
        stages
    }

    /// Models hold `size` and the seed; the run of one seed may fail.
    fn script(&self, size: u32, fails: Option<u32>) {
        let fails = fails.map_or(String::new(), |seed| {
            format!("if [ $REGIMEN_SEED = {seed} ]; then echo out of luck >&2; exit 3; fi\n")
        });
        let text = format!(
            "{fails}echo {size}$REGIMEN_SEED > $1/model.txt\n\
             echo '{{\"final\": {{\"size\": {size}}}}}' >&3\n"
        );
        fs::write(self.dir.path().join("train.sh"), text).unwrap();
    }

    fn config(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self, more: &[&str], code: i32) -> (String, String) {
        let done = run(&self.config("test.yaml"), &self.store, more);
        assert_code(&done, code);
        (stdout(&done), stderr(&done))
    }

    fn says(&self, words: &[&str]) -> (String, String) {
        let output = regimen().args(words).arg("--results").arg(&self.store).output().unwrap();
        assert_code(&output, 0);
        (stdout(&output), stderr(&output))
    }

    fn plan(&self) -> (String, String) {
        self.says(&["plan", &self.config("test.yaml")])
    }
}

#[test]
fn both_stages_are_planned_and_run_in_their_order() {
    let stages = Stages::new();
    let (runs, said) = stages.plan();
    assert_eq!(runs.lines().filter(|line| line.ends_with("  not run")).count(), 9, "{runs}");
    assert!(runs.lines().next().unwrap().contains("  seed=0  "), "{runs}");
    assert!(said.contains("train, needed by test: 3 runs: 3 not run"), "{said}");
    assert!(said.contains("test: 6 runs: 6 not run"), "{said}");
    assert!(said.contains("all 2 configurations: 9 runs: 9 not run"), "{said}");
    // One seed needs one model.
    let (_, said) = stages.run(&["--only", "seed == 1"], 0);
    assert!(said.contains("train: 1 run: 1 finished"), "{said}");
    assert!(said.contains("test: 2 runs: 2 finished"), "{said}");
    let (table, said) = stages.run(&["-j", "2"], 0);
    assert!(said.contains("train: 3 runs: 2 finished, 0 failed, 1 was finished before"), "{said}");
    assert!(said.contains("test: 6 runs: 4 finished, 0 failed, 2 were finished before"), "{said}");
    // Size, seed and digit.
    for n in ["701", "702", "711", "712", "721", "722"] {
        assert!(table.contains(n), "{n}:\n{table}");
    }
    // Nobody asked for the table of the first stage.
    assert!(!table.contains("size"), "{table}");
    let (shown, _) = stages.says(&["compare", &stages.config("test.yaml")]);
    assert!(shown.contains("722"), "{shown}");
    let (status, _) = stages.says(&["status", &stages.config("test.yaml")]);
    assert!(status.contains("command  test") && status.contains("command  train"), "{status}");
    let page = stages.config("page.html");
    stages.says(&["report", &stages.config("test.yaml"), "-o", &page]);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("config: train.yaml"), "the configuration is not shown");
    let shown = regimen().args(["show", &stages.config("test.yaml")]).output().unwrap();
    let wanted = "needs:\n  model:\n    config: train.yaml\n    where: seed == this.seed\n";
    assert!(stdout(&shown).contains(wanted), "{}", stdout(&shown));
}

#[test]
fn a_change_of_the_first_stage_makes_the_second_stale_and_says_why() {
    let stages = Stages::new();
    stages.run(&[], 0);
    let (runs, _) = stages.plan();
    assert!(runs.lines().all(|line| line.ends_with("  finished")), "{runs}");
    stages.script(8, None);
    let (runs, said) = stages.plan();
    let ends = |ending: &str| runs.lines().filter(|line| line.ends_with(ending)).count();
    assert_eq!(ends("train.sh changed"), 9, "{runs}");
    let changed = format!("  stale: model changed: {} changed", stages.config("train.sh"));
    assert_eq!(ends(&changed), 6, "{runs}");
    assert!(said.contains("test: 6 runs: 6 stale"), "{said}");
    let (table, _) = stages.run(&[], 0);
    assert!(table.contains("801") && !table.contains("701"), "{table}");
    // The older ones count no longer.
    let (status, _) = stages.says(&["status"]);
    assert!(status.lines().next().unwrap().trim().ends_with("finished  replaced"), "{status}");
    // Another request of the first stage.
    let path = stages.config("train.yaml");
    let text = fs::read_to_string(&path).unwrap().replace("epochs: 3", "epochs: 4");
    fs::write(&path, text).unwrap();
    let (runs, _) = stages.plan();
    let changed = "  stale: model changed: values.epochs 3, now 4";
    assert_eq!(runs.lines().filter(|line| line.ends_with(changed)).count(), 6, "{runs}");
    assert_eq!(runs.lines().filter(|line| line.ends_with("  not run")).count(), 3, "{runs}");
}

#[test]
fn a_first_stage_that_fails_blocks_what_needs_it_and_nothing_else() {
    let stages = Stages::new();
    stages.script(7, Some(1));
    let (table, said) = stages.run(&[], 1);
    assert!(said.contains("train: 3 runs: 2 finished, 1 failed"), "{said}");
    assert!(said.contains("test: 6 runs: 4 finished, 0 failed, 2 blocked"), "{said}");
    assert!(said.contains("blocked: ") && said.contains("`model` ("), "{said}");
    assert!(said.contains(") failed: sh ended with exit code 3"), "{said}");
    assert!(
        table.contains("702") && table.contains("2 blocked by a run that they need"),
        "{table}"
    );
    let (status, _) = stages.says(&["status"]);
    assert!(status.contains("blocked"), "{status}");
    let (runs, said) = stages.plan();
    let line = runs.lines().find(|line| line.contains("  blocked: ")).unwrap();
    assert!(line.contains("`model` (") && line.contains("exit code 3"), "{line}");
    assert!(said.contains("test: 6 runs: 2 blocked, 4 finished"), "{said}");
    // Asking again changes nothing.
    let (_, said) = stages.run(&[], 1);
    assert!(said.contains("0 finished, 0 failed, 2 blocked, 4 were finished before"), "{said}");
    let rows = tables::Runs::read(&stages.store, "command").unwrap();
    let cells = |column: &str| -> Vec<String> {
        rows.cells(column).unwrap().iter().map(ToString::to_string).collect()
    };
    let blocked: Vec<String> = cells("status")
        .into_iter()
        .zip(cells("error"))
        .filter(|(status, _)| status == "blocked")
        .map(|(_, error)| error)
        .collect();
    assert!(blocked.len() == 2 && blocked.iter().all(|e| e.contains("exit code 3")), "{blocked:?}");
    // The script changed, so that the first stage is stale and runs again.
    stages.script(7, None);
    let (table, said) = stages.run(&[], 0);
    assert!(said.contains("test: 6 runs: 6 finished"), "{said}");
    assert!(table.contains("712"), "{table}");
}

#[test]
fn names_that_nothing_has_are_told_before_anything_runs() {
    let stages = Stages::new();
    let config = stages.config("test.yaml");
    let plan = |set: &str| regimen().args(["plan", &config, "-s", set]).output().unwrap();
    let unknown = plan("params.program=[cat, '{needs.modle.artifact.model.txt}']");
    assert_code(&unknown, 2);
    let said = stderr(&unknown);
    let wanted = "wanted a name below `needs`, one of model, found \"modle\" (did you mean model?)";
    assert!(said.contains(wanted), "{said}");
    let none = plan("needs.model.where=seed == 9");
    assert_code(&none, 2);
    let said = stderr(&none);
    assert!(said.contains("found none among its 3: seed=0; seed=1; seed=2"), "{said}");
    let unused = plan("params.program=[cat, x]");
    assert_code(&unused, 0);
    assert!(stderr(&unused).contains("no run reads `model`"), "{}", stderr(&unused));
    // What no run has left behind is found out by the run.
    let (_, said) =
        stages.run(&["-s", "params.program=[cat, '{needs.model.artifact.nothing}']"], 1);
    assert!(said.contains("wanted one of its artifacts (model.txt), found \"nothing\""), "{said}");
}
