//! What becomes of programs, of what they print and of what they leave, as users meet it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use journal::{Fold, Status};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{assert_code, regimen, run, stderr, stdout};

/// A configuration of a shell script in a folder of its own.
struct Script {
    dir: TempDir,
}

impl Script {
    fn new(script: &str, more: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let this = Self { dir };
        fs::write(this.path("it.sh"), script.replace("DIR", &this.text(""))).unwrap();
        let script = this.text("it.sh");
        let text = format!(
            "name: it\nexperiment: command\nparams:\n  program: [sh, {script}]\n  pass: environment\n{}",
            more.replace("SCRIPT", &script)
        );
        fs::write(this.path("it.yaml"), text).unwrap();
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().trim_end_matches('/').to_owned()
    }

    fn store(&self) -> PathBuf {
        self.path("store")
    }

    fn run(&self, more: &[&str]) -> std::process::Output {
        run(&self.text("it.yaml"), &self.store(), more)
    }

    /// A driver under way, with temporary folders below `tmp`.
    fn start(&self) -> Child {
        fs::create_dir_all(self.path("tmp")).unwrap();
        self.command(1).spawn().unwrap()
    }

    fn command(&self, jobs: u32) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_regimen"));
        command.args(["run", &self.text("it.yaml"), "-j", &jobs.to_string()]);
        command.arg("--results").arg(self.store());
        command.env("TMPDIR", self.path("tmp")).process_group(0);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn ask(&self, arguments: &[&str]) -> std::process::Output {
        regimen().args(arguments).arg("--results").arg(self.store()).output().unwrap()
    }

    fn ids(&self) -> Vec<String> {
        let plan = stdout(&self.ask(&["plan", &self.text("it.yaml")]));
        plan.lines().map(|line| line[..10].to_owned()).collect()
    }

    fn finished(&self) -> usize {
        let fold = Fold::read(&self.store().join("journal")).unwrap();
        fold.runs.values().filter(|run| run.status() == Status::Finished).count()
    }
}

#[track_caller]
fn wait(what: &str, is: impl Fn() -> bool) {
    for _ in 0..3000 {
        if is() {
            return;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("within 30 s not: {what}");
}

fn send(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}

/// Whether the process lives whose id stands in a file.
fn lives(file: &Path) -> bool {
    let pid = fs::read_to_string(file).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

#[test]
fn no_finished_run_stands_under_code_that_it_did_not_execute() {
    // It edits itself, as somebody else might.
    let script = "echo \"# $REGIMEN_SEED\" >> DIR/it.sh; echo '{\"final\": {\"n\": 1}}' >&3\n";
    let it = Script::new(script, "  files: [SCRIPT]\nsweep: { seeds: 20 }\n");
    let done = it.run(&["-j", "1"]);
    assert_code(&done, 1);
    let said = stderr(&done);
    assert_eq!(said.matches("it.sh changed since the sweep was planned: ").count(), 1, "{said}");
    assert!(said.contains("it: 20 runs: 0 finished, 0 failed, 20 left as they were"), "{said}");
    assert_eq!(it.finished(), 0);
    let fold = Fold::read(&it.store().join("journal")).unwrap();
    assert!(fold.runs.len() < 5, "{} runs were begun", fold.runs.len());
    let plan = it.ask(&["plan", &it.text("it.yaml")]);
    assert!(stdout(&plan).lines().all(|line| line.ends_with("  not run")), "{}", stdout(&plan));
    fs::write(it.path("it.sh"), "echo '{\"final\": {\"n\": 2}}' >&3\n").unwrap();
    assert_code(&it.run(&["-j", "2"]), 0);
    assert_eq!(it.finished(), 20);
}

#[test]
fn equal_failures_are_told_once_and_every_log_can_be_shown() {
    let script =
        "echo said $REGIMEN_SEED; echo \"it's $REGIMEN_SEED\" >&2; echo here >&2; exit 3\n";
    let it = Script::new(script, "sweep: { seeds: 6 }\n");
    let done = it.run(&["-j", "1"]);
    assert_code(&done, 1);
    let ids = it.ids();
    let fold = Fold::read(&it.store().join("journal")).unwrap();
    let whole = |id: &str| {
        fold.runs.keys().map(ToString::to_string).find(|run| run.starts_with(id)).unwrap()
    };
    let log = it.store().join("logs").join(format!("{}.1.log", whole(&ids[0])));
    let said = stderr(&done);
    let wanted = format!(
        "failed: {} (seed=0): sh ended with exit code 3:\n  it's 0\n  here\n  log: {}\n",
        ids[0],
        log.display()
    );
    assert!(said.starts_with(&wanted), "{said}");
    let wanted =
        format!("... and 5 more failed like {}: {}, {}, {}, ...\n", ids[0], ids[1], ids[2], ids[3]);
    assert!(said.contains(&wanted), "{said}");
    let state = fold.runs.values().find(|run| run.spec.seed == 4).unwrap();
    assert_eq!(state.error(), Some("sh ended with exit code 3:\nit's 4\nhere"));

    let plan = stdout(&it.ask(&["plan", &it.text("it.yaml")]));
    let wanted = "failed: sh ended with exit code 3: ... here (see `regimen logs";
    assert_eq!(plan.matches(wanted).count(), 6, "{plan}");
    for (seed, id) in ids.iter().enumerate() {
        let shown = it.ask(&["logs", id]);
        assert_code(&shown, 0);
        let mut lines: Vec<String> = stdout(&shown).lines().map(str::to_owned).collect();
        lines.sort();
        assert_eq!(lines, ["here".to_owned(), format!("it's {seed}"), format!("said {seed}")]);
    }
    let path = it.ask(&["logs", &ids[0], "--path"]);
    assert_eq!(stdout(&path), format!("{}\n", log.display()));
    let unknown = it.ask(&["logs", "no"]);
    assert_code(&unknown, 2);
    assert!(stderr(&unknown).contains("no run that was begun in "), "{}", stderr(&unknown));
    let ambiguous = it.ask(&["logs", ""]);
    assert_code(&ambiguous, 2);
    assert!(stderr(&ambiguous).contains("6 runs begin with \"\": "), "{}", stderr(&ambiguous));
    let late = it.ask(&["logs", &ids[0], "--attempt", "2"]);
    assert_code(&late, 2);
    assert!(stderr(&late).contains("wanted an attempt from 1 to 1, found 2"), "{}", stderr(&late));
}

#[test]
fn a_log_is_followed_until_its_run_ends() {
    let script = "echo one; while [ ! -e DIR/go ]; do sleep 0.02; done; echo two >&2\n";
    let it = Script::new(script, "");
    let mut driver = it.start();
    wait("the run began", || it.store().join("logs").is_dir() && !it.ids().is_empty());
    let id = it.ids().remove(0);
    wait("it printed", || stdout(&it.ask(&["logs", &id])) == "one\n");
    let mut follow = Command::new(env!("CARGO_BIN_EXE_regimen"));
    follow.args(["logs", &id, "-f", "--results"]).arg(it.store()).stdout(Stdio::piped());
    let follow = follow.spawn().unwrap();
    fs::write(it.path("go"), "").unwrap();
    let shown = follow.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(shown.stdout).unwrap(), "one\ntwo\n");
    assert!(driver.wait().unwrap().success());
}

/// Starts a helper that leaves its session and its parent, then waits.
const HELPER: &str = "
    (setsid sh -c 'echo $$ > DIR/pid.new; mv DIR/pid.new DIR/pid; exec sleep 600' &)
    while [ ! -e DIR/pid ]; do sleep 0.01; done
    echo data > \"$REGIMEN_FOLDER/data\"
    [ -e DIR/go ] || exec sleep 600
";

#[test]
fn a_terminal_that_goes_away_stops_softly_and_nothing_is_left() {
    let it = Script::new(HELPER, "");
    let mut driver = it.start();
    wait("the helper runs", || it.path("pid").exists());
    // A shell says so as well as the terminal.
    send(driver.id(), Signal::HUP);
    send(driver.id(), Signal::HUP);
    assert_eq!(driver.wait().unwrap().code(), Some(130));
    assert!(!lives(&it.path("pid")));
    let fold = Fold::read(&it.store().join("journal")).unwrap();
    assert_eq!(fold.runs.values().next().unwrap().status(), Status::Interrupted);
    assert_eq!(fs::read_dir(it.path("tmp")).unwrap().count(), 0);
}

/// As clusters do that take their machine back.
#[test]
fn a_signal_to_every_process_of_a_job_interrupts_its_runs_and_fails_none() {
    let script = "echo $$ > DIR/pid.$SEED\n\
                  while [ ! -e DIR/go ]; do sleep 0.02; done\n";
    for signal in [Signal::TERM, Signal::INT, Signal::USR1, Signal::USR2] {
        let it = Script::new(&script.replace("$SEED", "$REGIMEN_SEED"), "sweep: { seeds: 3 }\n");
        let mut command = it.command(2);
        fs::create_dir(it.path("tmp")).unwrap();
        let mut driver = command.spawn().unwrap();
        let programs = || [0, 1].map(|seed| it.path(&format!("pid.{seed}")));
        let begun = |path: &PathBuf| fs::read_to_string(path).is_ok_and(|pid| pid.ends_with('\n'));
        wait("two runs began", || programs().iter().all(begun));
        let fold = Fold::read(&it.store().join("journal")).unwrap();
        let workers = fold.writers.values().map(|opened| opened.pid);
        let workers: Vec<u32> = workers.filter(|pid| *pid != driver.id()).collect();
        assert_eq!(workers.len(), 2);
        let pid = |path: &PathBuf| fs::read_to_string(path).unwrap().trim().parse().unwrap();
        // In the order in which the most could go wrong.
        programs().iter().map(pid).chain(workers).for_each(|pid| send(pid, signal));
        send(driver.id(), signal);
        assert_eq!(driver.wait().unwrap().code(), Some(130), "{signal:?}");
        let fold = Fold::read(&it.store().join("journal")).unwrap();
        let statuses: Vec<Status> = fold.runs.values().map(journal::RunState::status).collect();
        let interrupted = statuses.iter().all(|status| *status == Status::Interrupted);
        assert!(interrupted && statuses.len() >= 2, "{signal:?}: {statuses:?}");

        fs::write(it.path("go"), "").unwrap();
        assert_code(&it.run(&[]), 0);
        assert_eq!(it.finished(), 3);
    }
}

#[test]
fn nohup_keeps_a_run_from_stopping() {
    let it = Script::new("echo x > DIR/pid; while [ ! -e DIR/go ]; do sleep 0.02; done\n", "");
    fs::create_dir(it.path("tmp")).unwrap();
    let command = it.command(1);
    let mut nohup = Command::new("nohup");
    nohup.arg(command.get_program()).args(command.get_args());
    nohup.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut driver = nohup.spawn().unwrap();
    wait("the run began", || it.path("pid").exists());
    send(driver.id(), Signal::HUP);
    fs::write(it.path("go"), "").unwrap();
    assert!(driver.wait().unwrap().success());
    assert_eq!(it.finished(), 1);
}

#[test]
fn what_a_killed_driver_and_its_workers_leave_is_ended_by_the_next() {
    let it = Script::new(HELPER, "");
    let mut driver = it.start();
    let data = || {
        let workers = fs::read_dir(it.path("tmp")).into_iter().flatten().flatten();
        let runs = workers.flat_map(|worker| fs::read_dir(worker.path()).into_iter().flatten());
        runs.flatten().any(|run| run.path().join("folder/data").exists())
    };
    wait("the helper runs and there is data", || it.path("pid").exists() && data());
    let fold = Fold::read(&it.store().join("journal")).unwrap();
    let pids: Vec<u32> = fold.writers.values().map(|opened| opened.pid).collect();
    assert_eq!(pids.len(), 2, "a driver and a worker");
    pids.into_iter().for_each(|pid| send(pid, Signal::KILL));
    driver.wait().unwrap();
    assert!(lives(&it.path("pid")) && data(), "nobody could have ended it");

    fs::write(it.path("go"), "").unwrap();
    let (helper, counted) = (it.path("first"), it.store().join("claims/heartbeats"));
    fs::rename(it.path("pid"), &helper).unwrap();
    assert_eq!(fs::read_dir(&counted).unwrap().count(), 1);
    assert!(it.command(1).status().unwrap().success());
    assert!(!lives(&helper) && !data());
    assert_eq!(fs::read_dir(it.path("tmp")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(&counted).unwrap().count(), 0);
    assert_eq!(it.finished(), 1);
}

#[test]
fn trouble_of_the_machine_is_said_once_and_fails_no_run() {
    let it = Script::new("echo '{\"final\": {\"n\": 1}}' >&3\n", "sweep: { seeds: 3 }\n");
    let done = regimen()
        .args(["run", &it.text("it.yaml"), "-j", "1", "--results"])
        .arg(it.store())
        .env("TMPDIR", it.path("no-such"))
        .output()
        .unwrap();
    assert_code(&done, 2);
    let said = stderr(&done);
    assert!(said.contains("no-such, needed by 3 runs: it does not exist"), "{said}");
    let failed = |store: &Path| {
        let fold = Fold::read(&store.join("journal")).unwrap();
        fold.runs.values().filter(|run| run.status() == Status::Failed).count()
    };
    assert_eq!(failed(&it.store()), 0);
    assert_code(&it.run(&[]), 0);
    assert_eq!(it.finished(), 3);
}

#[test]
fn a_store_need_not_have_a_name_that_is_text() {
    let it = Script::new("echo '{\"final\": {\"n\": 1}}' >&3; echo hi\n", "");
    let store = it.dir.path().join(OsStr::from_bytes(b"bad\xff"));
    let done = run(&it.text("it.yaml"), &store, &["-j", "1"]);
    assert_code(&done, 0);
    assert!(stderr(&done).contains("1 finished, 0 failed"), "{}", stderr(&done));
    assert_eq!(fs::read_dir(store.join("logs")).unwrap().count(), 1);
}

#[test]
fn a_declared_metric_that_never_came_is_a_warning_that_reaches_the_user() {
    let metrics = "  metrics: { accuracy: 'accuracy: (.*)', loss: { goal: minimize } }\n";
    let it = Script::new("echo acc 1\n", &format!("{metrics}sweep: {{ seeds: 4 }}\n"));
    let done = it.run(&["-j", "1"]);
    assert_code(&done, 0);
    let (said, ids) = (stderr(&done), it.ids());
    let wanted =
        "metric accuracy: no value, because \"accuracy: (.*)\" is nowhere in its only line";
    assert_eq!(said.matches(wanted).count(), 1, "{said}");
    assert!(said.contains("metric loss: no value came by descriptor 3"), "{said}");
    let wanted = format!("... and 3 more were warned of like {}: ", ids[0]);
    assert_eq!(said.matches(&wanted).count(), 2, "{said}");
}

#[test]
fn the_goal_of_a_metric_decides_the_best_of_a_table_and_a_search() {
    let script =
        "for s in 1 2 3 4; do echo \"{\\\"step\\\": $s, \\\"loss\\\": $REGIMEN_X}\" >&3; done\n";
    let more = "  metrics: { loss: { goal: minimize } }
sweep: { grid: { values.x: [3, 1, 2] }, seeds: 2 }
table: { rows: values.x, value: loss }
";
    let it = Script::new(script, more);
    let done = it.run(&["-j", "1"]);
    assert_code(&done, 0);
    let table = stdout(&done);
    let starred: Vec<&str> = table.lines().filter(|line| line.contains("0.00*")).collect();
    assert!(starred.len() == 1 && starred[0].trim_start().starts_with('1'), "{table}");
    let mut show = regimen();
    show.args(["show", &it.text("it.yaml"), "-s", "search={first: 2, rungs: 1}"]);
    let shown = stdout(&show.output().unwrap());
    assert!(shown.contains("metric: loss") && shown.contains("goal: lower"), "{shown}");
}

#[test]
fn scores_of_single_items_test_what_programs_report() {
    let script = "i=0\nwhile [ $i -lt 20 ]; do\n\
        right=false; [ $i -ge \"$REGIMEN_RIGHT\" ] || right=true\n\
        echo '{\"table\": \"answers\", \"row\": {\"question\": '$i', \"correct\": '$right'}}' >&3\n\
        i=$((i + 1))\ndone\n\
        echo '{\"final\": {\"accuracy\": '$((REGIMEN_RIGHT * 5 + REGIMEN_OFF))'}}' >&3\n";
    let more = "  values: { off: 0 }\n  metrics:\n    accuracy:\n      goal: maximize\n      \
        items: { table: answers, key: question, statistic: { mean: { score: correct } }, scale: 100 }\n\
        sweep: { grid: { values.right: [8, 18] }, seeds: 3 }\n\
        table: { rows: values.right, value: accuracy }\n";
    let it = Script::new(script, more);
    let ran = it.run(&[]);
    assert_code(&ran, 0);
    let table = stdout(&ran);
    let said = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("hierarchical paired bootstrap"), "{table}");
    assert!(said.contains("common seeds (3) and items (20)"), "{table}");
    // What the items do not make is not tested by them.
    let off = it.run(&["-s", "params.values.off=3"]);
    let table = stdout(&off);
    let said = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("items of 6 runs are not used: the mean of them is not what was reported")
    );
    assert!(said.contains("paired t-test"), "{table}");
}
