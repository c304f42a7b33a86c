//! Measures the cost of a run as the difference between a call with many runs and one with few.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// What happens to the runs of a call; like is compared with like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// They are executed.
    Executed,
    /// They were finished before.
    Skipped,
}

/// One measurement of two calls, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// The call with few runs.
    pub(crate) few: f64,
    /// Cost of each additional run.
    pub(crate) run: f64,
}

/// Something whose overhead is measured.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Runs of the call with few and of the call with many of them.
    pub(crate) runs: (usize, usize),
    pub(crate) rounds: usize,
    /// Milliseconds a run below which it should stay.
    pub(crate) target: Option<f64>,
    /// Makes the call with as many runs; milliseconds.
    pub(crate) call: Box<dyn FnMut(usize) -> Result<f64>>,
    pub(crate) samples: Vec<Sample>,
    /// Samples of ours taken in turn with these, by name.
    pub(crate) beside: BTreeMap<&'static str, Vec<Sample>>,
}

impl Subject {
    pub(crate) fn new(
        (name, kind): (&'static str, Kind),
        runs: (usize, usize),
        rounds: usize,
        call: impl FnMut(usize) -> Result<f64> + 'static,
    ) -> Self {
        let (samples, beside) = (Vec::new(), BTreeMap::new());
        let call = Box::new(call);
        Self { name, kind, runs, rounds, target: None, call, samples, beside }
    }

    pub(crate) fn below(self, target: f64) -> Self {
        Self { target: Some(target), ..self }
    }

    /// Takes one sample more.
    pub(crate) fn measure(&mut self) -> Result<()> {
        let (few, many) = self.runs;
        let mut time =
            |runs| (self.call)(runs).with_context(|| format!("{}: {runs} runs", self.name));
        let (of_few, of_many) = (time(few)?, time(many)?);
        let run = (of_many - of_few) / (many - few) as f64;
        self.samples.push(Sample { few: of_few, run });
        Ok(())
    }
}

/// Milliseconds until a command ended well.
pub(crate) fn time(command: &mut Command) -> Result<f64> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let output = command.output().with_context(|| format!("starting {command:?}"))?;
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} ended with {}:\n{said}", output.status);
    }
    Ok(milliseconds)
}

/// Lower quartile, median and upper quartile.
pub(crate) fn quartiles(values: impl IntoIterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    [0.25, 0.5, 0.75].map(|part| {
        let at = part * (values.len() - 1) as f64;
        let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
        low + (high - low) * at.fract()
    })
}
