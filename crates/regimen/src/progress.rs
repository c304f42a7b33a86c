use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use experiment::RunId;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use journal::Outcome;
use orchestrator::execute::{Notice, Observer};
use orchestrator::plan::Plan;

use crate::terminal::say;

/// Shows a sweep on standard error: bars on a terminal, a line now and then elsewhere.
pub(crate) struct SweepProgress {
    total: usize,
    done: usize,
    failed: usize,
    names: HashMap<RunId, String>,
    view: View,
}

enum View {
    Bars { all: MultiProgress, sweep: ProgressBar, runs: HashMap<RunId, ProgressBar> },
    Lines { last: Instant, every: Duration },
}

/// Time between lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

impl SweepProgress {
    pub(crate) fn new(plan: &Plan) -> Self {
        let total = plan.runs.len();
        let names = plan.runs.iter().map(|run| {
            let varies: Vec<String> =
                run.varies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            (run.spec.run, varies.join(" "))
        });
        let view = if std::io::stderr().is_terminal() {
            let all = MultiProgress::new();
            let sweep = ProgressBar::new(total as u64)
                .with_style(style("{prefix} {wide_bar} {pos} of {len}, {eta} left{msg}"));
            View::Bars {
                sweep: all.add(sweep.with_prefix(plan.sweep.clone())),
                all,
                runs: HashMap::new(),
            }
        } else {
            View::Lines { last: Instant::now(), every: LINE_EVERY }
        };
        Self { total, done: 0, failed: 0, names: names.collect(), view }
    }

    fn advance(&mut self, by: usize) {
        self.done += by;
        let failed =
            if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        match &mut self.view {
            View::Bars { sweep, .. } => {
                sweep.set_position(self.done as u64);
                sweep.set_message(failed);
            }
            View::Lines { last, every } => {
                if last.elapsed() >= *every || self.done == self.total {
                    *last = Instant::now();
                    say(&format!("{} of {} runs{failed}", self.done, self.total));
                }
            }
        }
    }

    fn ended(&mut self, run: RunId, error: Option<&str>) {
        if let View::Bars { runs, .. } = &mut self.view
            && let Some(bar) = runs.remove(&run)
        {
            bar.finish_and_clear();
        }
        if let Some(error) = error {
            self.failed += 1;
            let name = self.names.get(&run).cloned().unwrap_or_default();
            self.line(&format!("failed: {} ({name}): {}", run.short(), error.escape_debug()));
        }
        self.advance(1);
    }

    fn line(&self, text: &str) {
        match &self.view {
            View::Bars { all, .. } => all.suspend(|| say(text)),
            View::Lines { .. } => say(text),
        }
    }

    /// Takes the bars away.
    pub(crate) fn finish(&self) {
        if let View::Bars { sweep, .. } = &self.view {
            sweep.finish_and_clear();
        }
    }
}

impl Observer for SweepProgress {
    fn notify(&mut self, notice: &Notice) {
        match notice {
            Notice::Skipped(n) | Notice::Adopted(n) => self.advance(*n),
            Notice::Started { run, .. } => {
                if let View::Bars { all, runs, .. } = &mut self.view {
                    let bar = ProgressBar::no_length()
                        .with_style(style("  {wide_bar} {per_sec}, {eta} left  {prefix}"))
                        .with_prefix(self.names.get(run).cloned().unwrap_or_default());
                    runs.insert(*run, all.add(bar));
                }
            }
            Notice::Progress { run, done, total } => {
                if let View::Bars { runs, .. } = &self.view
                    && let Some(bar) = runs.get(run)
                {
                    bar.set_length(*total);
                    bar.set_position(*done);
                }
            }
            Notice::Ended { run, outcome, .. } => match outcome {
                Outcome::Finished => self.ended(*run, None),
                Outcome::Failed { error } => self.ended(*run, Some(error)),
                Outcome::Interrupted | Outcome::Paused { .. } => {}
            },
            Notice::Lost { run, error, .. } => self.ended(*run, Some(error)),
            Notice::Waiting => self.line("waiting for runs of another driver"),
            Notice::Again { run, attempt, error } => {
                if let View::Bars { runs, .. } = &mut self.view
                    && let Some(bar) = runs.remove(run)
                {
                    bar.finish_and_clear();
                }
                self.line(&format!("run {run} attempt {attempt} failed, once more: {error}"));
            }
            Notice::WorkerStarted { .. } => {}
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a valid template")
}
