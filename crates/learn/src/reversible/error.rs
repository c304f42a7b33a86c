//! Why there is no hypergradient.

use thiserror::Error;

/// Why there is no hypergradient.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum HyperError {
    /// The objective could not be traced or replayed.
    #[error(transparent)]
    Trace(#[from] autodiff::Error),
    /// A momentum that no reversible step has.
    #[error("wanted a momentum above 0 and at most 1, found {found}")]
    Momentum {
        /// The momentum.
        found: f64,
    },
    /// A learning rate that is not a number.
    #[error("wanted a finite learning rate, found {found} at step {step}")]
    Rate {
        /// The learning rate.
        found: f64,
        /// Its step.
        step: usize,
    },
    /// A vector of the wrong length.
    #[error("{what}: wanted {wanted} values, found {found}")]
    Length {
        /// Which vector.
        what: &'static str,
        /// How many values it must have.
        wanted: usize,
        /// How many it has.
        found: usize,
    },
    /// Batches of several shapes.
    #[error("wanted batches of one shape, found {found} shapes")]
    Buckets {
        /// How many there are.
        found: usize,
    },
    /// The training loss is not finite.
    #[error("the training loss is {value} at step {step}")]
    Loss {
        /// The step.
        step: usize,
        /// The loss.
        value: f64,
    },
    /// The objective of the hyper-parameters is not finite.
    #[error("the objective of the hyper-parameters is {value} after {steps} steps")]
    Objective {
        /// Steps of training.
        steps: usize,
        /// The objective.
        value: f64,
    },
    /// A weight, a velocity or a change of one is too large for the fixed-point numbers.
    #[error("a weight or velocity of {group} leaves -1024..1024 at step {step}")]
    Range {
        /// The step.
        step: usize,
        /// The tensor.
        group: String,
    },
    /// The reverse pass did not come back to where training began.
    #[error("the reverse pass did not restore {group}: {found}")]
    NotReversed {
        /// The tensor.
        group: String,
        /// What is not as it was.
        found: String,
    },
}

impl From<HyperError> for experiment::Error {
    fn from(error: HyperError) -> Self {
        let diverged = |step: usize, metric: &str, value| Self::Diverged {
            step: step as u64,
            metric: metric.into(),
            value,
        };
        match error {
            HyperError::Loss { step, value } => diverged(step, "elementary_loss", value),
            HyperError::Objective { steps, value } => diverged(steps, "objective", value),
            other => Self::other("hypergradient", other),
        }
    }
}
