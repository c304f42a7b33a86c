//! Runs a program that times one workload, and reads the measurement it prints.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// What one process measured.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// Seconds of a unit of work, the median of the process's repetitions.
    pub(crate) seconds: f64,
    /// Seconds of processor time of a unit of work.
    pub(crate) cpu_seconds: f64,
    /// Peak resident size in MiB.
    pub(crate) peak: f64,
    /// 10^9 operations of a unit of work, where the program counts them.
    pub(crate) gflop: Option<f64>,
    /// Values that every program must agree on.
    pub(crate) check: BTreeMap<String, f64>,
}

/// A program that times one workload and prints one JSON line.
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) samples: Vec<Sample>,
    command: Vec<String>,
    threads: usize,
}

impl Program {
    pub(crate) fn new(name: &str, threads: usize, command: Vec<String>) -> Self {
        Self { name: name.into(), samples: Vec::new(), command, threads }
    }

    /// Runs it once, on as many processors as it has threads.
    pub(crate) fn measure(&mut self, folder: &Path) -> Result<()> {
        let last = std::thread::available_parallelism().map_or(1, usize::from) - 1;
        let first = (last + 1).saturating_sub(self.threads);
        let mut command = Command::new("taskset");
        command.arg("-c").arg(format!("{first}-{last}")).args(&self.command).current_dir(folder);
        command.env("RAYON_NUM_THREADS", self.threads.to_string());
        // Kernels for another processor than this one would be no comparison.
        command.env_remove("OPENBLAS_CORETYPE");
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let output = command.output().with_context(|| format!("starting {command:?}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("{command:?} ended with {}:\n{said}", output.status);
        }
        let said = String::from_utf8_lossy(&output.stdout);
        let line = said.lines().last().unwrap_or_default();
        let sample = read(line).with_context(|| format!("{command:?} printed {line:?}"))?;
        self.samples.push(sample);
        Ok(())
    }
}

fn read(line: &str) -> Result<Sample> {
    let value: Value = serde_json::from_str(line)?;
    let number = |key: &str| {
        value[key].as_f64().with_context(|| format!("wanted a number {key}, found {}", value[key]))
    };
    let mut check = BTreeMap::new();
    for (key, value) in value["check"].as_object().into_iter().flatten() {
        let list = value.as_array().into_iter().flatten().zip(1..);
        check.extend(value.as_f64().map(|value| (key.clone(), value)));
        check
            .extend(list.filter_map(|(value, at)| Some((format!("{key}: {at}"), value.as_f64()?))));
    }
    let seconds = number("seconds")?;
    Ok(Sample {
        seconds,
        gflop: value["gflops"].as_f64().map(|rate| rate * seconds),
        cpu_seconds: number("cpu_seconds")?,
        peak: number("peak_rss_mb")?,
        check,
    })
}
