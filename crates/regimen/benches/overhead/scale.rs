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

/// Seconds, and the most MiB that were resident when last looked at.
fn follow(command: &mut Command) -> Result<(f64, f64)> {
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0.0;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // The high-water mark only grows; of a process that is gone it cannot be read.
        let text = fs::read_to_string(&path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        peak = kilobytes.map_or(peak, |kilobytes| kilobytes / 1024.0);
        sleep(Duration::from_millis(2));
    };
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok((start.elapsed().as_secs_f64(), peak))
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
    let line = |what: &str, (seconds, peak): (f64, f64), target: &str| {
        format!("{what:28} {seconds:>7.2} s {peak:>7.0} MiB  below {target}\n")
    };
    Ok(format!(
        "{RUNS} runs, once\n{}{}{:28} {left:>7}              below 100\n{}",
        line("regimen plan", plan, "1 s and 300 MB"),
        line("regimen run --in-process -j2", first, "60 s"),
        "files left",
        line("the same again", again, "2 s"),
    ))
}
