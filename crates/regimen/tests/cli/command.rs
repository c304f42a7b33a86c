//! External programs as experiments, from the script to the table.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use super::{assert_code, regimen, run, stderr, stdout};

#[test]
fn a_shell_script_becomes_a_table() {
    let dir = TempDir::new().unwrap();
    let config = "configs/examples/command-shell.yaml";
    let first = run(config, dir.path(), &["-j", "1"]);
    assert_code(&first, 0);
    assert!(stderr(&first).contains("8 finished, 0 failed"), "{}", stderr(&first));
    let table = stdout(&first);
    for part in ["values.number", "values.steps", "distance", "8 finished runs, 2 a cell"] {
        assert!(table.contains(part), "{part}:\n{table}");
    }
    assert!(dir.path().join("tables/command/runs.parquet").is_file());
    let again = run(config, dir.path(), &["--only", "values.number == 2"]);
    assert_code(&again, 0);
    assert!(stderr(&again).contains("4 were finished before"), "{}", stderr(&again));
}

#[test]
fn a_changed_script_makes_new_runs_and_a_missing_one_is_an_error_with_its_place() {
    let dir = TempDir::new().unwrap();
    let (script, config) = (dir.path().join("it.sh"), dir.path().join("it.yaml"));
    let text = format!(
        "name: it\nexperiment: command\nparams:\n  program: [sh, {0}]\n  files:\n    - {0}\n",
        script.display()
    );
    fs::write(&config, text).unwrap();
    let plan = || regimen().arg("plan").arg(&config).output().unwrap();
    let missing = plan();
    assert_code(&missing, 2);
    let message = stderr(&missing);
    assert!(message.contains("it.yaml:6:7"), "{message}");
    let wanted = format!("{0:?}: {0}: No such file", script.to_str().unwrap()).replace("\"", "");
    assert!(message.replace('"', "").contains(&wanted), "{message}");

    let store = dir.path().join("results");
    let config = config.to_str().unwrap();
    for (number, value) in ["1", "22"].into_iter().enumerate() {
        fs::write(&script, format!("echo '{{\"final\": {{\"value\": {value}}}}}' >&3\n")).unwrap();
        let done = run(config, &store, &[]);
        assert_code(&done, 0);
        assert!(stderr(&done).contains("1 finished, 0 failed"), "{number}: {}", stderr(&done));
    }
}

/// A program that says nothing would never notice that nobody listens.
#[test]
fn a_silent_program_ends_with_the_driver_and_worker_that_started_it() {
    let dir = TempDir::new().unwrap();
    let (config, pids) = (dir.path().join("it.yaml"), dir.path().join("pids"));
    let text = format!(
        "name: it\nexperiment: command\nparams:\n  program: [sh, -c, 'echo $$ $PPID > {0}.new; mv \
         {0}.new {0}; exec sleep 600']\n",
        pids.display()
    );
    fs::write(&config, text).unwrap();
    let mut driver = Command::new(env!("CARGO_BIN_EXE_regimen"))
        .args(["run", config.to_str().unwrap(), "--results"])
        .arg(dir.path().join("store"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let wait = |what: &str, is: &dyn Fn() -> bool| {
        for _ in 0..2000 {
            if is() {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("{what}");
    };
    wait("the program never started", &|| pids.exists());
    let text = fs::read_to_string(&pids).unwrap();
    let (program, worker) = text.trim().split_once(' ').unwrap();
    let alive = |pid: &str| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
    };
    assert!(alive(program));
    driver.kill().unwrap();
    let killed = Command::new("kill").args(["-9", worker]).status().unwrap();
    assert!(killed.success());
    driver.wait().unwrap();
    wait("the program outlived its worker", &|| !alive(program));
}

#[test]
fn one_bit_of_one_metric_is_a_difference() {
    let dir = TempDir::new().unwrap();
    let (config, value) = (dir.path().join("it.yaml"), dir.path().join("value"));
    // The file is no part of the run's identity.
    let text = format!(
        "name: it\nexperiment: command\nparams:\n  program: [sh, -c, 'cat {} >&3']\n",
        value.display()
    );
    fs::write(&config, text).unwrap();
    let store = |name: &str, loss: f64| {
        fs::write(&value, format!("{{\"step\": 1, \"loss\": {loss:?}}}\n")).unwrap();
        let store = dir.path().join(name);
        assert_code(&run(config.to_str().unwrap(), &store, &[]), 0);
        store
    };
    let stores =
        [store("a", 0.1), store("b", 0.1), store("c", f64::from_bits(0.1_f64.to_bits() ^ 1))];
    let compare = |other: usize| {
        let mut command = regimen();
        command.args(["compare", "--exact", "--results"]).arg(&stores[0]);
        command.arg("--against").arg(&stores[other]).output().unwrap()
    };
    assert_code(&compare(1), 0);
    let changed = compare(2);
    assert_code(&changed, 1);
    assert!(stdout(&changed).contains("2 differences in"), "{}", stdout(&changed));
}
