//! Configurations whose runs build on runs of others.

use std::fs;
use std::path::{Path, PathBuf};

use orchestrator::config::{Config, Loaded};
use orchestrator::plan::{Context, Identity, Layer, Plan, Sum, layers, resolved};
use tempfile::TempDir;

use crate::toy::{entries, with};

const TEACHER: &str =
    "name: teacher\nexperiment: toy\nsweep: { grid: { net.width: [4, 8] }, seeds: 3 }\n";

/// Files of a folder.
struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, name: &str, set: &[&str]) -> Result<(Config, Plan), String> {
        let set: Vec<String> = set.iter().map(|&argument| argument.to_owned()).collect();
        match with(|context| Plan::load(&self.path(name), &set, context)) {
            Ok(Loaded::Whole(planned)) => Ok(planned),
            Ok(Loaded::Part) => panic!("a part"),
            // Without the name of the folder.
            Err(errors) => {
                Err(errors.to_string().replace(&format!("{}/", self.0.path().display()), ""))
            }
        }
    }

    fn plan(&self, name: &str) -> Plan {
        self.load(name, &[]).unwrap().1
    }
}

/// A configuration of two widths and two seeds that needs a run of `teacher.yaml`.
fn student(condition: &str) -> String {
    let condition =
        if condition.is_empty() { String::new() } else { format!(", where: {condition:?}") };
    format!(
        "name: student\nexperiment: toy\nneeds: {{ teacher: {{ config: teacher.yaml{condition} }} }}\n\
         sweep: {{ grid: {{ net.width: [4, 8] }}, seeds: 2 }}\n"
    )
}

#[test]
fn each_run_builds_on_the_one_that_matches() {
    let text = student("width == this.net.width and seed == this.seed");
    let files = Files::new(&[("teacher.yaml", TEACHER), ("student.yaml", &text)]);
    let (teacher, plan) = (files.plan("teacher.yaml"), files.plan("student.yaml"));
    assert_eq!(plan.runs.len(), 4);
    for run in &plan.runs {
        let needed = teacher.runs.iter().find(|other| other.varies == run.varies).unwrap();
        assert_eq!(run.spec.needs, [("teacher".to_owned(), needed.spec.run)].into());
        assert_eq!(run.needed["teacher"].spec, needed.spec);
    }
    // Nothing reads it, since the toy reads no run.
    let warning = plan.warnings[0].to_string();
    assert!(warning.contains("no run reads `teacher`"), "{warning}");
}

#[test]
fn what_is_needed_is_part_of_identity() {
    let text = student("net.width == 4 and seed == this.seed");
    let files = Files::new(&[("teacher.yaml", TEACHER), ("student.yaml", &text)]);
    let ids = |plan: &Plan| -> Vec<_> {
        plan.runs.iter().map(|run| (run.spec.spec, run.spec.run)).collect()
    };
    let before = ids(&files.plan("student.yaml"));
    // What others are called and which runs there are beside it changes nothing.
    let more = TEACHER.replace("[4, 8]", "[2, 4, 8]").replace("name: teacher", "name: another");
    fs::write(files.path("teacher.yaml"), more).unwrap();
    assert_eq!(ids(&files.plan("student.yaml")), before);
    // Another teacher is another request.
    let other = TEACHER.replace("grid", "grid: { learning_rate: [0.1] }, zip");
    fs::write(files.path("teacher.yaml"), other).unwrap();
    let after = ids(&files.plan("student.yaml"));
    for (before, after) in before.iter().zip(&after) {
        assert!(before.0 != after.0 && before.1 != after.1);
    }
    // The same request with other data is another run.
    let read = TEACHER.replace("sweep", "params: { data: words }\nsweep");
    fs::write(files.path("teacher.yaml"), read).unwrap();
    let [one, two] = ["1", "2"].map(|sum| {
        let checksum = |_: &str| Sum::Known(sum.into());
        let identity = Identity {
            engine: 1,
            cuda: 1,
            auto: &experiment::Device::default,
            checksum: &checksum,
        };
        let context = Context { entries: &entries(), identity: &identity, columns: &[] };
        match Plan::load(&files.path("student.yaml"), &[], &context).unwrap() {
            Loaded::Whole((_, plan)) => ids(&plan),
            Loaded::Part => panic!("a part"),
        }
    });
    assert!(one.iter().zip(&two).all(|(a, b)| a.0 == b.0 && a.1 != b.1));
}

#[test]
fn none_and_several_are_told_with_what_there_is() {
    for (condition, wanted) in [
        (
            "",
            "needs.teacher: wanted one run of teacher.yaml, found 6: net.width=4 seed=0; net.width=4 \
             seed=1; net.width=4 seed=2; net.width=8 seed=0; net.width=8 seed=1; 1 more; `where: \
             \"seed == this.seed\"` or the like says which",
        ),
        (
            "seed == this.seed",
            "needs.teacher.where: wanted one run of teacher.yaml with `seed == this.seed`, where \
             this.seed is 0, found 2: net.width=4 seed=0; net.width=8 seed=0",
        ),
        (
            "width == 5",
            "needs.teacher.where: wanted one run of teacher.yaml with `width == 5`, found none among \
             its 6: net.width=4 seed=0; net.width=4 seed=1; net.width=4 seed=2; net.width=8 seed=0; \
             net.width=8 seed=1; 1 more",
        ),
        (
            "width == this.widht",
            "column 10 of the condition: nothing is called `this.widht`; did you mean \
             `this.net.width`?",
        ),
        (
            "widht == 4",
            "column 1 of the condition: nothing is called `widht`; did you mean `net.width`?",
        ),
        ("width ==", "column 9 of the condition: wanted a value, found \"the end\""),
    ] {
        let text = student(condition);
        let files = Files::new(&[("teacher.yaml", TEACHER), ("student.yaml", &text)]);
        let error = files.load("student.yaml", &[]).unwrap_err();
        assert!(error.starts_with("student.yaml:3:"), "{error}");
        assert!(error.lines().next().unwrap().ends_with(wanted), "{error}");
    }
}

#[test]
fn what_is_wrong_with_the_key_is_told_where_it_stands() {
    for (needs, wanted) in [
        (
            "teacher",
            "needs: wanted a map such as { teacher: { config: teacher.yaml } }, found \"teacher\"",
        ),
        (
            "{ a.b: teacher.yaml }",
            "needs.\"a.b\": wanted a name of letters, digits, _ and -, found \"a.b\"",
        ),
        ("{ t: { where: seed == 1 } }", "needs.t: key `config` is missing"),
        ("{ t: { config: 3 } }", "needs.t.config: wanted the path of a configuration, found 3"),
        ("{ t: { confg: x } }", "needs.t.confg: unknown key `confg`; did you mean `config`?"),
        ("{ t: student.yaml }", "needs.t: student.yaml needs itself through student.yaml"),
        (
            "{ t: bad.yaml }",
            "bad.yaml:2:13: experiment: unknown experiment \"tooy\"; did you mean `toy`?",
        ),
    ] {
        let text = format!("name: student\nexperiment: toy\nneeds: {needs}\n");
        let bad = "name: bad\nexperiment: tooy\n";
        let files = Files::new(&[("bad.yaml", bad), ("student.yaml", &text)]);
        let error = files.load("student.yaml", &[]).unwrap_err();
        assert!(error.contains(wanted), "{needs}: {error}");
    }
    let files = Files::new(&[("student.yaml", &student(""))]);
    let error = files.load("student.yaml", &[]).unwrap_err();
    assert!(error.contains("needs.teacher.config: there is no configuration at "), "{error}");
    let around = |other: &str| format!("name: n\nexperiment: toy\nneeds: {{ x: {other} }}\n");
    let files = Files::new(&[("a.yaml", &around("b.yaml")), ("b.yaml", &around("a.yaml"))]);
    let error = files.load("a.yaml", &[]).unwrap_err();
    assert!(error.contains("b.yaml:3:"), "{error}");
    assert!(error.contains("a.yaml needs itself through a.yaml -> b.yaml"), "{error}");
}

#[test]
fn paths_start_at_the_file_that_says_them_and_are_shown_again() {
    let part =
        "needs: { teacher: { config: teacher.yaml, where: seed == this.seed and width == 4 } }\n";
    let main = "extends: parts/needs.yaml\nname: student\nexperiment: toy\nsweep: { seeds: 3 }\n";
    let files = Files::new(&[
        ("parts/teacher.yaml", TEACHER),
        ("parts/needs.yaml", part),
        ("student.yaml", main),
    ]);
    let (config, plan) = files.load("student.yaml", &[]).unwrap();
    let shown = resolved(&config, &plan).unwrap();
    assert!(shown.contains("needs:\n  teacher:\n    config: parts/teacher.yaml\n"), "{shown}");
    fs::write(files.path("shown.yaml"), &shown).unwrap();
    assert_eq!(files.plan("shown.yaml").runs, plan.runs);
    // An argument starts at the configuration.
    let set = "needs.teacher={config: parts/teacher.yaml, where: seed == this.seed and width == 8}";
    let (_, other) = files.load("student.yaml", &[set]).unwrap();
    assert!(other.runs.iter().all(|run| run.needed["teacher"].varies[0].1 == 8));
}

#[test]
fn what_others_build_on_comes_first_and_once() {
    let text = student("net.width == 4 and seed == this.seed");
    let both = "name: both\nexperiment: toy\nneeds:\n  s: { config: student.yaml, where: width == 8 \
                and seed == 1 }\n  t: { config: teacher.yaml, where: width == 8 and seed == 2 }\n";
    let files =
        Files::new(&[("teacher.yaml", TEACHER), ("student.yaml", &text), ("both.yaml", both)]);
    let plans = ["teacher.yaml", "student.yaml", "both.yaml"].map(|name| files.plan(name));
    let told = |asked: &[(&str, &Plan)]| -> Vec<String> {
        let paths: Vec<PathBuf> = asked.iter().map(|(name, _)| files.path(name)).collect();
        let asked: Vec<(&Path, &Plan)> =
            paths.iter().zip(asked).map(|(path, (_, plan))| (&**path, *plan)).collect();
        let tell = |layer| match layer {
            Layer::Asked(at) => format!("asked {at}"),
            Layer::Needed { plan, by, .. } => {
                let runs: Vec<String> = plan
                    .runs
                    .iter()
                    .map(|run| format!("{} {}", run.varies[0].1, run.spec.seed))
                    .collect();
                format!("{} for {}: {}", plan.sweep, by.join(", "), runs.join("; "))
            }
        };
        layers(&asked).into_iter().map(tell).collect()
    };
    let [teacher, student, both] = &plans;
    assert_eq!(
        told(&[("both.yaml", both)]),
        ["teacher for student, both: 4 1; 8 2", "student for both: 8 1", "asked 0"]
    );
    assert_eq!(
        told(&[("student.yaml", student), ("teacher.yaml", teacher)]),
        ["asked 1", "asked 0"]
    );
    // One that has not all of it stands for itself alone.
    let mut some = teacher.clone();
    some.runs.truncate(1);
    assert_eq!(
        told(&[("student.yaml", student), ("teacher.yaml", &some)]),
        ["teacher for student: 4 0; 4 1", "asked 0", "asked 1"]
    );
}

#[test]
fn what_builds_on_a_run_that_awaits_a_data_set_awaits_it_too() {
    let teacher = "name: teacher\nexperiment: toy\nsweep: { grid: { data: [known, released] } }\n";
    let student = "name: student\nexperiment: toy\nneeds: { teacher: { config: teacher.yaml, where: \
                   data == this.data } }\nsweep: { grid: { data: [known, released] }, seeds: 2 }\n";
    let files = Files::new(&[("teacher.yaml", teacher), ("student.yaml", student)]);
    let plan = files.plan("student.yaml");
    assert_eq!((plan.runs.len(), plan.awaiting.len()), (2, 2));
    let text = student.replace("data: [known, released]", "net.width: [1]");
    fs::write(files.path("student.yaml"), text.replace("data == this.data", "data == released"))
        .unwrap();
    let plan = files.plan("student.yaml");
    assert_eq!((plan.runs.len(), plan.awaiting.len()), (0, 2));
    assert!(plan.awaiting.iter().all(|awaited| awaited.data == "released"));
}
