//! The reversible learner with gradients in f32 or f64, chosen at run time.

use autodiff::Float;
use experiment::Error;
use learn::{HyperError, HyperLearner, Hypergradient, Objective, Setting, Trajectory, Trial};

use crate::network::traced;
use crate::params::Precision;

/// A learner whose gradients have one type or the other.
pub(crate) enum Learner {
    Single(Box<HyperLearner<f32>>),
    Double(Box<HyperLearner<f64>>),
}

fn boxed<F: Float>(
    inner: &dyn Objective,
    outer: &dyn Objective,
) -> Result<Box<HyperLearner<F>>, Error> {
    HyperLearner::new(inner, outer).map(Box::new).map_err(traced)
}

impl Learner {
    /// As [`HyperLearner::new`].
    pub(crate) fn new(
        precision: Precision,
        inner: &dyn Objective,
        outer: &dyn Objective,
    ) -> Result<Self, Error> {
        Ok(match precision {
            Precision::F32 => Self::Single(boxed(inner, outer)?),
            Precision::F64 => Self::Double(boxed(inner, outer)?),
        })
    }

    /// As [`HyperLearner::train`].
    pub(crate) fn train(
        &mut self,
        inner: &dyn Objective,
        outer: &dyn Objective,
        setting: &Setting<'_>,
    ) -> Result<Trial, HyperError> {
        match self {
            Self::Single(learner) => learner.train(inner, outer, setting),
            Self::Double(learner) => learner.train(inner, outer, setting),
        }
    }

    /// As [`HyperLearner::hypergradient`].
    pub(crate) fn hypergradient(
        &mut self,
        inner: &dyn Objective,
        outer: &dyn Objective,
        setting: &Setting<'_>,
        trajectory: Trajectory,
    ) -> Result<Hypergradient, HyperError> {
        match self {
            Self::Single(learner) => learner.hypergradient(inner, outer, setting, trajectory),
            Self::Double(learner) => learner.hypergradient(inner, outer, setting, trajectory),
        }
    }
}
