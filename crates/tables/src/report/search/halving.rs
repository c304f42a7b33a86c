//! What successive halving did: who came to which rung, and who went on.

use experiment::Better;

use super::trials::Trial;
use crate::report::grid::significant;

/// Rungs at which the points of a sweep were compared, and of which the best went on.
#[derive(Debug, Clone, PartialEq)]
pub struct Halving {
    /// The metric, as runs record it step by step.
    pub metric: String,
    /// Which direction of it is better.
    pub better: Better,
    /// One trial in so many goes on.
    pub factor: u64,
    /// The step of each rung.
    pub steps: Vec<u64>,
}

/// One rung as a line of a table.
#[derive(Debug, PartialEq)]
pub(crate) struct Rung {
    pub(crate) step: u64,
    /// Trials that came here.
    pub(crate) came: usize,
    /// Of these, how many went on.
    pub(crate) went_on: usize,
    pub(crate) best: String,
    /// The worst that went on.
    pub(crate) worst_on: String,
    /// The best that did not.
    pub(crate) best_off: String,
}

/// The rungs from the first to the last.
pub(crate) fn rungs(halving: &Halving, trials: &[Trial]) -> Vec<Rung> {
    let sign = if halving.better == Better::Lower { 1.0 } else { -1.0 };
    let text = |value: Option<f64>| value.map_or_else(|| "–".into(), significant);
    let rung = |(at, step): (usize, &u64)| {
        let here = || trials.iter().filter(|trial| trial.rungs.len() > at);
        let goes_on = |trial: &&Trial| trial.rungs.len() > at + 1 || trial.is_finished();
        let best = |values: &mut dyn Iterator<Item = f64>| {
            values.min_by(|a, b| (a * sign).total_cmp(&(b * sign)))
        };
        let worst = |values: &mut dyn Iterator<Item = f64>| {
            values.max_by(|a, b| (a * sign).total_cmp(&(b * sign)))
        };
        let value = |trial: &Trial| trial.rungs[at];
        Rung {
            step: *step,
            came: here().count(),
            went_on: here().filter(goes_on).count(),
            best: text(best(&mut here().map(value))),
            worst_on: text(worst(&mut here().filter(goes_on).map(value))),
            best_off: text(best(&mut here().filter(|trial| !goes_on(trial)).map(value))),
        }
    };
    halving.steps.iter().enumerate().map(rung).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_tell_who_went_on() {
        let trial = |state: &str, rungs: &[f64]| Trial {
            runs: vec![0],
            state: state.into(),
            values: Vec::new(),
            value: None,
            rungs: rungs.to_vec(),
            started: 0.0,
        };
        let halving = Halving {
            metric: "loss".into(),
            better: Better::Lower,
            factor: 3,
            steps: vec![10, 30],
        };
        let trials = [
            trial("pruned", &[5.0]),
            trial("pruned", &[4.0, 2.5]),
            trial("finished", &[3.0, 2.0]),
            trial("pruned", &[9.0]),
        ];
        let rungs = rungs(&halving, &trials);
        assert_eq!((rungs[0].came, rungs[0].went_on), (4, 2));
        assert_eq!(
            [&rungs[0].best, &rungs[0].worst_on, &rungs[0].best_off],
            ["3.000", "4.000", "5.000"]
        );
        assert_eq!((rungs[1].came, rungs[1].went_on), (2, 1));
        assert_eq!(rungs[1].best_off, "2.500");
    }
}
