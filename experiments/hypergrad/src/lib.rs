//! The experiment `hypergrad`: the paper's tasks, on its own network or on another experiment.
//!
#![doc = include_str!("../README.md")]

mod baseline;
mod chaos;
mod characters;
mod digits;
mod draws;
mod initial_gradient;
mod learner;
mod meta;
mod metrics;
mod network;
mod numpy;
mod packed;
mod params;
mod penalties;
mod picture;
mod preprocessing;
mod problem;
mod prototypes;
mod published;
mod regression;
mod schedules;
mod sharing;
mod surface;
mod target;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;

use datasets::{mnist, omniglot};
use experiment::{
    BindError, Bound, DataRef, Error, Experiment, Metric, ParamError, PublishedTable, Run,
};

pub use params::{Generator, Params, Precision, Sharing, Task, Trajectory};
pub use target::Targets;

use crate::characters::Tasks;
use crate::digits::Parts;

/// The experiment; `T` tells which other experiments can be a target.
pub struct Hypergrad<T = ()> {
    params: Params,
    target: Option<Box<dyn Bound>>,
    targets: PhantomData<T>,
}

impl<T: Targets> Hypergrad<T> {
    /// The experiment that is meta-learned, with its parameters.
    fn target(params: &Params) -> Result<Option<Box<dyn Bound>>, ParamError> {
        let Some(name) = &params.target else { return Ok(None) };
        let entries = T::entries();
        let Some(entry) = entries.iter().find(|entry| entry.name == name) else {
            let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
            let wanted = format!("one of {}", names.join(", "));
            return Err(ParamError::new("target", wanted, name));
        };
        let bound = entry.bind_json(&params.target_params).map_err(|error| match error {
            BindError::Param(error) => {
                ParamError { path: format!("target_params.{}", error.path), ..error }
            }
            BindError::Deserialize(found) => {
                ParamError::new("target_params", format!("parameters of {name}"), found)
            }
        })?;
        Ok(Some(bound))
    }

    /// Runs a task on the training of another experiment.
    fn run_target(&self, target: &dyn Bound, run: &mut Run<'_>) -> Result<(), Error> {
        let problem = target::problem(&self.params, target, run)?;
        match self.params.task {
            Task::InitialGradient => initial_gradient::average(&self.params, run, problem),
            Task::Baseline => baseline::search(&self.params, run, problem),
            _ => schedules::learn(&self.params, run, problem).map(drop),
        }
    }
}

impl<T: Targets> Experiment for Hypergrad<T> {
    type Params = Params;
    const NAME: &'static str = "hypergrad";
    const VERSION: u32 = 3;
    const SUMMARY: &'static str =
        "Gradients of hyper-parameters through exactly reversible learning (Maclaurin et al. 2015)";
    const PROGRESS: &'static str = "iterations";
    const METRICS: &'static [Metric] = metrics::FINAL;
    const STEP_METRICS: &'static [Metric] = metrics::STEPS;

    const PUBLISHED: &'static [PublishedTable] = published::TABLES;

    fn new(params: Params) -> Result<Self, ParamError> {
        params.validate()?;
        let target = Self::target(&params)?;
        Ok(Self { params, target, targets: PhantomData })
    }

    fn metrics(&self) -> Vec<Metric> {
        metrics::final_of(&self.params)
    }

    fn step_metrics(&self) -> Vec<Metric> {
        metrics::steps_of(&self.params)
    }

    fn data(&self) -> Vec<DataRef> {
        if let Some(target) = &self.target {
            return target.data();
        }
        let name = match self.params.task {
            Task::Illustration | Task::Naive => return Vec::new(),
            Task::Omniglot => omniglot::DATASET,
            _ => mnist::DATASET,
        };
        vec![DataRef { name: name.into() }]
    }

    fn run(&self, run: &mut Run<'_>) -> Result<(), Error> {
        let params = &self.params;
        if let Some(target) = &self.target {
            return self.run_target(&**target, run);
        }
        let learn = match params.task {
            Task::Illustration => return surface::illustration(params, run),
            Task::Naive => return surface::naive(params, run),
            Task::Omniglot => return sharing::run(params, run, &Tasks::load(run)?),
            Task::Schedules => schedules::run,
            Task::Baseline => baseline::run,
            Task::InitialGradient => initial_gradient::run,
            Task::L2 => penalties::run,
            Task::Data => prototypes::run,
            Task::Preprocessing => preprocessing::run,
            Task::Chaos => chaos::run,
        };
        let parts = Parts::load(run, params)?;
        learn(params, run, &parts)
    }
}
