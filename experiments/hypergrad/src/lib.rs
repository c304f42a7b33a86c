#![doc = include_str!("../README.md")]

mod chaos;
mod characters;
mod digits;
mod meta;
mod network;
mod params;
mod penalties;
mod picture;
mod prototypes;
mod schedules;
mod sharing;
mod surface;
#[cfg(test)]
mod tests;

use datasets::{mnist, omniglot};
use experiment::{Better, DataRef, Error, Experiment, Metric, ParamError, Run};

pub use params::{Params, Sharing, Task, Trajectory};

use crate::digits::Parts;

/// The experiment.
#[derive(Debug, Clone)]
pub struct Hypergrad {
    params: Params,
}

impl Experiment for Hypergrad {
    type Params = Params;
    const NAME: &'static str = "hypergrad";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str =
        "Gradients of hyper-parameters through exactly reversible learning (Maclaurin et al. 2015)";
    const METRICS: &'static [Metric] = &[
        Metric { name: "objective", unit: "", better: Better::Lower },
        Metric { name: "initial_objective", unit: "", better: Better::Lower },
        Metric { name: "test_loss", unit: "", better: Better::Lower },
    ];

    fn new(params: Params) -> Result<Self, ParamError> {
        params.validate()?;
        Ok(Self { params })
    }

    fn data(&self) -> Vec<DataRef> {
        let name = match self.params.task {
            Task::Illustration | Task::Naive => return Vec::new(),
            Task::Omniglot => omniglot::DATASET,
            _ => mnist::DATASET,
        };
        vec![DataRef { name: name.into() }]
    }

    fn run(&self, run: &mut Run<'_>) -> Result<(), Error> {
        let params = &self.params;
        let learn = match params.task {
            Task::Illustration => return surface::illustration(params, run),
            Task::Naive => return surface::naive(params, run),
            Task::Omniglot => return sharing::run(params, run),
            Task::Schedules => schedules::run,
            Task::InitialGradient => schedules::initial_gradient,
            Task::L2 => penalties::run,
            Task::Data => prototypes::run,
            Task::Chaos => chaos::run,
        };
        // Of all tasks, only chaos reads the digits as they are.
        let centred = params.task != Task::Chaos;
        let parts = Parts::load(run, params.examples(), centred)?;
        learn(params, run, &parts)
    }
}
