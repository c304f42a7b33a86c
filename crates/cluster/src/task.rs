//! Jobs, their tasks, and where these stand.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The scheduler's name of an array.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub String);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskState {
    /// At work.
    Running,
    /// Waits for its turn, also to be executed again.
    Pending,
    /// Waits for somebody who lets it go.
    Held,
    /// Ended by itself, without an error.
    Ended,
    /// Ended with an error, or by a limit or a broken node.
    Failed,
    /// Somebody cancelled it, or something more important took its place for good.
    Cancelled,
    /// Nobody knows it: it is over, or never was.
    Gone,
}

impl TaskState {
    /// Whether the scheduler will execute it, or does.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Pending | Self::Held)
    }

    /// The word in listings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Ended => "ended",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Gone => "gone",
        }
    }
}

/// One task of an array as the scheduler sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its number, from 0 on.
    pub index: u32,
    /// Where it stands.
    pub state: TaskState,
    /// Why, in the scheduler's words; may be empty.
    pub reason: String,
}

/// How many tasks stand where, with the reasons of those that wait or failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<TaskState, (u32, Vec<String>)>);

impl Tally {
    /// Of these tasks.
    pub fn of(tasks: &[Task]) -> Self {
        let mut tally = Self::default();
        for task in tasks {
            let (count, reasons) = tally.0.entry(task.state).or_default();
            *count += 1;
            if !task.reason.is_empty() && !reasons.contains(&task.reason) {
                reasons.push(task.reason.clone());
            }
        }
        tally
    }

    /// How many of them are in a state.
    pub fn count(&self, state: TaskState) -> u32 {
        self.0.get(&state).map_or(0, |(count, _)| *count)
    }

    /// How many of them will be executed, or are.
    pub fn active(&self) -> u32 {
        let active = self.0.iter().filter(|(state, _)| state.is_active());
        active.map(|(_, (count, _))| count).sum()
    }
}

impl fmt::Display for Tally {
    /// `3 running, 2 pending (Resources)`; `no tasks` where there are none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no tasks");
        }
        for (at, (state, (count, reasons))) in self.0.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{count} {}", state.as_str())?;
            let told = *state != TaskState::Running && *state != TaskState::Ended;
            if told && !reasons.is_empty() {
                write!(f, " ({})", reasons.join(", "))?;
            }
        }
        Ok(())
    }
}

/// One state a task: those that the scheduler names, in its words, and `Gone` for all others.
pub(crate) fn complete(tasks: u32, known: Vec<Task>) -> Vec<Task> {
    let mut found: BTreeMap<u32, Task> = BTreeMap::new();
    for task in known {
        // Of two accounts of one task the later one counts, but for one that is at work.
        match found.get(&task.index) {
            Some(before) if before.state.is_active() && !task.state.is_active() => {}
            _ => drop(found.insert(task.index, task)),
        }
    }
    let gone = |index| Task { index, state: TaskState::Gone, reason: String::new() };
    (0..tasks).map(|index| found.remove(&index).unwrap_or_else(|| gone(index))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_names_is_gone_and_what_is_at_work_stays() {
        let task = |index, state| Task { index, state, reason: String::new() };
        let known = vec![
            task(1, TaskState::Running),
            task(1, TaskState::Failed),
            task(2, TaskState::Pending),
            task(9, TaskState::Running),
        ];
        let tasks = complete(3, known);
        let states: Vec<TaskState> = tasks.iter().map(|task| task.state).collect();
        assert_eq!(states, [TaskState::Gone, TaskState::Running, TaskState::Pending]);
        let tally = Tally::of(&tasks);
        assert_eq!((tally.active(), tally.count(TaskState::Gone)), (2, 1));
        assert_eq!(tally.to_string(), "1 running, 1 pending, 1 gone");
    }

    #[test]
    fn a_tally_says_why() {
        let pending =
            |reason: &str| Task { index: 0, state: TaskState::Pending, reason: reason.into() };
        let tally = Tally::of(&[pending("Resources"), pending("Priority"), pending("Resources")]);
        assert_eq!(tally.to_string(), "3 pending (Resources, Priority)");
        assert_eq!(Tally::of(&[]).to_string(), "no tasks");
    }
}
