//! Mistakes of configurations, as the command line shows them.

use std::fs;
use std::process::Output;

use tempfile::TempDir;

use super::{assert_code, regimen, root, stderr, stdout};

/// A run that reports `n` and prints its arguments.
const CLIP: &str = "name: clip\nexperiment: command\nparams: { program: [sh, -c, 'echo \"$@\" >> words; echo \"{\\\"final\\\": {\\\"n\\\": 1}}\" >&3', sh] }\n\
                    sweep: { grid: { values.clip: [1.0, .inf, -.inf, .nan, null, [.inf, 1], inf] } }\ntable: { rows: clip, value: n }\n";

fn call(dir: &TempDir, words: &[&str]) -> Output {
    let mut command = regimen();
    command.current_dir(dir.path()).args(words).output().unwrap()
}

#[test]
fn every_value_reaches_the_program_and_its_table() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("c.yaml"), CLIP.replace(", [.inf, 1], inf", "")).unwrap();
    let run = call(&dir, &["run", "c.yaml", "-j", "1"]);
    assert_code(&run, 0);
    assert!(stderr(&run).contains("5 finished, 0 failed"), "{}", stderr(&run));
    let words = fs::read_to_string(dir.path().join("words")).unwrap();
    assert_eq!(words, "--clip 1.0\n--clip inf\n--clip -inf\n--clip nan\n--clip null\n");
    let table = stdout(&run);
    for row in ["1 ", "inf ", "-inf ", "NaN "] {
        assert!(table.lines().any(|line| line.starts_with(row)), "{row}\n{table}");
    }
    assert!(table.contains("5 finished runs, 1 a cell"), "{table}");
    let shown = call(&dir, &["show", "c.yaml"]);
    fs::write(dir.path().join("shown.yaml"), &shown.stdout).unwrap();
    let plan = call(&dir, &["plan", "shown.yaml"]);
    assert!(stderr(&plan).contains("5 runs: 5 finished"), "{}", stderr(&plan));
    for (only, runs) in
        [("clip == .nan", 1), ("clip == null or clip > 1e308", 2), ("clip == \"inf\"", 0)]
    {
        let plan = call(&dir, &["plan", "c.yaml", "--only", only]);
        assert_code(&plan, 0);
        assert_eq!(stdout(&plan).lines().count(), runs, "{only}");
    }
    fs::write(dir.path().join("c.yaml"), CLIP).unwrap();
    let run = call(&dir, &["run", "c.yaml", "-j", "1"]);
    assert!(
        stderr(&run).contains("2 finished, 0 failed, 5 were finished before"),
        "{}",
        stderr(&run)
    );
    let words = fs::read_to_string(dir.path().join("words")).unwrap();
    assert!(words.ends_with("--clip [Infinity,1]\n--clip inf\n"), "{words}");
}

#[test]
fn what_is_shown_of_a_command_plans_the_same_runs() {
    let dir = TempDir::new().unwrap();
    let text = r#"
name: "whole: #1"
experiment: command
params:
  programs: { "a b": [sh, train.sh, "{values.lr}"], "2024-01-01": [sh, -c, "echo \"x\ty\""] }
  files: [train.sh]
  pass: json
  environment: { LR: 1e-7, EMPTY: "", FLAG: "no", WIDE: .inf }
  values:
    lr: 0.1
    "no": { "1": [1, 1.0, "1", ~, .nan, -0.0], "": {}, "<<": [] }
    text: |
      two
        lines	with a tab
    odd: "\u2028\x85 \ufeff"
  metrics:
    loss: { goal: minimize, pattern: 'loss: (?P<value>\S+) # "x"', unit: "%" }
    "a.b": 'b=(\d+)'
    bare: {}
  pattern: '(?P<metric>\w+)=(?P<value>[^ ]+)'
  grace_seconds: 1e-3
sweep:
  - grid: { program: ["a b", "2024-01-01"], values.lr: [1e-7, 012, 0x1F, 1e300] }
    exclude: [{ program: a b, values.lr: 12 }]
    seeds: 2
  - zip: { 'values."a.b"': [on, "on"], values.c: [true, null] }
    when: { if: "values.c == null", grid: { values.d: [0, "0"] } }
    seeds: [18446744073709551615]
resources: { memory: 1.5GiB, time: 90s, retry: { crash: 1 } }
table: [{ title: "loss: all", rows: [values.lr], columns: program, value: loss, where: seed < 2 }]
"#;
    fs::write(dir.path().join("train.sh"), "").unwrap();
    let text = text.replace("params:\n", "params:\n  program: a b\n");
    fs::write(dir.path().join("c.yaml"), text).unwrap();
    let shown = call(&dir, &["show", "c.yaml"]);
    assert_code(&shown, 0);
    fs::write(dir.path().join("shown.yaml"), &shown.stdout).unwrap();
    let [first, second] = ["c.yaml", "shown.yaml"].map(|file| call(&dir, &["plan", file]));
    assert_code(&first, 0);
    assert_eq!(stdout(&first).lines().count(), 2 * (2 * 4 - 1) + 3, "{}", stdout(&first));
    assert_eq!(stdout(&first), stdout(&second), "{}", stdout(&shown));
    assert_eq!(stdout(&call(&dir, &["show", "shown.yaml"])), stdout(&shown));
}

#[test]
fn a_mistake_of_a_table_is_told_before_the_first_run() {
    let dir = TempDir::new().unwrap();
    let text = CLIP.replace("rows: clip", "rows: values.clipp");
    fs::write(dir.path().join("c.yaml"), text).unwrap();
    for command in ["plan", "run"] {
        let output = call(&dir, &[command, "c.yaml"]);
        assert_code(&output, 2);
        let said = stderr(&output);
        let wanted = "error: c.yaml:5:16: table.rows: no run has a parameter `values.clipp`; did you mean `values.clip`?\n  5 | table: ";
        assert!(said.starts_with(wanted), "{said}");
    }
    assert!(!dir.path().join("results").exists() && !dir.path().join("words").exists());
    let typed = regimen()
        .args([
            "plan",
            "configs/quickstart.yaml",
            "-s",
            "table.rows=regimee",
            "-s",
            "table.value=test_acc",
        ])
        .output()
        .unwrap();
    assert_code(&typed, 2);
    let said = stderr(&typed);
    assert!(said.contains("did you mean `regime`?"), "{said}");
    assert!(said.contains("no run reports `test_acc`; did you mean `test_accuracy`?"), "{said}");
}

#[test]
fn parts_are_left_out_of_several_files_and_refused_alone() {
    let parts = ["configs/dialog/best.yaml", "configs/dialog/lua.yaml"];
    let plan = |files: &[&str]| regimen().arg("plan").args(files).output().unwrap();
    let both = plan(&[&parts[..], &["configs/dialog/babi-best.yaml"]].concat());
    assert_code(&both, 0);
    for part in parts {
        let line = format!("{part}: left out, a part without a name\n");
        assert!(stderr(&both).contains(&line), "{}", stderr(&both));
    }
    assert_eq!(stdout(&both).lines().count(), 600);
    let alone = plan(&parts[..1]);
    assert_code(&alone, 2);
    assert!(
        stderr(&alone).contains("best.yaml: key `name` is missing: the file is a part"),
        "{}",
        stderr(&alone)
    );
    assert_code(&plan(&parts), 2);
}

#[test]
fn mistakes_of_all_files_are_told() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.yaml"), "name: a\nexperiment: descent\nparams: { dimensio: 3 }\n")
        .unwrap();
    fs::write(dir.path().join("b.yaml"), "name: b\nexperiment: desent\n").unwrap();
    let output = call(&dir, &["plan", "a.yaml", "b.yaml", "gone.yaml"]);
    assert_code(&output, 2);
    let said = stderr(&output);
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(
        errors[0],
        "error: a.yaml:3:11: params.dimensio: unknown key `dimensio`; did you mean `dimension`?"
    );
    assert_eq!(
        errors[1],
        "error: b.yaml:2:13: experiment: unknown experiment \"desent\"; did you mean `descent`?"
    );
    let gone = fs::canonicalize(dir.path()).unwrap().join("gone.yaml");
    assert_eq!(errors[2], format!("error: gone.yaml: there is no file at {}", gone.display()));
}

#[test]
fn what_is_slightly_off_has_a_suggestion() {
    let said = |words: &[&str]| {
        let output = regimen().args(words).output().unwrap();
        assert_code(&output, 2);
        stderr(&output)
    };
    let quickstart = "configs/quickstart.yaml";
    assert!(said(&["rnu", quickstart]).contains("did you mean `run`?"));
    assert!(said(&["dialgo", "ask"]).contains("did you mean `dialog`?"));
    assert!(said(&["plan", quickstart, "-s", "epochs=3"]).contains("write `params.epochs`"));
    assert!(said(&["plan", quickstart, "--only", "regim==1"]).contains("did you mean `regime`?"));
    let none = regimen().args(["plan", quickstart, "--only", "regime == 11"]).output().unwrap();
    assert_code(&none, 0);
    assert!(stderr(&none).contains("no run matches `--only regime == 11`"), "{}", stderr(&none));
    assert!(said(&["run", quickstart, "--only", "regime == 11"]).contains("no run matches"));
}

#[test]
fn finished_runs_are_reached_without_the_script_and_after_it_changed() {
    let dir = TempDir::new().unwrap();
    let script = dir.path().join("run.sh");
    let write = |value: u32| {
        fs::write(&script, format!("echo '{{\"final\": {{\"n\": {value}}}}}' >&3\n")).unwrap();
    };
    write(1);
    let text = "name: here\nexperiment: command\nparams: { program: [sh, run.sh], files: [./run.sh] }\nsweep: { seeds: 2 }\ntable: { rows: seed, value: n }\n";
    fs::write(dir.path().join("c.yaml"), text).unwrap();
    assert_code(&call(&dir, &["run", "c.yaml", "-j", "1"]), 0);
    let same = call(&dir, &["plan", "c.yaml", "-s", "params.files=[run.sh]"]);
    assert!(stderr(&same).contains("2 runs: 2 finished"), "{}", stderr(&same));
    let reached = |note: bool| {
        for words in [&["compare", "c.yaml"][..], &["report", "c.yaml", "-o", "page.html"]] {
            let output = call(&dir, words);
            assert_code(&output, 0);
            let said = stderr(&output);
            assert_eq!(said.contains("no run is finished as it is planned now"), note, "{said}");
        }
        let status = call(&dir, &["status", "c.yaml"]);
        assert!(stdout(&status).ends_with("\ncommand  here         2\n"), "{}", stdout(&status));
    };
    reached(false);
    write(2);
    reached(true);
    fs::remove_file(&script).unwrap();
    reached(true);
    // From another folder the script is not found, and the results are.
    let elsewhere = |words: &[&str]| {
        let config = dir.path().join("c.yaml");
        let mut command = regimen();
        command.args(words).arg(config).arg("--results").arg(dir.path().join("results"));
        command.output().unwrap()
    };
    assert_code(&elsewhere(&["compare"]), 0);
    let plan = elsewhere(&["plan"]);
    assert_code(&plan, 2);
    let tried = root().join("run.sh");
    assert!(
        stderr(&plan).contains(&format!(": {}: No such file", tried.display())),
        "{}",
        stderr(&plan)
    );
    // New runs are shown alone once there are some.
    write(3);
    assert_code(&call(&dir, &["run", "c.yaml", "-j", "1", "--only", "seed == 0"]), 0);
    let table = call(&dir, &["compare", "c.yaml"]);
    assert!(
        stdout(&table).contains("1 finished run") && !stderr(&table).contains("planned now"),
        "{}",
        stdout(&table)
    );
}

#[test]
fn the_same_options_fit_every_command() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("c.yaml"), CLIP).unwrap();
    let same = [
        "-s",
        "sweep.grid.values.clip=[1, 2]",
        "--only",
        "clip == 1",
        "--results",
        "store",
        "--mirror",
        ".",
        "--offline",
    ];
    for (words, expected) in [
        (&["run", "c.yaml", "-j", "1"][..], "1 finished run"),
        (&["plan", "c.yaml"], "values.clip=1 seed=0  finished"),
        (&["show", "c.yaml"], "values.clip:\n      - 1\n      - 2\n"),
        (&["compare", "c.yaml"], "1 finished run"),
        (&["report", "c.yaml", "-o", "page.html"], ""),
        (&["status", "c.yaml"], "\ncommand  clip         1\n"),
    ] {
        let output = call(&dir, &[words, &same[..]].concat());
        assert_code(&output, 0);
        assert!(stdout(&output).contains(expected), "{words:?}: {}", stdout(&output));
    }
    assert_code(&call(&dir, &["run", "c.yaml", "-j", "1", "--results", "store"]), 0);
    let some = call(
        &dir,
        &[
            "compare",
            "command",
            "--rows",
            "clip",
            "--value",
            "n",
            "--only",
            "clip > 1",
            "--results",
            "store",
        ],
    );
    assert_code(&some, 0);
    assert!(stdout(&some).contains("1 finished run"), "{}", stdout(&some));
    for command in [&["status"][..], &["compare", "command"], &["report", "-o", "x.html"]] {
        let output = call(&dir, &[command, &["-s", "params.x=1"]].concat());
        assert_code(&output, 2);
        assert!(
            stderr(&output).contains("are about a configuration; name one"),
            "{}",
            stderr(&output)
        );
    }
}
