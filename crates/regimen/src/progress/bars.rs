use std::collections::HashMap;

use experiment::RunId;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Counts;
use crate::terminal::say;

/// A bar for the sweep and below it one for each busy worker.
pub(super) struct Bars {
    all: MultiProgress,
    sweep: ProgressBar,
    runs: HashMap<RunId, ProgressBar>,
}

impl Bars {
    pub(super) fn new(sweep: &str, total: usize) -> Self {
        let all = MultiProgress::new();
        let bar = ProgressBar::new(total as u64)
            .with_style(style("{prefix} {wide_bar} {pos} of {len}{msg}"))
            .with_prefix(sweep.escape_debug().to_string());
        Self { sweep: all.add(bar), all, runs: HashMap::new() }
    }

    pub(super) fn start(&mut self, run: RunId, worker: u32, name: &str) {
        let bar = ProgressBar::no_length()
            .with_style(style("  {prefix:>4} {msg}"))
            .with_prefix(worker.to_string())
            .with_message(name.escape_debug().to_string());
        self.runs.insert(run, self.all.add(bar));
    }

    pub(super) fn advance(&self, run: RunId, done: u64, total: u64) {
        let Some(bar) = self.runs.get(&run) else { return };
        if bar.length().is_none() {
            bar.set_style(style(
                "  {prefix:>4} {wide_bar} {percent:>3} %, {per_sec}, {eta} left  {msg}",
            ));
            // What an earlier attempt did is no part of this one's rate.
            bar.set_length(total);
            bar.set_position(done);
            bar.reset_eta();
            return;
        }
        bar.set_length(total);
        bar.set_position(done);
    }

    pub(super) fn stop(&mut self, run: RunId) {
        if let Some(bar) = self.runs.remove(&run) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    pub(super) fn show(&self, counts: &Counts) {
        let left = counts.pace(std::time::Instant::now()).map(|(_, seconds)| {
            let left = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
            format!(", {:#} left", indicatif::HumanDuration(left))
        });
        self.sweep.set_message(format!("{}{}", counts.asides(), left.unwrap_or_default()));
        self.sweep.set_position(counts.done as u64);
    }

    pub(super) fn say(&self, line: &str) {
        self.all.suspend(|| say(line));
    }

    pub(super) fn clear(&mut self) {
        for (_, bar) in self.runs.drain() {
            bar.finish_and_clear();
        }
        self.sweep.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a valid template")
}
