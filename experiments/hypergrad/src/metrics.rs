//! What each task reports.

use experiment::{Better, Metric};

use crate::{Params, Sharing, Task};

/// Final metrics of all tasks.
pub(crate) const FINAL: &[Metric] = &[
    Metric::new("objective", "", Better::Lower),
    Metric::new("initial_objective", "", Better::Lower),
    Metric::new("fresh_objective", "", Better::Lower),
    Metric::new("test_loss", "", Better::Lower),
    Metric::new("train_loss", "", Better::Lower),
    Metric::neutral("best_log_rate", ""),
    Metric::neutral("largest_pixel", ""),
    Metric::new("naive_distance", "", Better::Lower),
];

/// Metrics that tasks record by meta-iteration, trial, step or learning rate.
pub(crate) const STEPS: &[Metric] = &[
    Metric::new("objective", "", Better::Lower),
    Metric::neutral("hypergradient_norm", ""),
    Metric::new("loss", "", Better::Lower),
    Metric::neutral("slope", ""),
    Metric::new("distance", "", Better::Lower),
];

/// Final metrics of a run with these parameters.
pub(crate) fn final_of(params: &Params) -> Vec<Metric> {
    let names: &[&str] = match params.task {
        Task::Schedules if params.target.is_some() => {
            &["objective", "initial_objective", "fresh_objective"]
        }
        Task::Schedules => &["objective", "initial_objective", "fresh_objective", "test_loss"],
        Task::Baseline => &["objective", "fresh_objective", "best_log_rate"],
        Task::InitialGradient => &["objective"],
        Task::L2 | Task::Preprocessing => &["objective", "initial_objective", "test_loss"],
        Task::Data => &["objective", "initial_objective", "test_loss", "largest_pixel"],
        Task::Omniglot if params.sharing == Sharing::Learned => {
            &["objective", "initial_objective", "test_loss", "train_loss"]
        }
        Task::Omniglot => &["objective", "test_loss", "train_loss"],
        Task::Chaos => &["objective", "best_log_rate"],
        Task::Illustration => &["objective", "initial_objective"],
        Task::Naive => &["objective", "naive_distance"],
    };
    named(FINAL, names)
}

/// Metrics that such a run records step by step.
pub(crate) fn steps_of(params: &Params) -> Vec<Metric> {
    let names: &[&str] = match params.task {
        Task::Omniglot if params.sharing != Sharing::Learned => &[],
        Task::Schedules
        | Task::InitialGradient
        | Task::L2
        | Task::Data
        | Task::Preprocessing
        | Task::Omniglot => &["objective", "hypergradient_norm"],
        Task::Baseline | Task::Illustration => &["objective"],
        Task::Chaos => &["loss", "slope"],
        Task::Naive => &["distance"],
    };
    named(STEPS, names)
}

fn named(metrics: &[Metric], names: &[&str]) -> Vec<Metric> {
    metrics.iter().filter(|metric| names.contains(&&*metric.name)).cloned().collect()
}
