//! The total over all sweeps of a call, and the one under way within it.

use std::time::Instant;

use journal::Status;
use tables::inert;

use super::pace::Pace;
use super::{Forecast, Screen, Sweep, asides, of, rate, span};

/// All sweeps of a call, but for what the one under way did.
pub(super) struct Whole<'a> {
    pub(super) forecasts: &'a [Forecast],
    pub(super) at: usize,
    pub(super) before: (usize, usize),
}

impl Whole<'_> {
    fn later(&self) -> &[Forecast] {
        self.forecasts.get(self.at + 1..).unwrap_or_default()
    }

    /// Runs that are done, and all.
    fn done(&self, sweep: &Sweep<'_>) -> [usize; 2] {
        let later = self.later().iter();
        let finished: usize = later.clone().map(|forecast| forecast.finished).sum();
        let runs: usize = later.map(|forecast| forecast.runs).sum();
        [self.before.0 + sweep.done + finished, self.before.0 + sweep.plan.runs.len() + runs]
    }

    /// `, 41m left`, or `, over 41m left` where it is not known what a later sweep takes.
    fn left(&self, sweep: &Sweep<'_>, now: Instant) -> String {
        let Some(mut seconds) = self.pace(sweep, now).left() else { return String::new() };
        let mut over = "";
        for later in self.later().iter().filter(|later| later.runs > later.finished) {
            match later.seconds {
                Some(each) => {
                    seconds += each * (later.runs - later.finished) as f64 / later.jobs as f64;
                }
                None => over = "over ",
            }
        }
        format!(", {over}{} left", span(seconds))
    }

    fn pace(&self, sweep: &Sweep<'_>, now: Instant) -> Pace {
        let usual = self.forecasts.get(self.at);
        Pace {
            elapsed: (now - sweep.start).as_secs_f64(),
            ended: sweep.ended,
            to_do: sweep.plan.runs.len().saturating_sub(sweep.done),
            running: sweep.live.values().map(|live| live.pace(now)).collect(),
            usual: usual.and_then(|forecast| Some((forecast.seconds?, forecast.jobs))),
        }
    }

    /// The lines of a terminal: the total where there are several sweeps, the sweep, its runs.
    pub(super) fn screen(&self, sweep: &Sweep<'_>, screen: Screen, now: Instant) -> Vec<String> {
        let part = |done: usize, all: usize| done as f64 / all.max(1) as f64;
        let own = sweep.plan.runs.len();
        let name = inert(&sweep.plan.sweep).into_owned();
        let mut lines = Vec::new();
        if self.forecasts.len() > 1 {
            let [done, all] = self.done(sweep);
            let failed = asides(&[(self.before.1 + sweep.failed, Status::Failed)]);
            let text = format!("{}{failed}{}", of(done, all), self.left(sweep, now));
            lines.push(screen.total("all", part(done, all), &text));
            let name = format!("{name} ({} of {})", self.at + 1, self.forecasts.len());
            let text = format!("{}{}", of(sweep.done, own), sweep.asides(None));
            lines.push(screen.total(&name, part(sweep.done, own), &text));
        } else {
            let text =
                format!("{}{}{}", of(sweep.done, own), sweep.asides(None), self.left(sweep, now));
            lines.push(screen.total(&name, part(sweep.done, own), &text));
        }
        let room = screen.height.saturating_sub(lines.len() + 2);
        let shown = if sweep.live.len() > room { room.saturating_sub(1) } else { room };
        lines.extend(sweep.live.iter().take(shown).map(|(worker, live)| {
            let name = sweep.name(live.run);
            screen.run(&live.line(*worker, &name, sweep.plan.entry.progress, now))
        }));
        if sweep.live.len() > shown {
            lines.push(
                screen.cut(&format!("      and {} more", sweep.live.len() - shown), screen.width),
            );
        }
        lines
    }

    /// `12 of 60 runs, 2 running (30%, 75%), 1 failed, 0.8 runs/s, 1m left`; of several sweeps with
    /// the name of this one and the total.
    pub(super) fn line(&self, sweep: &Sweep<'_>, now: Instant) -> String {
        let pace = self.pace(sweep, now);
        let mut line =
            format!("{}{}", of(sweep.done, sweep.plan.runs.len()), sweep.asides(sweep.parts()));
        if let Some(longest) = sweep.live.values().map(|live| now - live.since).max()
            && sweep.parts().is_none()
            && longest.as_secs() >= 60
        {
            line.push_str(&format!(" for up to {}", span(longest.as_secs_f64())));
        }
        line.extend(pace.rate().map(|per_second| format!(", {}", rate(per_second, "runs"))));
        if self.forecasts.len() > 1 {
            let [done, all] = self.done(sweep);
            line = format!("{}: {line}; in all {}", inert(&sweep.plan.sweep), of(done, all));
        }
        line + &self.left(sweep, now)
    }
}
