//! `resources.gpus` and `--gpus`: each run has its own graphics processors.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use journal::Fold;
use tempfile::TempDir;

use super::{assert_code, stderr, stdout};

/// A folder with a configuration whose runs are `script`, and a temporary folder of its own: what tests deal
/// out at the same time must not be held by each other.
fn folder(resources: &str, seeds: usize, script: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("marks")).unwrap();
    fs::write(dir.path().join("script.sh"), script).unwrap();
    let config = format!(
        "name: devices\nexperiment: command\nparams: {{ program: [sh, script.sh] }}\n\
         sweep: {{ seeds: {seeds} }}\nresources: {resources}\n"
    );
    fs::write(dir.path().join("devices.yaml"), config).unwrap();
    dir
}

fn program(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regimen"));
    command.args(words).current_dir(dir).env("TMPDIR", dir).env_remove("CUDA_VISIBLE_DEVICES");
    command
}

/// The devices of each finished run with when it had them, in the order of their beginnings.
fn spans(dir: &Path) -> Vec<(Vec<String>, f64, f64)> {
    let fold = Fold::read(&dir.join("results/journal")).unwrap();
    let attempts = fold.runs.values().flat_map(|run| &run.attempts);
    let mut spans: Vec<(Vec<String>, f64, f64)> = attempts
        .map(|attempt| {
            let ended = attempt.ended.as_ref().unwrap();
            (attempt.means.gpus.clone(), attempt.started_at.unwrap(), ended.at)
        })
        .collect();
    spans.sort_by(|a, b| a.1.total_cmp(&b.1));
    spans
}

/// Every run waits until all eight of its turn have begun, and the last four until all twenty have: if a
/// device idled while runs wait, nobody would go on.
const IN_TURNS: &str = "\
rank=1
while ! mkdir marks/$rank 2>/dev/null; do rank=$((rank + 1)); done
last=$(( (rank + 7) / 8 * 8 ))
[ $last -le 20 ] || last=20
until [ -d marks/$last ]; do sleep 0.02; done
echo \"{\\\"final\\\": {\\\"device\\\": $CUDA_VISIBLE_DEVICES}}\" >&3
";

#[test]
fn eight_devices_and_twenty_runs_share_nothing_and_idle_never() {
    let dir = folder("{ gpus: 1, time: 60s }", 20, IN_TURNS);
    let words = ["run", "devices.yaml", "--gpus", "0,1,2,3,4,5,6,7", "-j", "16"];
    let ran = program(dir.path(), &words).output().unwrap();
    assert_code(&ran, 0);
    let spans = spans(dir.path());
    assert_eq!(spans.len(), 20);
    let mut by_device = BTreeMap::<&str, Vec<(f64, f64)>>::new();
    for (devices, from, to) in &spans {
        let [device] = devices.as_slice() else { panic!("{devices:?}") };
        by_device.entry(device).or_default().push((*from, *to));
    }
    assert_eq!(
        by_device.keys().copied().collect::<Vec<_>>(),
        ["0", "1", "2", "3", "4", "5", "6", "7"]
    );
    for (device, spans) in by_device {
        assert!((2..=3).contains(&spans.len()), "{device}: {spans:?}");
        assert!(spans.windows(2).all(|two| two[0].1 <= two[1].0), "{device}: {spans:?}");
    }
    // What programs saw is what is listed.
    let words = ["list", "--format", "json"];
    let listed = program(dir.path(), &words).output().unwrap();
    for line in stdout(&listed).lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let device = row["results"]["device"].as_f64().unwrap();
        assert_eq!(row["gpus"], serde_json::json!([device.to_string()]));
    }
}

#[test]
fn a_run_may_have_several_and_what_is_left_over_stays_unused() {
    let script = "echo \"$CUDA_VISIBLE_DEVICES\"";
    let dir = folder("{ gpus: 2 }", 4, script);
    let bin = dir.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let nvidia = bin.join("nvidia-smi");
    fs::write(&nvidia, "#!/bin/sh\nprintf '0\\n1\\n2\\n'\n").unwrap();
    fs::set_permissions(&nvidia, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let ran = program(dir.path(), &["run", "devices.yaml", "-j", "4"])
        .env("PATH", path)
        .output()
        .unwrap();
    assert_code(&ran, 0);
    let spans = spans(dir.path());
    assert_eq!(spans.len(), 4);
    assert!(spans.iter().all(|(devices, ..)| devices.len() == 2), "{spans:?}");
    assert!(spans.windows(2).all(|two| two[0].2 <= two[1].1), "{spans:?}");
    for log in fs::read_dir(dir.path().join("results/logs")).unwrap() {
        let said = fs::read_to_string(log.unwrap().path()).unwrap();
        assert!(said.trim().split(',').count() == 2, "{said:?}");
    }
    // What is finished needs none.
    let words = ["run", "devices.yaml"];
    let again = program(dir.path(), &words).env("CUDA_VISIBLE_DEVICES", "").output().unwrap();
    assert_code(&again, 0);
}

#[test]
fn too_few_are_told_before_anything_runs() {
    let dir = folder("{ gpus: 2 }", 1, "exit 1");
    let ask = |words: &[&str], visible: Option<&str>| {
        let words = [&["run", "devices.yaml"], words].concat();
        let mut command = program(dir.path(), &words);
        // No `nvidia-smi` here, whatever the machine has.
        command.env("PATH", dir.path());
        if let Some(visible) = visible {
            command.env("CUDA_VISIBLE_DEVICES", visible);
        }
        let told = command.output().unwrap();
        assert_code(&told, 2);
        stderr(&told)
    };
    let said = ask(&["--gpus", "3"], None);
    let wanted = "resources.gpus: a run wants 2 graphics processors, found 3 (--gpus)";
    assert!(said.contains(wanted), "{said}");
    let said = ask(&[], Some(""));
    assert!(said.contains("found none (CUDA_VISIBLE_DEVICES)"), "{said}");
    let said = ask(&[], None);
    assert!(said.contains("`nvidia-smi`") && said.contains("`--gpus 0,1` names"), "{said}");
    let said = ask(&["--gpus", "0,0"], None);
    assert!(said.contains("--gpus: 0 is named twice"), "{said}");
    let said = ask(&["--gpus", "0,a b"], None);
    assert!(said.contains("wanted names as CUDA_VISIBLE_DEVICES has them"), "{said}");
    assert!(!dir.path().join("results").exists());
}

#[test]
fn what_another_call_deals_out_is_left_to_it() {
    let script = "touch marks/$CUDA_VISIBLE_DEVICES; until [ -f go ]; do sleep 0.02; done";
    let dir = folder("{ gpus: 1 }", 1, script);
    let words = |store, devices| ["run", "devices.yaml", "--results", store, "--gpus", devices];
    let mut first = program(dir.path(), &words("first", "4"));
    let mut first = first.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mark = |device: &str| -> PathBuf { dir.path().join("marks").join(device) };
    while !mark("4").exists() {
        assert!(first.try_wait().unwrap().is_none(), "it ended before it began");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let second = program(dir.path(), &words("second", "4")).output().unwrap();
    assert_code(&second, 2);
    let said = stderr(&second);
    assert!(said.contains("found none (--gpus); another `regimen run` has 4"), "{said}");
    fs::write(dir.path().join("go"), "").unwrap();
    let third = program(dir.path(), &words("third", "4,5")).output().unwrap();
    assert_code(&third, 0);
    assert!(first.wait().unwrap().success());
}
