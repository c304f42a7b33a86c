//! What `run` and `compare` print, and what they say where there is nothing to print.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

use super::{assert_code, regimen, root, run, stderr, stdout};

/// A configuration in a folder of its own, which is also the store's.
struct Sweep {
    folder: TempDir,
}

impl Sweep {
    fn new(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("sweep.yaml"), text).unwrap();
        Self { folder }
    }

    /// A sweep of `sh` that writes these JSON lines.
    fn of_program(name: &str, said: &str, rest: &str) -> Self {
        let program = format!("[sh, -c, 'echo \"$0\" >&3', '{said}']");
        Self::new(&format!(
            "name: {name}\nexperiment: command\nparams: {{ program: {program} }}\n{rest}\n"
        ))
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("sweep.yaml")
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("results")
    }

    fn run(&self, more: &[&str]) -> Output {
        run(self.config().to_str().unwrap(), &self.store(), &[&["-j", "1"], more].concat())
    }

    fn compare(&self, more: &[&str]) -> Output {
        let mut command = regimen();
        command.arg("compare").arg(self.config()).arg("--results").arg(self.store());
        command.args(more).output().unwrap()
    }
}

const WIDE: &str = "sweep: { grid: { values.width: 1..=14, values.layer: [layer1, layer2, layer10] } }\n\
    table: { rows: values.layer, columns: values.width, value: n }";

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
fn tables_fit_the_width_they_are_given() {
    let sweep = Sweep::of_program("wide", r#"{"final": {"n": 1}}"#, WIDE);
    let ran = sweep.run(&["--width", "60"]);
    assert_code(&ran, 0);
    assert!(widest(&stdout(&ran)) <= 60, "{}", stdout(&ran));
    let narrow = sweep.compare(&["--width", "60"]);
    assert_eq!(stdout(&narrow), stdout(&ran), "both commands print the same table");
    let rows: Vec<_> = stdout(&narrow)
        .lines()
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|word| word.starts_with("layer"))
        .collect();
    let order = ["layer1", "layer2", "layer10"];
    assert_eq!(rows, [order, order].concat(), "two blocks in natural order");
    let by_variable = |columns: &str, more: &[&str]| {
        let mut command = regimen();
        command.arg("compare").arg(sweep.config()).arg("--results").arg(sweep.store());
        widest(&stdout(&command.args(more).env("COLUMNS", columns).output().unwrap()))
    };
    assert!(by_variable("40", &[]) <= 40);
    let whole = by_variable("40", &["--wide"]);
    assert!(whole > 60);
    assert_eq!(widest(&stdout(&sweep.compare(&[]))), whole, "without a terminal nothing is cut");
    assert_code(&sweep.compare(&["--width", "19"]), 2);
}

#[test]
fn a_locale_without_utf8_gets_ascii() {
    let sweep = Sweep::of_program(
        "plain",
        r#"{"final": {"n": 1}}"#,
        "sweep: { seeds: 2 }\ntable: { value: n }",
    );
    assert_code(&sweep.run(&[]), 0);
    let table = |locale: &str| {
        let mut command = regimen();
        command.arg("compare").arg(sweep.config()).arg("--results").arg(sweep.store());
        command.env_remove("LC_CTYPE").env("LANG", "de_DE.UTF-8").env("LC_ALL", locale);
        stdout(&command.output().unwrap())
    };
    assert!(table("C").is_ascii() && table("C").contains("1.00 +-0.00"), "{}", table("C"));
    assert!(table("C.UTF-8").contains("1.00 ±0.00"), "{}", table("C.UTF-8"));
    assert!(table("").contains('═'), "an empty one is not set");
}

#[test]
fn number_and_text_are_two_rows() {
    let rest = "sweep: { grid: { values.k: [1, '1', 2, 10, auto] } }\n\
        table: { rows: values.k, value: n }";
    let sweep = Sweep::of_program("mixed", r#"{"final": {"n": 1}}"#, rest);
    let table = stdout(&sweep.run(&[]));
    let rows: Vec<&str> = table
        .lines()
        .filter(|line| line.ends_with("1.00"))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(rows, ["1", "2", "10", "\"1\"", "auto"], "{table}");
}

#[test]
fn where_every_run_failed_no_name_is_guessed() {
    let sweep = Sweep::new(
        "name: failing\nexperiment: command\nparams: { program: [sh, -c, 'exit 7'] }\n\
         sweep: { seeds: 2 }\ntable: { rows: seed, value: loss }\n",
    );
    let why = "no run of command has a final loss: 2 failed; `regimen plan` says why runs failed";
    for _ in 0..2 {
        let ran = sweep.run(&[]);
        assert_code(&ran, 1);
        assert!(stderr(&ran).contains(why), "{}", stderr(&ran));
        assert!(!stderr(&ran).contains("did you mean"), "{}", stderr(&ran));
    }
    let compared = sweep.compare(&[]);
    assert_code(&compared, 1);
    assert!(stderr(&compared).contains(why), "{}", stderr(&compared));
}

#[test]
fn a_metric_given_by_step_only_is_said_to_be() {
    let rest = "table: { rows: seed, value: loss }";
    let sweep = Sweep::of_program("stepped", r#"{"step": 1, "loss": 0.5}"#, rest);
    let ran = sweep.run(&[]);
    assert_code(&ran, 0);
    let compared = sweep.compare(&[]);
    // Where programs have their last value as final, there is a table.
    if stdout(&ran).is_empty() {
        assert!(stderr(&ran).contains("recorded by step only"), "{}", stderr(&ran));
        assert_code(&compared, 3);
    } else {
        assert_code(&compared, 0);
    }
}

#[test]
fn a_name_that_no_run_has_is_a_warning_after_a_run_and_an_error_before_a_table() {
    let rest = "sweep: { grid: { values.lr: [0.1, 0.2] } }\n\
        table: { rows: values.learning_rate, value: n }";
    let sweep = Sweep::of_program("typo", r#"{"final": {"n": 1}}"#, rest);
    let ran = sweep.run(&[]);
    // Some mistakes are found before the first run.
    if ran.status.code() != Some(2) {
        assert_code(&ran, 0);
        assert!(stderr(&ran).contains("warning: a table cannot be shown"), "{}", stderr(&ran));
    }
    let compared = sweep.compare(&["--rows", "values.l"]);
    assert_code(&compared, 2);
    let compared = sweep.compare(&["--rows", "values.lr", "--value", "m"]);
    assert_code(&compared, 2);
}

#[test]
fn without_a_table_what_varies_is_shown() {
    let rest = "sweep: { grid: { values.lr: [0.1, 0.2], values.depth: [1, 2, 3] } }";
    let sweep = Sweep::of_program("untold", r#"{"final": {"n": 1}}"#, rest);
    assert_code(&sweep.run(&[]), 0);
    let mut command = regimen();
    let by_name = command.args(["compare", "command", "--results"]).arg(sweep.store());
    for output in [sweep.compare(&[]), by_name.output().unwrap()] {
        assert_code(&output, 0);
        let table = stdout(&output);
        for part in ["values.lr →", "values.depth", "6 finished runs, 1 a cell"] {
            assert!(table.contains(part), "{part}:\n{table}");
        }
    }
}

#[test]
fn published_numbers_are_at_hand_in_any_folder_and_their_absence_hides_nothing() {
    let dir = TempDir::new().unwrap();
    let store = dir.path().join("store");
    let config = root().join("configs/hypergrad/surface.yaml");
    let ran = |set: &[&str]| {
        let mut command = regimen();
        command.current_dir(dir.path()).arg("run").arg(&config).arg("--results").arg(&store);
        command.args(["-j", "1"]).args(set).output().unwrap()
    };
    let first = ran(&[]);
    assert_code(&first, 0);
    for part in ["356.34)", "(395.30)", "published: Maclaurin 2015, figure 1", "naive_distance"] {
        assert!(stdout(&first).contains(part), "{part}:\n{}", stdout(&first));
    }
    // The same configuration far from the project that it ships with.
    let alone = dir.path().join("alone.yaml");
    fs::copy(&config, &alone).unwrap();
    let compare = |more: &[&str]| {
        let mut command = regimen();
        command.current_dir(dir.path()).arg("compare").arg(&alone).arg("--results").arg(&store);
        command.args(more).output().unwrap()
    };
    assert!(stdout(&compare(&[])).contains("356.34)"), "{}", stdout(&compare(&[])));
    let beside = compare(&["--against", "published"]);
    assert_code(&beside, 0);
    assert!(stdout(&beside).contains("agrees"), "{}", stdout(&beside));

    let text = fs::read_to_string(&config).unwrap().replace("hypergrad/final", "hypergrad/finals");
    fs::write(&alone, text).unwrap();
    let without = compare(&[]);
    assert_code(&without, 0);
    assert!(stdout(&without).contains("356.3"), "{}", stdout(&without));
    let warning =
        "warning: no published numbers \"hypergrad/finals\"; did you mean \"hypergrad/final\"?";
    assert!(stderr(&without).contains(warning), "{}", stderr(&without));
    assert_code(&compare(&["--against", "published"]), 3);

    // A table of the project stands before what is shipped.
    let own = dir.path().join("results/published/hypergrad");
    fs::create_dir_all(&own).unwrap();
    let header = "task,metric,value,spread,source,confidence\n";
    let line = "illustration,objective,12.5,,Ours,recalled\n";
    fs::write(own.join("finals.csv"), format!("{header}{line}")).unwrap();
    let told = stdout(&compare(&[]));
    assert!(told.contains("12.5"), "{told}");
    assert!(told.contains("Ours (quoted from memory, not checked against the paper)"), "{told}");
    fs::write(own.join("finals.csv"), format!("{header}illustration,objective,x,,Ours,recalled\n"))
        .unwrap();
    let malformed = compare(&[]);
    assert_code(&malformed, 0);
    assert!(
        stderr(&malformed).contains("finals.csv:2: value: wanted a number"),
        "{}",
        stderr(&malformed)
    );
}

#[test]
fn a_configuration_has_several_tables_each_of_some_runs() {
    let dir = TempDir::new().unwrap();
    let config = "configs/hypergrad/surface.yaml";
    let ran = run(config, dir.path(), &["-j", "1"]);
    assert_code(&ran, 0);
    let compare = |more: &[&str]| {
        let mut command = regimen();
        command.args(["compare", config, "--results"]).arg(dir.path()).args(more).output().unwrap()
    };
    let both = stdout(&compare(&[]));
    assert_eq!(both, stdout(&ran));
    assert_eq!(both.matches("Figure 1: ").count() + both.matches("Section 2.1: ").count(), 2);
    let (one, two) = both.split_once("\n\n").unwrap();
    assert!(one.contains("illustration") && !one.contains("naive"), "{one}");
    assert!(two.contains("naive") && !two.contains("illustration"), "{two}");
    assert_eq!(stdout(&compare(&["--table", "2"])), two);
    assert_eq!(stdout(&compare(&["--table", "section 2.1"])), two);
    let unknown = compare(&["--table", "3"]);
    assert_code(&unknown, 2);
    assert!(stderr(&unknown).contains("wanted one of 1 (Figure 1"), "{}", stderr(&unknown));
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&compare(&["--format", "json"]))).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 3, "one a metric");
    // A table of runs that were not asked for is not missed.
    let only = run(config, dir.path(), &["--only", "task == naive"]);
    assert_eq!(stdout(&only), two);
    // A table that another store has no runs for hides none of the others.
    let other = TempDir::new().unwrap();
    assert_code(&run(config, other.path(), &["--only", "task == naive"]), 0);
    let against = compare(&["--against", other.path().to_str().unwrap()]);
    assert_code(&against, 0);
    assert!(stdout(&against).contains("0.00477") && stdout(&against).contains("same"));
    let absent = format!("in {}: nothing to compare: no run of hypergrad", other.path().display());
    assert_eq!(stderr(&against).matches(&absent).count(), 2, "{}", stderr(&against));
}

#[test]
fn a_condition_that_holds_for_no_run_is_said_at_once() {
    let sweep = Sweep::new(
        "name: unmatched\nexperiment: descent\nparams: { steps: 5 }\n\
         sweep: { grid: { momentum: [0.0, 0.9] } }\n\
         table: { title: Fast, where: momentum == 0.8, rows: momentum, value: value }\n",
    );
    let why = "sweep.yaml:5:30: table.where: the table shows nothing: no run has momentum == 0.8";
    let planned = regimen().arg("plan").arg(sweep.config()).output().unwrap();
    assert_code(&planned, 0);
    assert!(stderr(&planned).contains(why), "{}", stderr(&planned));
    assert_code(&sweep.run(&[]), 0);
    let compared = sweep.compare(&[]);
    assert_code(&compared, 3);
    assert!(stderr(&compared).contains("no table shows any of the runs"), "{}", stderr(&compared));
    // Whoever asks for other runs knows that some tables are empty.
    let narrowed = sweep.run(&["-s", "sweep.grid.momentum=[0.8]"]);
    assert!(!stderr(&narrowed).contains("shows nothing"), "{}", stderr(&narrowed));
}

#[test]
fn what_arguments_change_is_said_below_the_table() {
    let sweep = Sweep::new(
        "name: changed\nexperiment: descent\nparams: { steps: 20 }\n\
         sweep: { grid: { momentum: [0.0, 0.9] } }\ntable: { rows: momentum, value: value }\n",
    );
    let ran = sweep.run(&["-s", "params.steps=5", "-s", "params.noise=0.0"]);
    assert_code(&ran, 0);
    assert!(stdout(&ran).contains("\nwith params.steps=5 in place of 20\n"), "{}", stdout(&ran));
    let ran = sweep.run(&[]);
    assert!(!stdout(&ran).contains("in place of"), "{}", stdout(&ran));
}

#[test]
fn every_configuration_that_ships_has_a_table() {
    let mut count = 0;
    for folder in [
        "configs",
        "configs/dialog",
        "configs/hypergrad",
        "configs/rank-pooling",
        "configs/raml",
        "configs/style",
        "configs/examples",
    ] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap_or_default();
            // What has no name is to be extended.
            if path.extension().is_none_or(|end| end != "yaml") || !text.contains("\nname: ") {
                continue;
            }
            let shown = regimen().arg("show").arg(&path).output().unwrap();
            assert_code(&shown, 0);
            let has_table = stdout(&shown).contains("\ntable:");
            assert!(has_table, "{}", path.display());
            count += 1;
        }
    }
    assert!(count > 35, "{count}");
}

#[test]
fn what_the_papers_printed_is_in_the_binary() {
    let folder = root().join("results/published");
    for experiment in ["dialog", "hypergrad", "raml", "style"] {
        for entry in fs::read_dir(folder.join(experiment)).unwrap() {
            let path = entry.unwrap().path();
            let module = root().join("experiments").join(experiment).join("src/published.rs");
            let name = path.file_stem().unwrap().to_str().unwrap();
            let listed =
                fs::read_to_string(&module).unwrap().contains(&format!("table!(\"{name}\")"));
            assert!(listed, "{} is missing in {}", name, module.display());
        }
    }
}

#[test]
fn a_condition_of_a_table_is_checked_before_the_first_run() {
    let sweep = Sweep::new(
        "name: wrong\nexperiment: descent\ntable:\n  - value: value\n    where: momentumm == 0\n",
    );
    for (set, wanted) in [
        (vec![], "sweep.yaml:5:12: table.[0].where: column 1 of the condition: "),
        (vec!["-s", "table.0.where=momentum ="], "table.[0].where: column 11 of the condition: "),
        (vec!["-s", "table.0.value=[]"], "table.[0].value: wanted a final metric, found none"),
        (vec!["-s", "table.0.rows=[seed, seed]"], "wanted each name once in a table"),
        (
            vec!["-s", "table.0={value: [value, distance], passes: 1}"],
            "table.[0].passes: wanted no threshold beside several values",
        ),
    ] {
        let planned = regimen().arg("plan").arg(sweep.config()).args(&set).output().unwrap();
        assert_code(&planned, 2);
        assert!(stderr(&planned).contains(wanted), "{set:?}: {}", stderr(&planned));
    }
    assert!(!Path::new(&sweep.store()).exists());
}
