//! Programs that crash, never end or print too much, and runs that diverge, cost one row each.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{assert_code, run, stderr};

/// One program that does as `REGIMEN_WAY` says.
const SCRIPT: &str = r#"
case "$REGIMEN_WAY" in
    good) echo "{\"step\": 1, \"loss\": 0.5}" >&3
          echo "{\"final\": {\"loss\": $REGIMEN_NUMBER}}" >&3 ;;
    # tail keeps a line that never ends in memory.
    memory) exec tail -n 1 /dev/zero ;;
    time) exec sleep 300 ;;
    abort) kill -s ABRT $$ ;;
    # The worker itself, as if a library in it had aborted.
    worker) kill -s ABRT $PPID; exec sleep 300 ;;
    nan) echo "{\"step\": 3, \"loss\": NaN}" >&3 ;;
    pattern) echo "loss=nan" ;;
    gigabyte) exec head -c 1073741824 /dev/zero ;;
    exit) echo "no such file" >&2; exit 7 ;;
esac
"#;

const CONFIG: &str = "
name: misbehave
experiment: command
params:
  program: [sh, SCRIPT]
  pass: environment
  pattern: '(?P<metric>\\w+)=(?P<value>\\S+)'
sweep:
  - grid: { values.way: [good], values.number: [1, 2, 3] }
  - grid: { values.way: [memory, time, abort, worker, nan, pattern, gigabyte, exit] }
  - grid: { values.way: [good], values.number: [4, 5, 6] }
resources: { memory: 200MiB, time: 5s, output: 4MiB }
";

/// Status and error of every row, by the value of a column.
fn rows(store: &Path, experiment: &str, column: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let runs = tables::Runs::read(store, experiment).unwrap();
    let cells = |column: &str| -> Vec<String> {
        runs.cells(column).unwrap().iter().map(ToString::to_string).collect()
    };
    let told = cells("status").into_iter().zip(cells("error"));
    let mut rows = BTreeMap::<_, Vec<_>>::new();
    for (value, told) in cells(column).into_iter().zip(told) {
        rows.entry(value).or_default().push(told);
    }
    rows
}

#[test]
fn programs_that_misbehave_cost_one_row_each() {
    let dir = TempDir::new().unwrap();
    let (script, config) = (dir.path().join("way.sh"), dir.path().join("way.yaml"));
    fs::write(&script, SCRIPT).unwrap();
    fs::write(&config, CONFIG.replace("SCRIPT", script.to_str().unwrap())).unwrap();
    let store = dir.path().join("store");
    let done = run(config.to_str().unwrap(), &store, &["-j", "2"]);
    assert_code(&done, 1);
    assert!(stderr(&done).contains("6 finished, 8 failed"), "{}", stderr(&done));

    let mut rows = rows(&store, "command", "params.values.way");
    let good = rows.remove("good").unwrap();
    assert_eq!(good, vec![("finished".to_owned(), "-".to_owned()); 6]);
    let expected = [
        ("abort", "sh was killed by SIGABRT"),
        ("exit", "no such file"),
        ("gigabyte", "printed more than 4 MiB"),
        ("memory", "MiB; the limit is 200 MiB"),
        ("nan", "NaN"),
        ("pattern", "loss is NaN"),
        ("time", "took longer than 5 s"),
        ("worker", "was killed by SIGABRT"),
    ];
    assert!(rows.keys().eq(expected.iter().map(|(way, _)| way)), "{rows:?}");
    for (way, part) in expected {
        let [(status, error)] = &rows[way][..] else { panic!("{way}: {:?}", rows[way]) };
        assert_eq!(status, "failed", "{way}");
        assert!(error.contains(part), "{way}: {error}");
    }
    let logs = fs::read_dir(store.join("logs")).unwrap();
    let printed: u64 = logs.map(|log| log.unwrap().metadata().unwrap().len()).sum();
    assert!(printed < 5 << 20, "{printed} bytes of logs");
}

#[test]
fn a_run_that_diverges_fails_by_name_and_the_others_finish() {
    let dir = TempDir::new().unwrap();
    let config = dir.path().join("descent.yaml");
    let text =
        "name: far\nexperiment: descent\nsweep: { grid: { learning_rate: [0.1, 1e300, 0.2] } }\n";
    fs::write(&config, text).unwrap();
    for way in [&["-j", "1"][..], &["--in-process"]] {
        let store = dir.path().join(way[0]);
        assert_code(&run(config.to_str().unwrap(), &store, way), 1);
        let rows: Vec<_> = rows(&store, "descent", "status").into_values().flatten().collect();
        let error = "diverged: value is NaN at step 10";
        let expected = [("failed", error), ("finished", "-"), ("finished", "-")];
        assert_eq!(rows, expected.map(|(status, error)| (status.to_owned(), error.to_owned())));
    }
}
