//! Tells a command of the user's that the runs are over.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, bail};
use orchestrator::execute::Summary;
use serde_json::{Value, json};

use crate::arguments::Run;
use crate::commands::Done;
use crate::plans::Planned;
use crate::terminal::say;

/// What became of each sweep, in the order they were executed.
pub(super) type Ends = Vec<Value>;

/// What became of the runs of a sweep.
pub(super) fn end(planned: &Planned, summary: &Summary) -> Value {
    json!({
        "sweep": planned.plan.sweep, "experiment": planned.config.experiment,
        "runs": planned.plan.runs.len(), "finished": summary.finished.len(),
        "failed": summary.failed.len(), "blocked": summary.blocked.len(),
        "interrupted": summary.interrupted.len(), "pruned": summary.pruned.len(),
        "finished_before": summary.skipped.len(),
    })
}

/// Starts the command of `--on-finish` with a summary on its standard input, and waits for it. That it
/// fails is said and changes nothing.
pub(super) fn tell(
    command: &str,
    arguments: &Run,
    ends: &Ends,
    ended: &Result<Done>,
    took: Duration,
) {
    let exit_code = match ended {
        Ok(done) => done.code(),
        Err(error) => Done::of(error).code(),
    };
    let summary = json!({
        "store": std::path::absolute(&arguments.store.results).unwrap_or_default(),
        "configs": arguments.config.configs, "sweeps": ends, "exit_code": exit_code,
        "error": ended.as_ref().err().map(|error| format!("{error:#}")), "seconds": took.as_secs_f64(),
    });
    if let Err(error) = start(command, &format!("{summary}\n")) {
        say(&format!("warning: --on-finish {command}: {error:#}"));
    }
}

fn start(command: &str, summary: &str) -> Result<()> {
    let mut child = Command::new("sh").args(["-c", command]).stdin(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A command that does not want to know reads nothing.
        let _ = input.write_all(summary.as_bytes());
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("it ended with {status}");
    }
    Ok(())
}
