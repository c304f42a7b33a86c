//! What is shown on standard error while runs are executed.

mod bars;
mod download;
mod layout;
mod lines;
mod pace;
mod steps;
mod units;
mod whole;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::Instant;

use experiment::RunId;
use journal::{Outcome, Status};
use orchestrator::execute::{Notice, Observer, Summary};
use orchestrator::plan::{Plan, label};
use tables::inert;

use crate::complaints::{About, Complaints, Kind};
use crate::terminal::{self, say, say_as_it_is};
use bars::Bars;
use layout::RunLine;
use lines::Lines;
use pace::Running;
use whole::Whole;

pub(crate) use download::Download;
pub(crate) use layout::Screen;
pub(crate) use steps::Steps;
pub(crate) use units::{rate, span, thousands};

/// What is known of a sweep before it begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forecast {
    /// Its runs.
    pub(crate) runs: usize,
    /// How many of them are finished already.
    pub(crate) finished: usize,
    /// Seconds that a run usually takes here, where that is known.
    pub(crate) seconds: Option<f64>,
    /// How many are executed at a time.
    pub(crate) jobs: usize,
}

/// Shows the sweeps of one call, one after the other, with one total: bars on a terminal, a line now
/// and then elsewhere.
pub(crate) struct Progress<'a> {
    /// Of every sweep of the call.
    forecasts: Vec<Forecast>,
    /// The sweep under way is the one of this number, from 0.
    at: usize,
    /// Runs of the sweeps before it that are done, and those that failed.
    before: (usize, usize),
    sweep: Option<Sweep<'a>>,
    complaints: Complaints,
    view: View,
}

enum View {
    Bars(Bars),
    Lines(Lines),
}

/// The sweep under way.
struct Sweep<'a> {
    plan: &'a Plan,
    /// Where each run stands in the plan.
    places: HashMap<RunId, usize>,
    start: Instant,
    /// Ended, here or elsewhere, now or before.
    done: usize,
    /// Ended here.
    ended: usize,
    failed: usize,
    /// Rest at a rung of a search.
    pruned: HashSet<RunId>,
    /// Under way, by the number of the worker.
    live: BTreeMap<u32, Live>,
    /// Files that runs read changed, so that some are left.
    outdated: bool,
}

/// A run under way.
struct Live {
    run: RunId,
    since: Instant,
    told: Option<Told>,
}

/// How far a run says that it is.
#[derive(Clone, Copy)]
struct Told {
    /// When it said so first, and how far it was then: what an earlier attempt did is no part of
    /// this one's rate.
    first: (Instant, u64),
    done: u64,
    total: u64,
}

impl Told {
    fn part(&self) -> f64 {
        if self.total == 0 { 0.0 } else { (self.done as f64 / self.total as f64).min(1.0) }
    }

    fn rate(&self, now: Instant) -> Option<f64> {
        let (since, from) = self.first;
        let (seconds, steps) = ((now - since).as_secs_f64(), self.done.saturating_sub(from));
        (steps > 0 && seconds > 0.1).then(|| steps as f64 / seconds)
    }

    fn left(&self, now: Instant) -> Option<f64> {
        Some(self.total.saturating_sub(self.done) as f64 / self.rate(now)?)
    }
}

impl<'a> Progress<'a> {
    /// Before the first of the sweeps.
    pub(crate) fn new(forecasts: Vec<Forecast>, store: &Path) -> Self {
        let view = if terminal::redraws() {
            View::Bars(Bars::new())
        } else {
            View::Lines(Lines::new(Instant::now()))
        };
        let complaints = Complaints::new(store);
        Self { forecasts, at: 0, before: (0, 0), sweep: None, complaints, view }
    }

    /// The next sweep begins.
    pub(crate) fn begin(&mut self, plan: &'a Plan) {
        let places = plan.runs.iter().enumerate().map(|(at, run)| (run.spec.run, at)).collect();
        self.sweep = Some(Sweep {
            plan,
            places,
            start: Instant::now(),
            done: 0,
            ended: 0,
            failed: 0,
            pruned: HashSet::new(),
            live: BTreeMap::new(),
            outdated: false,
        });
    }

    /// The sweep under way is over: takes the bars away and says what its runs came to.
    pub(crate) fn finish(&mut self, summary: &Summary) {
        if let View::Bars(bars) = &mut self.view {
            bars.clear();
        }
        self.complaints.rest().iter().for_each(|line| say(line));
        let Some(sweep) = self.sweep.take() else { return };
        let left = if sweep.outdated { "left as they were" } else { Status::Interrupted.as_str() };
        let some = |runs: &[RunId], word: &str| match runs.len() {
            0 => String::new(),
            count => format!(", {} {word}", thousands(count as u64)),
        };
        let before = match summary.skipped.len() {
            1 => "1 was".to_owned(),
            count => format!("{} were", thousands(count as u64)),
        };
        say(&format!(
            "{}: {}: {} finished, {} failed{}{}, {before} finished before",
            inert(&sweep.plan.sweep),
            runs(sweep.plan.runs.len()),
            thousands(summary.finished.len() as u64),
            thousands(summary.failed.len() as u64),
            some(&summary.blocked, Status::Blocked.as_str())
                + &some(&summary.pruned, Status::Pruned.as_str()),
            some(&summary.interrupted, left),
        ));
        self.before.0 += sweep.plan.runs.len();
        self.before.1 += summary.failed.len();
        self.at += 1;
    }

    fn show(&mut self) {
        let Some(sweep) = &self.sweep else { return };
        let now = Instant::now();
        let whole = Whole { forecasts: &self.forecasts, at: self.at, before: self.before };
        match &mut self.view {
            View::Bars(bars) => bars.show(|screen| whole.screen(sweep, screen, now)),
            View::Lines(lines) => {
                let facts = sweep.facts();
                if lines.is_due(now, &facts) {
                    lines.say(now, facts, &whole.line(sweep, now));
                }
            }
        }
    }
}

impl Sweep<'_> {
    fn name(&self, run: RunId) -> String {
        let Some(at) = self.places.get(&run) else { return String::new() };
        let varies = self.plan.runs[*at].varies.iter();
        let all: Vec<String> =
            varies.map(|(name, value)| format!("{}={}", inert(name), label(value))).collect();
        all.join(" ")
    }

    /// What is to be said beside how many are done: `, 2 running, 1 failed`; `parts` says how far
    /// those under way are.
    fn asides(&self, parts: Option<String>) -> String {
        let running = asides(&[(self.live.len(), Status::Running)]);
        let running = running + &parts.map(|parts| format!(" ({parts})")).unwrap_or_default();
        let others = asides(&[(self.pruned.len(), Status::Pruned), (self.failed, Status::Failed)]);
        running + &others
    }

    /// How far a few runs are, where they tell.
    fn parts(&self) -> Option<String> {
        let parts: Vec<String> = self
            .live
            .values()
            .filter_map(|live| live.told)
            .map(|told| format!("{:.0}%", (told.part() * 100.0).floor()))
            .collect();
        (!parts.is_empty() && parts.len() <= 4).then(|| parts.join(", "))
    }

    /// What makes a line say something new.
    fn facts(&self) -> String {
        let parts = self.parts().unwrap_or_default();
        format!("{} {} {} {parts}", self.done, self.failed, self.pruned.len())
    }

    fn started(&mut self, run: RunId, worker: u32) {
        self.pruned.remove(&run);
        self.live.insert(worker, Live { run, since: Instant::now(), told: None });
    }

    fn told(&mut self, run: RunId, done: u64, total: u64) {
        if let Some(live) = self.live.values_mut().find(|live| live.run == run) {
            let first = live.told.map_or((Instant::now(), done), |told| told.first);
            live.told = Some(Told { first, done, total });
        }
    }

    /// A run is under way no longer.
    fn stopped(&mut self, run: RunId) {
        self.live.retain(|_, live| live.run != run);
    }

    /// A run has come to its end here.
    fn ended(&mut self) {
        self.done += 1;
        self.ended += 1;
    }

    fn failed(&mut self) {
        self.failed += 1;
        self.ended();
    }
}

impl Live {
    fn pace(&self, now: Instant) -> Running {
        Running {
            done: self.told.as_ref().map_or(0.0, Told::part),
            left: self.told.as_ref().and_then(|told| told.left(now)),
        }
    }

    fn line<'n>(&self, worker: u32, name: &'n str, unit: &str, now: Instant) -> RunLine<'n> {
        RunLine {
            worker,
            part: self.told.as_ref().map(Told::part),
            rate: self
                .told
                .and_then(|told| told.rate(now))
                .map(|per_second| rate(per_second, unit)),
            left: self.told.and_then(|told| told.left(now)),
            elapsed: (now - self.since).as_secs_f64(),
            name,
        }
    }
}

fn runs(count: usize) -> String {
    format!("{} {}", thousands(count as u64), if count == 1 { "run" } else { "runs" })
}

fn of(done: usize, all: usize) -> String {
    format!("{} of {}", thousands(done as u64), runs(all))
}

fn asides(counts: &[(usize, Status)]) -> String {
    let some = counts.iter().filter(|(count, _)| *count > 0);
    some.map(|(count, status)| format!(", {} {}", thousands(*count as u64), status.as_str()))
        .collect()
}

impl Observer for Progress<'_> {
    fn notify(&mut self, notice: &Notice) {
        let Some(sweep) = &mut self.sweep else { return };
        let mut complain = |sweep: &Sweep<'_>, kind, (run, attempt), text: &str| {
            let about = About { run, attempt, name: &sweep.name(run) };
            self.complaints.say(kind, about, text).iter().for_each(|said| say_as_it_is(said));
        };
        match notice {
            Notice::Skipped(runs) | Notice::Adopted(runs) => sweep.done += runs,
            Notice::Started { run, worker, .. } => sweep.started(*run, *worker),
            Notice::Progress { run, done, total } => sweep.told(*run, *done, *total),
            Notice::Ended { run, attempt, outcome, .. } => {
                sweep.stopped(*run);
                match outcome {
                    Outcome::Interrupted | Outcome::Outdated { .. } => {}
                    Outcome::Paused { .. } => drop(sweep.pruned.insert(*run)),
                    Outcome::Failed { error } => {
                        sweep.failed();
                        complain(sweep, Kind::Failed, (*run, *attempt), error);
                    }
                    Outcome::Finished => sweep.ended(),
                }
            }
            Notice::Lost { run, attempt, error } => {
                sweep.stopped(*run);
                sweep.failed();
                complain(sweep, Kind::Failed, (*run, *attempt), error);
            }
            Notice::Waiting => say("waiting for runs of another driver"),
            Notice::Again { run, attempt, error } => {
                sweep.stopped(*run);
                complain(sweep, Kind::Again, (*run, *attempt), error);
            }
            Notice::Blocked { run, attempt, why } => {
                sweep.done += 1;
                complain(sweep, Kind::Blocked, (*run, *attempt), why);
            }
            Notice::Warned { run, attempt, text } => {
                complain(sweep, Kind::Warned, (*run, *attempt), text);
            }
            Notice::Changing { why } => {
                let advice = "runs under way count only if it is as it was when they end";
                say(&format!("warning: {why}: {advice}"));
            }
            Notice::Outdated { why } => {
                sweep.outdated = true;
                let advice = "runs that read it are left as they were; run again to plan with it";
                say(&format!("{why}: {advice}"));
            }
            Notice::Unreachable { why } => {
                say(&format!("warning: the store cannot be reached: {why}; trying again"));
            }
            Notice::GivenBack { why } => say(&format!(
                "warning: the claims on the store are given back, because {why}: runs under way stop at a \
                 checkpoint; they go on here once the store is back, or with another driver"
            )),
            Notice::Tick | Notice::WorkerStarted { .. } => {}
        }
        self.show();
    }
}

#[cfg(test)]
mod tests;
