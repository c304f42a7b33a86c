//! Programs as runs, through the contract.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use command::{
    Arguments, Command, Directory, Flags, Goal, Lists, Nulls, Params, Pass, Program, Reported,
};
use experiment::{
    Better, DataPaths, Device, Error, Experiment, MemorySink, Run, RunContext, RunId, Sink,
    SinkError, free_form,
};
use serde_json::{Value, json};

fn run_into(params: &Params, sink: &mut dyn Sink) -> Result<(), Error> {
    let context = RunContext {
        id: RunId::of("command"),
        seed: 7,
        threads: 2,
        device: Device::Cpu,
        data: DataPaths::default(),
    };
    let folder = tempfile::tempdir().unwrap();
    let mut run = Run::new(context, sink).with_scratch(folder.path().join("run"));
    Command::new(params.clone()).unwrap().run(&mut run)
}

fn run(params: &Params) -> (Result<(), Error>, MemorySink) {
    let mut sink = MemorySink::default();
    (run_into(params, &mut sink), sink)
}

fn script(text: &str) -> Params {
    Params {
        program: ["/bin/sh", "-c", text, "script"].map(String::from).into(),
        grace_seconds: 5.0,
        ..Params::default()
    }
}

/// The error of a script.
fn error(text: &str) -> String {
    run(&script(text)).0.unwrap_err().chain()
}

#[test]
fn json_lines_become_the_record() {
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model.bin");
    let text = format!(
        r#"
        echo '{{"progress": [0, 2]}}' >&3
        echo '{{"step": 1, "loss": 0.5, "accuracy": 1}}' >&3
        printf weights > {model}
        echo '{{"artifact": "{model}"}}' >&3
        echo '{{"table": "answers", "row": {{"said": "yes"}}}}' >&3
        printf '{{"final": {{"loss": 0.25}}}}' >&$REGIMEN_METRICS_FD
        "#,
        model = model.display()
    );
    let (done, sink) = run(&script(&text));
    done.unwrap();
    let mut metrics = sink.metrics.clone();
    metrics.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(metrics, [(1, "accuracy".into(), 1.0), (1, "loss".into(), 0.5)]);
    // A metric that came with steps only has its newest value as the final one.
    let results = [("accuracy".to_owned(), 1.0), ("loss".to_owned(), 0.25)];
    assert_eq!(sink.results, BTreeMap::from(results));
    assert!(sink.warnings.is_empty(), "{:?}", sink.warnings);
    assert_eq!(sink.artifacts["model.bin"], b"weights");
    assert_eq!(sink.tables["answers"], [json!({"said": "yes"})]);
}

#[test]
fn parameters_reach_the_program_in_three_ways() {
    let values = BTreeMap::from([
        ("lr".to_owned(), json!(0.1)),
        ("net".to_owned(), json!({"width": 8, "name": "a b"})),
    ]);
    let say = |pass, text: &str| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("said");
        let text = format!("{{ {text}; }} > {}", path.display());
        let params = Params { pass, values: values.clone(), ..script(&text) };
        run(&params).0.unwrap();
        fs::read_to_string(path).unwrap()
    };
    let arguments = say(Pass::Arguments, r#"for word in "$@"; do echo "$word"; done"#);
    assert_eq!(arguments, "--lr\n0.1\n--net.name\na b\n--net.width\n8\n");
    let environment = say(Pass::Environment, r#"echo "$#,$REGIMEN_LR,$REGIMEN_NET_NAME""#);
    assert_eq!(environment, "0,0.1,a b\n");
    let json: Value = serde_json::from_str(&say(Pass::Json, "cat $REGIMEN_PARAMS")).unwrap();
    assert_eq!(json, serde_json::to_value(&values).unwrap());
    let context = "echo $REGIMEN_SEED $REGIMEN_THREADS $OMP_NUM_THREADS $OPENBLAS_NUM_THREADS";
    assert_eq!(say(Pass::Json, context), "7 2 2 2\n");
    let id = say(Pass::Json, "echo $REGIMEN_RUN_ID");
    assert_eq!(id.trim(), RunId::of("command").to_string());
}

#[test]
fn every_value_reaches_the_program() {
    let [inf, nan] = [f64::INFINITY, f64::NAN].map(free_form::number);
    let values = BTreeMap::from([
        ("a".to_owned(), inf.clone()),
        ("b".to_owned(), json!({"c": [nan, 1], "d": null})),
        ("e".to_owned(), json!("inf")),
    ]);
    let said = |pass, text: &str| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("said");
        let text = format!("{{ {text}; }} > {}", path.display());
        run(&Params { pass, values: values.clone(), ..script(&text) }).0.unwrap();
        fs::read_to_string(path).unwrap()
    };
    let arguments = said(Pass::Arguments, r#"echo "$@""#);
    assert_eq!(arguments, "--a inf --b.c [NaN,1] --b.d null --e inf\n");
    let environment = said(Pass::Environment, r#"echo "$REGIMEN_A $REGIMEN_B_C $REGIMEN_B_D""#);
    assert_eq!(environment, "inf [NaN,1] null\n");
    let json = said(Pass::Json, "cat $REGIMEN_PARAMS");
    assert_eq!(json, r#"{"a":Infinity,"b":{"c":[NaN,1],"d":null},"e":"inf"}"#);
}

#[test]
fn two_values_have_two_names() {
    let check = |pass, values: Value| {
        let values = serde_json::from_value(values).unwrap();
        let error = Command::new(Params { pass, values, ..script("") }).err();
        error.map(|error| (error.path, error.other))
    };
    let nested = json!({"a": {"b": 1}, "a.b": 2});
    let both = Some(("values.\"a.b\"".to_owned(), Some("values.a.b".to_owned())));
    for pass in [Pass::Arguments, Pass::Environment, Pass::Json] {
        assert_eq!(check(pass, nested.clone()), both, "{pass:?}");
    }
    let alike = json!({"a-b": 1, "a_b": 2});
    assert_eq!(check(Pass::Arguments, alike.clone()), None);
    let both = Some(("values.a_b".to_owned(), Some("values.a-b".to_owned())));
    assert_eq!(check(Pass::Environment, alike), both);
    assert_eq!(check(Pass::Environment, json!({"x": 1, "X": 2})).unwrap().0, "values.x");
    let letters = json!({"λ": 1, "模型": {"x-1": 2}});
    assert_eq!(check(Pass::Arguments, letters.clone()), None);
    assert_eq!(check(Pass::Environment, letters).unwrap().0, "values.λ");
    assert_eq!(check(Pass::Json, json!({"a b": 1, "": 2, "\u{0}": "\u{0}"})), None);
    assert_eq!(check(Pass::Arguments, json!({"a b": 1})).unwrap().0, "values.a b");
}

#[test]
fn what_changes_nothing_is_no_part_of_identity() {
    let identity = |params: &Params| Command::identity(params).into_owned();
    let plain = script("true");
    let same = Params { grace_seconds: 99.0, prefix: "X_".into(), ..plain.clone() };
    assert_eq!(identity(&same), identity(&plain));
    let passed =
        |prefix: &str| Params { pass: Pass::Environment, prefix: prefix.into(), ..plain.clone() };
    assert_ne!(identity(&passed("X_")), identity(&passed("Y_")));
    let files = |file: &str| Params { files: vec![file.into()], ..plain.clone() };
    assert_eq!(identity(&files("./run.py")), identity(&files("run.py")));
    assert_eq!(Command::new(files("./run.py")).unwrap().data()[0].name, "file:run.py");
}

#[test]
fn patterns_read_both_streams() {
    let text = "echo epoch 1 loss=0.5; echo nothing; echo epoch 2 loss=0.25
                sleep 0.1; echo done, acc: 90% >&2";
    let params = Params {
        metrics: BTreeMap::from([("accuracy".into(), r"acc: (\d+)".into())]),
        pattern: r"epoch (?P<step>\d+) (?P<metric>\w+)=(?P<value>\S+)".into(),
        ..script(text)
    };
    let (done, sink) = run(&params);
    done.unwrap();
    let wanted = [(1, "loss".into(), 0.5), (2, "loss".into(), 0.25), (1, "accuracy".into(), 90.0)];
    assert_eq!(sink.metrics, wanted);
    let wanted = BTreeMap::from([("loss".into(), 0.25), ("accuracy".into(), 90.0)]);
    assert_eq!(sink.results, wanted);
}

#[test]
fn failures_show_the_last_lines_of_standard_error() {
    let text = error("for i in 1 2 3 4 5 6 7 8 9 10 11; do echo oh $i >&2; done; exit 3");
    assert!(text.starts_with("/bin/sh ended with exit code 3:\noh 2\noh 3\n"), "{text}");
    assert!(text.ends_with("\noh 11"), "{text}");
    assert_eq!(error("echo \"it's\" >&2; exit 3"), "/bin/sh ended with exit code 3: it's");
    assert_eq!(error("echo a; echo b; exit 3"), "/bin/sh ended with exit code 3:\na\nb");
    assert_eq!(error("exit 3"), "/bin/sh ended with exit code 3: it printed nothing");
    let missing = Params { program: ["no-such-program".to_owned()].into(), ..Params::default() };
    let text = run(&missing).0.unwrap_err().chain();
    let wanted = "starting the program: no program no-such-program is in any folder of PATH";
    assert!(text.starts_with(wanted), "{text}");
}

#[test]
fn a_program_that_is_killed_crashed() {
    let (done, _) = run(&script("kill -s SEGV $$"));
    let error = done.unwrap_err();
    assert!(matches!(error, Error::Crashed { .. }), "{error:?}");
    assert!(error.to_string().starts_with("/bin/sh was killed by SIGSEGV"), "{error}");
}

#[test]
fn a_value_that_is_no_number_ends_the_program() {
    let start = Instant::now();
    let (done, sink) = run(&script(r#"echo '{"step": 4, "loss": NaN}' >&3; sleep 60"#));
    assert!(matches!(done, Err(Error::Diverged { step: 4, .. })), "{done:?}");
    assert_eq!(sink.metrics.len(), 1);
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn what_is_refused_fails_the_run_at_its_end_and_costs_nothing_else() {
    let text = r#"echo '{"step": 1, "a": 2}' >&3; echo oh no >&3; printf '\377\n' >&3
                  echo '{"table": "runs", "row": {}}' >&3; echo '{"step": 2, "a": {}}' >&3
                  echo '{"step": 3, "a": 4}' >&3; echo '{"artifact": "/dev/null"}' >&3"#;
    let (done, sink) = run(&script(text));
    assert_eq!(sink.metrics, [(1, "a".into(), 2.0), (3, "a".into(), 4.0)]);
    let text = done.unwrap_err().chain();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("5 lines of what it reported were refused:"));
    let wanted = "line 2 of the metrics: wanted a JSON object: ";
    assert!(lines.next().unwrap().starts_with(wanted), "{text}");
    assert_eq!(lines.next(), Some("  oh no"));
    assert!(text.contains("\nline 3 of the metrics: wanted UTF-8, found byte 0xff at column 1"));
    assert!(text.contains("\nline 4 of the metrics: table: wanted the name of a table"), "{text}");
    assert!(text.contains("\nline 5 of the metrics: a: wanted a number, found an object\n"));
    let wanted = "artifact /dev/null: wanted a regular file, found something else";
    assert!(text.contains(wanted), "{text}");

    let metrics = BTreeMap::from([("loss".into(), "loss=(.*)".into())]);
    let params = Params { metrics, ..script("echo loss=big; echo loss=2") };
    let (done, sink) = run(&params);
    assert_eq!(sink.metrics, [(1, "loss".into(), 2.0)]);
    let wanted = "standard output: loss: wanted a number, found big\n  loss=big";
    assert!(done.unwrap_err().chain().ends_with(wanted));
}

#[test]
fn a_pipe_is_no_artifact_and_no_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    let text = format!(
        "mkfifo {0}; echo '{{\"artifact\": \"{0}\"}}' >&3; echo '{{\"step\": 1, \"a\": 1}}' >&3",
        pipe.display()
    );
    let (done, sink) = run(&script(&text));
    assert_eq!(sink.metrics.len(), 1);
    assert!(done.unwrap_err().chain().contains("wanted a regular file"));
    let text = error("mkfifo $REGIMEN_CHECKPOINT; echo '{\"checkpoint\": true}' >&3; sleep 60");
    assert!(text.contains("the checkpoint it announced: wanted a regular file"), "{text}");
}

#[test]
fn progress_bars_and_colours_are_read_as_a_terminal_shows_them() {
    let text = r#"
        i=0; while [ $i -lt 3000 ]; do
            i=$((i + 1)); printf '\r%d/3000 - \033[32mloss\033[0m: 0.%04d' $i $i
        done
        printf '\r3000/3000 - \033[32mloss\033[0m: 0.5000 - val_accuracy: 0.8125\n'"#;
    let metrics = [("loss", " loss: ([0-9.]+)"), ("val_accuracy", "val_accuracy: ([0-9.]+)")];
    let metrics = metrics.map(|(metric, pattern)| (metric.to_owned(), pattern.into()));
    let (done, sink) = run(&Params { metrics: metrics.into(), ..script(text) });
    done.unwrap();
    let wanted = [("loss".to_owned(), 0.5), ("val_accuracy".to_owned(), 0.8125)];
    assert_eq!(sink.results, BTreeMap::from(wanted));
    assert_eq!(sink.metrics.len(), 3002);
    assert!(sink.log.starts_with(b"\r1/3000 - \x1b[32mloss"));
}

#[test]
fn a_declared_metric_without_a_value_is_warned_of() {
    let goal = Some(Goal::Maximize);
    let metrics = BTreeMap::from([
        ("accuracy".to_owned(), "accuracy: ([0-9.]+)".into()),
        ("loss".to_owned(), "loss: ([0-9.]+)".into()),
        ("score".to_owned(), Reported { goal, ..Reported::default() }),
    ]);
    let params = Params {
        metrics,
        pattern: "(?P<metric>x)(?P<value>y)".into(),
        ..script("echo loss: 1; echo a")
    };
    let (done, sink) = run(&params);
    done.unwrap();
    let wanted = [
        "metric accuracy: no value, because \"accuracy: ([0-9.]+)\" is nowhere in its 2 lines of output",
        "metric score: no value came by descriptor 3",
    ];
    assert_eq!(sink.warnings, wanted);
    let experiment = Command::new(params).unwrap();
    let names: Vec<_> =
        experiment.metrics().into_iter().map(|metric| (metric.name, metric.better)).collect();
    let wanted = [("score", Some(Better::Higher)), ("accuracy", None), ("loss", None)];
    assert_eq!(names, wanted.map(|(name, better)| (name.into(), better)));
    let (_, sink) = run(&script(r#"echo '{"final": {"a": null, "b": 1}}' >&3"#));
    assert_eq!(sink.warnings, ["metric a: its final value is null"]);
    assert_eq!(sink.results, BTreeMap::from([("b".to_owned(), 1.0)]));
}

#[test]
fn places_in_the_words_are_filled_and_files_of_the_folder_kept() {
    let text = r#"echo "$@" > "$REGIMEN_FOLDER/said.txt"; mkdir "$1/deep"
                  echo deep > "$1/deep/a.txt"; echo no > "$1/b.bin""#;
    let words = [
        "/bin/sh",
        "-c",
        text,
        "sh",
        "{folder}",
        "--seed={seed}",
        "{threads}",
        "{run}",
        "{values.lr}",
    ];
    let values = [("lr".to_owned(), json!(0.1)), ("augment".to_owned(), json!(true))];
    let params = Params {
        program: words.map(String::from).into(),
        values: values.into(),
        publish: ["*.txt".into(), "deep/*".into(), "*.png".into()].into(),
        arguments: Arguments { flags: Flags::Present, ..Arguments::default() },
        ..Params::default()
    };
    let (done, sink) = run(&params);
    done.unwrap();
    let said = String::from_utf8(sink.artifacts["said.txt"].clone()).unwrap();
    let (folder, rest) = said.split_once(' ').unwrap();
    // What a word has is not passed once more.
    assert_eq!(rest, format!("--seed=7 2 {} 0.1 --augment\n", RunId::of("command")));
    assert!(folder.ends_with("/folder"), "{folder}");
    assert_eq!(sink.artifacts["deep-a.txt"], b"deep\n");
    assert_eq!(sink.artifacts.len(), 2);
    assert_eq!(sink.warnings, ["publish: no file in its folder is *.png"]);
}

#[test]
fn lists_and_nulls_become_words() {
    let values = BTreeMap::from([
        ("layers".to_owned(), json!([64, 32])),
        ("offset".to_owned(), json!(-1e-7)),
        ("warmup".to_owned(), Value::Null),
    ]);
    let style = "--{name}={value}".into();
    let arguments =
        Arguments { style, nulls: Nulls::Omit, lists: Lists::Words, ..Arguments::default() };
    let (done, sink) = run(&Params { values, arguments, ..script("echo \"$@\"") });
    done.unwrap();
    assert_eq!(String::from_utf8_lossy(&sink.log), "--layers 64 32 --offset=-1e-7\n");
}

#[test]
fn trouble_of_the_machine_is_no_failure_of_the_run() {
    let context = RunContext {
        id: RunId::of("command"),
        seed: 7,
        threads: 2,
        device: Device::Cpu,
        data: DataPaths::default(),
    };
    let mut sink = MemorySink::default();
    let mut run = Run::new(context, &mut sink).with_scratch("/scratch/no-such/run".into());
    let error = Command::new(script("true")).unwrap().run(&mut run).unwrap_err();
    assert!(matches!(error, Error::Machine { .. }), "{error:?}");
    assert!(error.chain().starts_with("temporary folder /scratch/no-such/run: No such"), "{error}");
}

/// Forgets on resumption what came after the checkpoint, as the journal does.
#[derive(Default)]
struct Rewinding {
    kept: MemorySink,
    at_checkpoint: usize,
}

impl Sink for Rewinding {
    fn metric(&mut self, step: u64, metric: &str, value: f64) -> Result<(), SinkError> {
        self.kept.metric(step, metric, value)
    }
    fn result(&mut self, metric: &str, value: f64) -> Result<(), SinkError> {
        self.kept.result(metric, value)
    }
    fn row(&mut self, table: &str, row: Value) -> Result<(), SinkError> {
        self.kept.row(table, row)
    }
    fn artifact(&mut self, name: &str, bytes: &[u8]) -> Result<(), SinkError> {
        self.kept.artifact(name, bytes)
    }
    fn save_checkpoint(&mut self, bytes: &[u8]) -> Result<(), SinkError> {
        self.at_checkpoint = self.kept.metrics.len();
        self.kept.save_checkpoint(bytes)
    }
    fn load_checkpoint(&mut self) -> Result<Option<Vec<u8>>, SinkError> {
        self.kept.metrics.truncate(self.at_checkpoint);
        self.kept.load_checkpoint()
    }
    fn progress(&mut self, _done: u64, _total: u64) {}
    fn interrupted(&self) -> bool {
        self.kept.interrupted()
    }
}

/// Adds up to 10, with a checkpoint at every step.
const COUNT: &str = r#"
    step=0; sum=0
    if [ -e "$REGIMEN_CHECKPOINT" ]; then read step sum < "$REGIMEN_CHECKPOINT"; fi
    while [ $step -lt 10 ]; do
        step=$((step + 1)); sum=$((sum + step))
        echo "{\"step\": $step, \"sum\": $sum}" >&3
        echo $step $sum > "$REGIMEN_CHECKPOINT.new"
        mv "$REGIMEN_CHECKPOINT.new" "$REGIMEN_CHECKPOINT"
        echo '{"checkpoint": true}' >&3
        while [ -e "$REGIMEN_CHECKPOINT" ]; do sleep 0.01; done
    done
    echo "{\"final\": {\"sum\": $sum}}" >&3
"#;

#[test]
fn an_interrupted_program_goes_on_to_the_same_record() {
    let whole = {
        let (done, sink) = run(&script(COUNT));
        done.unwrap();
        sink
    };
    assert_eq!(whole.results["sum"], 55.0);
    let mut sink = Rewinding::default();
    sink.kept.stop_after_checkpoints = Some(4);
    assert!(matches!(run_into(&script(COUNT), &mut sink), Err(Error::Interrupted)));
    assert!(sink.kept.results.is_empty());
    sink.kept.stop_after_checkpoints = None;
    run_into(&script(COUNT), &mut sink).unwrap();
    assert_eq!((sink.kept.metrics, sink.kept.results), (whole.metrics, whole.results));
}

#[test]
fn a_program_that_will_not_stop_is_killed_with_what_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let text = format!(
        r#"trap '' TERM; sh -c 'trap "" TERM; echo $$ > {pid}; while :; do sleep 0.1; done' &
        while [ ! -s {pid} ]; do sleep 0.01; done
        echo state > "$REGIMEN_CHECKPOINT"; echo '{{"checkpoint": true}}' >&3
        while :; do sleep 0.1; done"#,
        pid = pid.display()
    );
    let params = Params { grace_seconds: 0.3, ..script(&text) };
    let mut sink = MemorySink { stop_after_checkpoints: Some(1), ..MemorySink::default() };
    let start = Instant::now();
    assert!(matches!(run_into(&params, &mut sink), Err(Error::Interrupted)));
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(sink.checkpoint.unwrap(), b"state\n");
    let process = format!("/proc/{}/stat", fs::read_to_string(pid).unwrap().trim());
    let gone = || fs::read_to_string(&process).map_or(true, |stat| stat.contains(") Z"));
    let patience = Instant::now() + Duration::from_secs(5);
    while !gone() {
        assert!(Instant::now() < patience, "{process} is still there");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The most memory this process ever had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn output_of_any_size_needs_little_memory() {
    let before = peak();
    // One line without an end, then many short ones.
    let text = "head -c 40000000 /dev/zero | tr '\\0' x; echo; yes '' | head -c 2000000; \
                echo loss=1; head -c 20000000 /dev/zero | tr '\\0' e >&2; exit 1";
    let params = Params { pattern: "(?P<metric>loss)=(?P<value>1)".into(), ..script(text) };
    // It keeps no log.
    let mut sink = Rewinding::default();
    let text = run_into(&params, &mut sink).unwrap_err().chain();
    assert!(text.len() < 5000, "{} bytes", text.len());
    assert_eq!(sink.kept.metrics.len(), 1);
    assert!(peak() - before < 20_000, "{} KiB more", peak() - before);
}

#[test]
fn the_spelling_of_a_file_and_defaults_change_no_identity() {
    let canonical = |params: Value| {
        let entry = experiment::Entry::of::<Command>();
        entry.bind_json(&params).unwrap().canonical().to_string()
    };
    let plain =
        canonical(json!({"program": ["sh"], "files": ["a/run.py"], "metrics": {"a": "(b)"}}));
    assert_eq!(plain, r#"{"files":["a/run.py"],"metrics":{"a":"(b)"},"program":["sh"]}"#);
    let metrics = json!({
        "a": {"pattern": "(b)", "goal": "minimize", "unit": "s"}, "c": {"goal": "maximize"},
    });
    let spelt = json!({
        "program": ["sh"], "files": ["./a//run.py"], "metrics": metrics,
        "arguments": {"style": "--{name} {value}", "lists": "json"}, "publish": [],
    });
    assert_eq!(canonical(spelt), plain);
}

#[test]
fn impossible_parameters_are_refused() {
    let refused = |params| Command::new(params).unwrap_err().to_string();
    assert!(refused(Params::default()).starts_with("program: "));
    let word = Params { program: ["sh", "{sead}"].map(String::from).into(), ..Params::default() };
    assert!(refused(word).ends_with("found {sead} (did you mean {seed}?)"));
    let publish = Params { publish: vec!["../x".into()], ..script("") };
    assert!(refused(publish).starts_with("publish: wanted a pattern of files in the run's folder"));
    let pattern = Params { pattern: "(".into(), ..script("") };
    assert!(refused(pattern).starts_with("pattern: wanted a regular expression"));
    let group = BTreeMap::from([("a".into(), "b".into())]);
    assert!(refused(Params { metrics: group, ..script("") }).starts_with("metrics.a: "));
    let values = BTreeMap::from([("seed".into(), json!(1))]);
    let seed = Params { pass: Pass::Environment, values, ..script("") };
    assert!(refused(seed).contains("found REGIMEN_SEED"));
    let values = BTreeMap::from([("a b".into(), json!(1))]);
    assert!(refused(Params { values, ..script("") }).starts_with("values.a b: "));
}

/// What a script prints.
fn said(params: &Params) -> String {
    let Program::Words(words) = &params.program else { panic!("words") };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("said");
    let mut words = words.clone();
    words[2] = format!("{{ {}; }} > {}", words[2], path.display());
    run(&Params { program: words.into(), ..params.clone() }).0.unwrap();
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_program_has_a_folder_and_variables_of_its_own() {
    let environment = BTreeMap::from([
        ("WHERE".to_owned(), json!("{folder}/cache")),
        ("RATE".to_owned(), json!(0.5)),
    ]);
    let params = Params {
        environment,
        directory: Directory::Own,
        ..script("pwd; echo $REGIMEN_FOLDER $WHERE $RATE {here}")
    };
    let said = said(&params);
    let (folder, rest) = said.split_once('\n').unwrap();
    let here = std::env::current_dir().unwrap();
    assert_eq!(rest, format!("{folder} {folder}/cache 0.5 {}\n", here.display()));
    assert_ne!(folder, here.to_str().unwrap());
    for (name, value, wanted) in [
        ("A B", json!(1), "environment.A B: wanted a variable of letters, digits and _"),
        ("REGIMEN_SEED", json!(1), "without a meaning of its own, found \"REGIMEN_SEED\""),
        ("A", json!([1]), "environment.A: wanted a text, a number or a truth value, found [1]"),
        ("A", json!("{sed}"), "environment.A: wanted {seed}, "),
    ] {
        let environment = BTreeMap::from([(name.to_owned(), value)]);
        let error = Command::new(Params { environment, ..script("true") }).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn programs_have_names_and_the_words_alone_are_their_identity() {
    let programs = BTreeMap::from([
        ("a".to_owned(), ["/bin/sh", "-c", "echo A"].map(String::from).to_vec()),
        ("b".to_owned(), ["/bin/sh", "-c", "echo B"].map(String::from).to_vec()),
    ]);
    let named = |name: &str| Params {
        program: Program::Named(name.into()),
        programs: programs.clone(),
        ..Params::default()
    };
    run(&named("a")).0.unwrap();
    let words = Params { program: programs["a"].clone().into(), ..Params::default() };
    assert_eq!(*Command::identity(&named("a")), *Command::identity(&words));
    assert_ne!(*Command::identity(&named("a")), *Command::identity(&named("b")));
    let error = Command::new(named("c")).unwrap_err().to_string();
    assert_eq!(error, "program: wanted words, or one of `programs` (a, b), found \"c\"");
    let read: Params =
        serde_json::from_value(json!({"program": "a", "programs": {"a": ["x"]}})).unwrap();
    assert_eq!(read.program, Program::Named("a".into()));
    let error = serde_json::from_value::<Params>(json!({"program": 3})).unwrap_err().to_string();
    assert!(error.contains("a program and its arguments, or the name of one"), "{error}");
}

#[test]
fn a_configuration_of_the_programs_own_has_the_values_of_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("base.yaml");
    fs::write(&file, "optimizer: {name: adam, lr: 0.1}\nepochs: 3\n").unwrap();
    let params = Params {
        pass: Pass::Config,
        config: file.to_str().unwrap().into(),
        values: BTreeMap::from([
            ("optimizer".to_owned(), json!({"lr": 0.5})),
            ("name".to_owned(), json!("run")),
        ]),
        ..script("echo {values.name} $#; cat {config}; echo {config}")
    };
    let said = said(&params);
    let wanted = "run 0\noptimizer:\n  name: adam\n  lr: 0.5\nepochs: 3\n";
    assert!(said.starts_with(wanted) && said.ends_with("config.yaml\n"), "{said}");
    // The file is read when runs are planned, and is part of what they are.
    let names: Vec<String> =
        Command::new(params.clone()).unwrap().data().into_iter().map(|data| data.name).collect();
    assert_eq!(names, [format!("file:{}", file.display())]);
    let refused = |change: &dyn Fn(&mut Params)| {
        let mut params = params.clone();
        change(&mut params);
        Command::new(params).and_then(|command| command.consult()).unwrap_err().to_string()
    };
    let error = refused(&|params| drop(params.values.insert("epoch".into(), json!(1))));
    let hint = "epoch, which it does not have (did you mean epochs?)";
    assert_eq!(error, format!("values.epoch: wanted a value of {}, found {hint}", file.display()));
    let error = refused(&|params| params.pass = Pass::Json);
    assert!(error.starts_with("pass: wanted `pass: config`"), "{error}");
    let error = refused(&|params| params.config.clear());
    assert!(error.starts_with("config: wanted the file that `pass: config` is about"), "{error}");
    fs::write(&file, "a: [1").unwrap();
    let error = refused(&|_| ());
    assert!(error.starts_with("config: wanted a configuration in YAML, TOML or JSON"), "{error}");
    // Finished runs are compared without it.
    fs::remove_file(&file).unwrap();
    Command::new(params).unwrap().consult().unwrap();
}
