//! What is to be done about an array whose sweep is not over.

use crate::{Tally, TaskState};

/// The next thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Tasks are at work, or will be.
    Wait,
    /// All of them wait for somebody who lets them go.
    Held,
    /// None is left: submit others.
    Again,
    /// None is left, and others would come to nothing either.
    GiveUp,
    /// Nothing is to be executed any more.
    Stop,
}

/// Decides it. `left` runs are to be executed, `ended` have ended since the array was submitted.
pub fn next_step(tally: &Tally, left: usize, ended: usize, is_cancelled: bool) -> Step {
    let (active, held) = (tally.active(), tally.count(TaskState::Held));
    match (left, active) {
        (0, _) => Step::Stop,
        (_, 0) if is_cancelled => Step::Stop,
        (_, 0) if ended == 0 => Step::GiveUp,
        (_, 0) => Step::Again,
        _ if active == held => Step::Held,
        _ => Step::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Task;

    fn tally(states: &[TaskState]) -> Tally {
        let task = |state: &TaskState| Task { index: 0, state: *state, reason: String::new() };
        Tally::of(&states.iter().map(task).collect::<Vec<_>>())
    }

    #[test]
    fn others_are_submitted_only_while_runs_end() {
        use TaskState::{Cancelled, Ended, Gone, Held, Pending, Running};
        let step =
            |states: &[TaskState], left, ended| next_step(&tally(states), left, ended, false);
        assert_eq!(step(&[Running, Gone], 3, 0), Step::Wait);
        assert_eq!(step(&[Pending, Held], 3, 0), Step::Wait);
        assert_eq!(step(&[Held, Held, Ended], 3, 0), Step::Held);
        assert_eq!(step(&[Gone, Cancelled], 3, 2), Step::Again);
        assert_eq!(step(&[Gone, Cancelled], 3, 0), Step::GiveUp);
        assert_eq!(step(&[Pending], 0, 0), Step::Stop);
        assert_eq!(next_step(&tally(&[Cancelled]), 3, 2, true), Step::Stop);
    }
}
