mod bars;
mod lines;

use std::collections::{HashMap, HashSet};
use std::io::IsTerminal;
use std::path::Path;
use std::time::Instant;

use experiment::RunId;
use journal::Outcome;
use orchestrator::execute::{Notice, Observer, Summary};
use orchestrator::plan::Plan;

use crate::complaints::{About, Complaints, Kind};
use crate::terminal::{fold_lines, say};
use bars::Bars;
use lines::Lines;

/// Shows a sweep on standard error: bars on a terminal, a line now and then elsewhere.
pub(crate) struct SweepProgress {
    sweep: String,
    counts: Counts,
    names: HashMap<RunId, String>,
    complaints: Complaints,
    /// Files that runs read changed, so that some are left.
    outdated: bool,
    /// Runs that rest at a rung of a search.
    paused: HashSet<RunId>,
    view: View,
}

enum View {
    Bars(Bars),
    Lines(Lines),
}

/// How far a sweep is.
#[derive(Debug, Clone)]
struct Counts {
    total: usize,
    /// Ended, here or elsewhere, now or before.
    done: usize,
    /// Ended here.
    ended: usize,
    failed: usize,
    running: usize,
    /// Rest at a rung of a search.
    paused: usize,
    start: Instant,
}

impl Counts {
    /// What is to be said beside how many are done: `, 2 running, 1 failed`.
    fn asides(&self) -> String {
        [(self.running, "running"), (self.paused, "paused"), (self.failed, "failed")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!(", {count} {word}"))
            .collect()
    }

    /// Runs a second, and the seconds that what is left takes at that rate.
    fn pace(&self, now: Instant) -> Option<(f64, f64)> {
        let rate = self.ended as f64 / (now - self.start).as_secs_f64();
        let left = self.total.saturating_sub(self.done) as f64 / rate;
        (self.ended > 0 && left.is_finite()).then_some((rate, left))
    }
}

impl SweepProgress {
    pub(crate) fn new(plan: &Plan, store: &Path) -> Self {
        let names = plan.runs.iter().map(|run| {
            let varies: Vec<String> =
                run.varies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            (run.spec.run, varies.join(" "))
        });
        let total = plan.runs.len();
        let view = if std::io::stderr().is_terminal() {
            View::Bars(Bars::new(&plan.sweep, total))
        } else {
            View::Lines(Lines::new())
        };
        let start = Instant::now();
        let counts = Counts { total, done: 0, ended: 0, failed: 0, running: 0, paused: 0, start };
        Self {
            sweep: plan.sweep.clone(),
            counts,
            names: names.collect(),
            complaints: Complaints::new(store),
            outdated: false,
            paused: HashSet::new(),
            view,
        }
    }

    /// Takes the bars away and says what the runs came to.
    pub(crate) fn summarise(&mut self, summary: &Summary) {
        if let View::Bars(bars) = &mut self.view {
            bars.clear();
        }
        self.complaints.rest().iter().for_each(|line| say(line));
        let left = if self.outdated { "left as they were" } else { "to go on with" };
        let some = |runs: &[RunId], word: &str| match runs.len() {
            0 => String::new(),
            count => format!(", {count} {word}"),
        };
        say(&format!(
            "{}: {} runs: {} finished, {} failed{}{}, {} were finished before",
            self.sweep,
            self.counts.total,
            summary.finished.len(),
            summary.failed.len(),
            some(&summary.pruned, "pruned"),
            some(&summary.interrupted, left),
            summary.skipped.len()
        ));
    }

    fn say(&self, line: &str) {
        match &self.view {
            View::Bars(bars) => bars.say(line),
            View::Lines(_) => say(line),
        }
    }

    fn started(&mut self, run: RunId, worker: u32) {
        self.counts.running += 1;
        self.paused.remove(&run);
        self.counts.paused = self.paused.len();
        if let View::Bars(bars) = &mut self.view {
            let name = self.names.get(&run).map_or("", String::as_str);
            bars.start(run, worker, name);
        }
    }

    /// A run is under way no longer.
    fn stopped(&mut self, run: RunId) {
        self.counts.running = self.counts.running.saturating_sub(1);
        if let View::Bars(bars) = &mut self.view {
            bars.stop(run);
        }
    }

    fn failed(&mut self, (run, attempt): (RunId, u32), error: &str) {
        self.counts.failed += 1;
        self.complain(Kind::Failed, (run, attempt), error);
    }

    fn complain(&mut self, kind: Kind, (run, attempt): (RunId, u32), text: &str) {
        let name = self.names.get(&run).map_or("", String::as_str);
        let said = self.complaints.say(kind, About { run, attempt, name }, text);
        said.iter().for_each(|said| self.say(said));
    }

    fn done(&mut self, runs: usize) {
        self.counts.done += runs;
        self.show();
    }

    fn show(&mut self) {
        match &mut self.view {
            View::Bars(bars) => bars.show(&self.counts),
            View::Lines(lines) => lines.show(&self.counts),
        }
    }
}

impl Observer for SweepProgress {
    fn notify(&mut self, notice: &Notice) {
        match notice {
            Notice::Skipped(runs) | Notice::Adopted(runs) => self.done(*runs),
            Notice::Started { run, worker, .. } => self.started(*run, *worker),
            Notice::Progress { run, done, total } => {
                if let View::Bars(bars) = &self.view {
                    bars.advance(*run, *done, *total);
                }
                self.show();
            }
            Notice::Ended { run, attempt, outcome, .. } => {
                self.stopped(*run);
                match outcome {
                    Outcome::Interrupted | Outcome::Outdated { .. } => return,
                    Outcome::Paused { .. } => {
                        self.paused.insert(*run);
                        self.counts.paused = self.paused.len();
                        return self.show();
                    }
                    Outcome::Failed { error } => self.failed((*run, *attempt), error),
                    Outcome::Finished => {}
                }
                self.counts.ended += 1;
                self.done(1);
            }
            Notice::Lost { run, attempt, error } => {
                self.stopped(*run);
                self.failed((*run, *attempt), error);
                self.counts.ended += 1;
                self.done(1);
            }
            Notice::Waiting => self.say("waiting for runs of another driver"),
            Notice::Again { run, attempt, error } => {
                self.stopped(*run);
                self.complain(Kind::Again, (*run, *attempt), error);
            }
            Notice::Warned { run, attempt, text } => {
                self.complain(Kind::Warned, (*run, *attempt), text);
            }
            Notice::Changing { why } => {
                let advice = "runs under way count only if it is as it was when they end";
                self.say(&fold_lines(&format!("warning: {why}: {advice}")));
            }
            Notice::Outdated { why } => {
                self.outdated = true;
                let advice = "runs that read it are left as they were; run again to plan with it";
                self.say(&fold_lines(&format!("{why}: {advice}")));
            }
            Notice::WorkerStarted { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn pace_is_that_of_the_runs_that_ended_here() {
        let start = Instant::now();
        let mut counts =
            Counts { total: 100, done: 60, ended: 0, failed: 0, running: 2, paused: 0, start };
        let later = start + Duration::from_secs(5);
        assert_eq!(counts.pace(later), None);
        counts.ended = 10;
        assert_eq!(counts.pace(later), Some((2.0, 20.0)));
        assert_eq!(counts.asides(), ", 2 running");
    }
}
