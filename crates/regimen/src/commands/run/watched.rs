//! Follows a sweep under way, and says at its end which runs failed in earlier calls and why.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use anyhow::Result;
use experiment::RunId;
use journal::{Fold, Outcome, RunState};
use orchestrator::execute::{JOURNAL, Notice, Observer, Summary};
use orchestrator::plan::Plan;

use crate::complaints::in_a_line;
use crate::progress::Progress;
use crate::terminal::say;

/// Shows a sweep, and remembers what happened to its runs.
pub(crate) struct Watched<'p, 'a> {
    progress: &'p mut Progress<'a>,
    failed: HashSet<RunId>,
    started: bool,
    paused: bool,
}

impl<'p, 'a> Watched<'p, 'a> {
    pub(crate) fn new(progress: &'p mut Progress<'a>) -> Self {
        Self { progress, failed: HashSet::new(), started: false, paused: false }
    }

    /// Says what the sweep came to.
    pub(crate) fn finish(&mut self, plan: &Plan, summary: &Summary, store: &Path) -> Result<()> {
        self.progress.finish(summary);
        self.say_earlier(summary, store)?;
        if let Some(search) = plan.search.as_ref().filter(|_| self.never_paused(summary)) {
            say(&format!(
                "warning: `search` compared nothing: no run recorded `{}` at step {} or later",
                search.metric, search.first
            ));
        }
        Ok(())
    }

    /// Whether runs were executed and none came to a rung of a search.
    fn never_paused(&self, summary: &Summary) -> bool {
        self.started && !self.paused && summary.pruned.is_empty() && !summary.finished.is_empty()
    }

    /// Says which runs failed in earlier calls and why, equal errors once.
    fn say_earlier(&self, summary: &Summary, store: &Path) -> Result<()> {
        let earlier = summary.failed.iter().filter(|run| !self.failed.contains(run));
        let earlier: Vec<RunId> = earlier.copied().collect();
        if earlier.is_empty() {
            return Ok(());
        }
        let fold = Fold::read(&store.join(JOURNAL))?;
        let mut errors: BTreeMap<String, Vec<RunId>> = BTreeMap::new();
        for run in &earlier {
            let error = fold.runs.get(run).and_then(RunState::error).unwrap_or_default();
            errors.entry(in_a_line(error)).or_default().push(*run);
        }
        let (count, are) = (earlier.len(), if earlier.len() == 1 { "run" } else { "runs" });
        say(&format!("{count} {are} failed before; `--retry-failed` runs them again:"));
        for (error, runs) in errors {
            let some: Vec<String> = runs.iter().take(3).map(RunId::short).collect();
            let more = if runs.len() > 3 { ", ..." } else { "" };
            let line = format!("  {} of them ({}{more}): {error}", runs.len(), some.join(", "));
            say(&line);
        }
        Ok(())
    }
}

impl Observer for Watched<'_, '_> {
    fn notify(&mut self, notice: &Notice) {
        match notice {
            Notice::Started { run, .. } => {
                self.started = true;
                self.failed.remove(run);
            }
            Notice::Ended { run, outcome: Outcome::Failed { .. }, .. }
            | Notice::Lost { run, .. } => drop(self.failed.insert(*run)),
            Notice::Ended { outcome: Outcome::Paused { .. }, .. } => self.paused = true,
            _ => {}
        }
        self.progress.notify(notice);
    }
}
