//! What sweeps have on clusters, for `regimen status`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use cluster::{Kind, Submission, Tally, TaskState, submissions};
use serde_json::{Value, json};

use crate::commands::cluster::{line, scheduler_of};

/// Time between questions to a scheduler.
const EVERY: Duration = Duration::from_secs(10);

/// The submissions of a store whose tasks are not known to be over.
#[derive(Default)]
pub(super) struct Submitted {
    asked: Option<Instant>,
    known: Vec<(Submission, Result<Tally, String>)>,
}

impl Submitted {
    /// Asks the schedulers, unless that was a moment ago.
    pub(super) fn refresh(&mut self, store: &Path) {
        let local = |(known, _): &(Submission, _)| known.intent().scheduler == Kind::Local;
        let every = if self.known.iter().all(local) { EVERY / 10 } else { EVERY };
        if self.asked.is_some_and(|at| at.elapsed() < every) {
            return;
        }
        self.asked = Some(Instant::now());
        let open = submissions(store).unwrap_or_default().into_iter();
        let poll = |known: Submission| {
            let tally = known.poll(&*scheduler_of(&known)).map_err(|error| error.to_string());
            if tally.as_ref().is_ok_and(|tally| tally.active() == 0 && known.job().is_some()) {
                // Somebody else's store may be readable only.
                let _ = known.end();
            }
            (known, tally)
        };
        self.known = open.filter(|known| !known.is_over()).map(poll).collect();
    }

    /// Whether tasks are at work or will be.
    pub(super) fn are_active(&self) -> bool {
        let active = |tally: &Result<Tally, String>| tally.as_ref().is_ok_and(|t| t.active() > 0);
        self.known.iter().any(|(_, tally)| active(tally))
    }

    /// A line each.
    pub(super) fn lines(&self) -> String {
        let line = |(known, tally): &(Submission, Result<Tally, String>)| {
            let sweep = &known.intent().sweep;
            let cancelled = if known.is_cancelled() { "cancelled, " } else { "" };
            match tally {
                Ok(tally) => format!("{sweep}: {cancelled}{}\n", line(known, tally)),
                Err(error) => format!("{sweep}: {cancelled}unknown: {error}\n"),
            }
        };
        self.known.iter().map(line).collect()
    }

    /// A JSON object each, on a line.
    pub(super) fn json(&self) -> String {
        let row = |(known, tally): &(Submission, Result<Tally, String>)| {
            let intent = known.intent();
            let tasks = tally.as_ref().ok().map(tasks);
            let row = json!({
                "submission": intent.name, "sweep": intent.sweep, "cluster": intent.cluster,
                "job": known.job(), "cancelled": known.is_cancelled(), "tasks": tasks,
            });
            format!("{row}\n")
        };
        self.known.iter().map(row).collect()
    }
}

fn tasks(tally: &Tally) -> Value {
    use TaskState::{Cancelled, Ended, Failed, Gone, Held, Pending, Running};
    let all = [Running, Pending, Held, Ended, Failed, Cancelled, Gone];
    let counts = all.map(|state| (state.as_str(), tally.count(state)));
    json!(counts.into_iter().filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>())
}
