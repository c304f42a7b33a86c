//! A sweep of 100,000 runs, measured once.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::ours::{config, regimen, run};

const RUNS: usize = 100_000;

/// What a command took, as far as it was seen while it ran.
struct Cost {
    seconds: f64,
    /// Of all its threads.
    cpu_seconds: f64,
    /// Most that was resident.
    mebibytes: f64,
}

/// Clock ticks in a second, as Linux tells the time of processes.
const TICKS: f64 = 100.0;

fn follow(command: &mut Command) -> Result<Cost> {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let process = Path::new("/proc").join(child.id().to_string());
    let mut cost = Cost { seconds: 0.0, cpu_seconds: 0.0, mebibytes: 0.0 };
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // Both only grow; of a process that is gone they cannot be read.
        if let Some(kibibytes) = high_water_mark(&process) {
            cost.mebibytes = kibibytes / 1024.0;
        }
        if let Some(ticks) = ticks(&process) {
            cost.cpu_seconds = ticks / TICKS;
        }
        sleep(Duration::from_millis(2));
    };
    cost.seconds = start.elapsed().as_secs_f64();
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(cost)
}

fn high_water_mark(process: &Path) -> Option<f64> {
    let text = fs::read_to_string(process.join("status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn ticks(process: &Path) -> Option<f64> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    // The command name, in parentheses, may hold anything.
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

fn files(folder: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        count += if entry.file_type()?.is_dir() { files(&entry.path())? } else { 1 };
    }
    Ok(count)
}

pub(crate) fn measure(work: &Path) -> Result<String> {
    let folder = TempDir::new_in(work)?;
    let store = folder.path().join("store");
    let config = config(folder.path(), RUNS)?;
    let plan = follow(regimen().arg("plan").arg(config).arg("--results").arg(&store));
    let plan = plan.context("planning a large sweep")?;
    let threads = ["--in-process", "-j", "2"];
    let mut command = run(folder.path(), &store, RUNS, &threads)?;
    let first = follow(&mut command).context("running a large sweep")?;
    let left = files(&store)?;
    let again = follow(&mut command).context("running a large sweep again")?;
    let line = |what: &str, cost: Cost, target: &str| {
        let Cost { seconds, cpu_seconds, mebibytes } = cost;
        format!("{what:28} {seconds:>7.2} {cpu_seconds:>7.2} {mebibytes:>7.0}  below {target}\n")
    };
    let (seconds, cpu) = ("seconds", "cpu");
    Ok(format!(
        "{:28} {seconds:>7} {cpu:>7} {:>7}\n{}{}{}{:28} {left:>7} {:15}  below 100",
        format!("{RUNS} runs, once"),
        "MiB",
        line("regimen plan", plan, "1 s and 300 MB"),
        line("regimen run --in-process -j2", first, "60 s"),
        line("the same again", again, "2 s"),
        "files left",
        "",
    ))
}
