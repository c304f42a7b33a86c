//! The experiment `rank-pooling`: the layer, its baselines, networks and data.
//!
#![doc = include_str!("../README.md")]

mod answers;
mod batches;
mod clips;
mod fold;
mod network;
pub mod operation;
mod params;
mod parts;
pub mod pool;
pub mod solver;
mod source;
pub mod svm;
mod task;
pub mod transform;

use std::sync::Arc;

use datasets::{spoken_digits, weizmann};
use experiment::{
    Better, DataRef, Error, Experiment, Items, Metric, NeedRef, ParamError, PublishedTable, Run,
    Statistic,
};

pub use params::{Data, Params, Training};

use crate::pool::Pooling;
use crate::task::Setup;

/// The experiment.
#[derive(Debug, Clone)]
pub struct RankPooling {
    params: Params,
}

/// The artifact that the network of a fold is kept as.
fn artifact(fold: u64) -> String {
    format!("fold-{fold}.safetensors")
}

/// A table of `results/published`.
macro_rules! published {
    ($name:literal) => {
        PublishedTable {
            name: $name,
            csv: include_str!(concat!("../../../results/published/rank-pooling/", $name, ".csv")),
        }
    };
}

impl Experiment for RankPooling {
    type Params = Params;
    const NAME: &'static str = "rank-pooling";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str =
        "Video classification through the argmin of rank pooling (Fernando & Gould 2016)";
    const METRICS: &'static [Metric] = &[
        Metric::new("test_accuracy", "%", Better::Higher),
        Metric::new("group_accuracy", "%", Better::Higher),
        Metric::new("train_accuracy", "%", Better::Higher),
    ];
    const STEP_METRICS: &'static [Metric] = &[
        Metric::new("test_accuracy", "%", Better::Higher),
        Metric::new("train_accuracy", "%", Better::Higher),
        Metric::new("train_loss", "", Better::Lower),
        Metric::neutral("gradient_norm", ""),
    ];
    const ITEMS: &'static [Items] = &[
        Items {
            metric: "test_accuracy",
            table: "clips",
            key: "clip",
            statistic: Statistic::Mean { score: "correct" },
            scale: 100,
        },
        Items {
            metric: "group_accuracy",
            table: "groups",
            key: "group",
            statistic: Statistic::Mean { score: "accuracy" },
            scale: 100,
        },
    ];
    const PUBLISHED: &'static [PublishedTable] =
        &[published!("ucf-sports"), published!("hollywood2"), published!("related")];

    fn new(params: Params) -> Result<Self, ParamError> {
        params.validate()?;
        Ok(Self { params })
    }

    fn step_metrics(&self) -> Vec<Metric> {
        if self.params.trains() { Self::STEP_METRICS.to_vec() } else { Vec::new() }
    }

    fn data(&self) -> Vec<DataRef> {
        let name = match self.params.data {
            Data::OrderOnly => return Vec::new(),
            Data::Weizmann => weizmann::DATASET,
            Data::SpokenDigits => spoken_digits::DATASET,
        };
        vec![DataRef { name: name.into() }]
    }

    fn needs(&self) -> Vec<NeedRef> {
        let name = self.params.encoder.iter().cloned();
        name.map(|name| NeedRef { name, path: "encoder".into() }).collect()
    }

    fn run(&self, run: &mut Run<'_>) -> Result<(), Error> {
        let params = &self.params;
        let (clips, folds) = source::open(params, run)?;
        let setup = Arc::new(Setup::new(params, clips)?);
        let found = if params.trains() {
            let keeps = params.pooling == Pooling::ScoreSum;
            let steps = folds.iter().map(|fold| fold::steps(params, &setup, fold));
            let steps = steps.collect::<Result<Vec<u64>, Error>>()?.into_iter().max();
            parts::in_parts(run, folds.len() as u64, steps.unwrap_or(0), |part, run| {
                let (fold, artifact) = (&folds[part as usize], artifact(part));
                fold::learn(params, &setup, fold, keeps.then_some(&artifact[..]), run)
            })?
        } else {
            let needed = params.encoder.as_ref().map(|name| run.needed(name)).transpose()?;
            let mut found = Vec::new();
            for (part, fold) in (0..).zip(&folds) {
                let artifact = artifact(part);
                let trained = needed.as_deref().map(|needed| (needed, &artifact[..]));
                found.push(fold::classify(params, &setup, fold, trained, run)?);
                run.progress(part + 1, folds.len() as u64);
            }
            found
        };
        answers::tell(&setup.clips, &found, run)
    }
}
