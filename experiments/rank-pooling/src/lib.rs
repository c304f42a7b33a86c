//! The experiment `rank-pooling`: the layer, its baselines, networks and data.
//!
#![doc = include_str!("../README.md")]

mod answers;
mod batches;
mod choose;
mod clips;
mod dynamic;
mod encoder;
mod fold;
mod many;
mod network;
pub mod operation;
mod params;
mod parts;
pub mod pool;
pub mod solver;
mod source;
mod stability;
pub mod svm;
mod task;
pub mod transform;

use std::borrow::Cow;
use std::sync::Arc;

use autodiff::Buffer;
use datasets::{convnet, spoken_digits, video, weizmann};
use experiment::{
    Better, DataRef, Error, Experiment, Items, Metric, NeedRef, Needed, ParamError, PublishedTable,
    Run, Statistic,
};

pub use choose::Choices;
pub use encoder::Architecture;
pub use params::{Data, Params, Training};

use crate::choose::Trial;
use crate::clips::{Clips, Fold};
use crate::pool::{Pooling, Rank};
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
        PublishedTable { name: $name, csv: include_str!(concat!("../published/", $name, ".csv")) }
    };
}

impl Experiment for RankPooling {
    type Params = Params;
    const NAME: &'static str = "rank-pooling";
    const VERSION: u32 = 2;
    const SUMMARY: &'static str =
        "Video classification through the argmin of rank pooling (Fernando & Gould 2016)";
    const METRICS: &'static [Metric] = &[
        Metric::new("test_accuracy", "%", Better::Higher),
        Metric::new("group_accuracy", "%", Better::Higher),
        Metric::new("train_accuracy", "%", Better::Higher),
        Metric::new("mean_average_precision", "%", Better::Higher),
        Metric::new("train_average_precision", "%", Better::Higher),
        Metric::new("dropped_change", "", Better::Lower),
        Metric::new("jittered_change", "", Better::Lower),
    ];
    const STEP_METRICS: &'static [Metric] = &[
        Metric::new("test_accuracy", "%", Better::Higher),
        Metric::new("train_accuracy", "%", Better::Higher),
        Metric::new("mean_average_precision", "%", Better::Higher),
        Metric::new("train_average_precision", "%", Better::Higher),
        Metric::new("train_loss", "", Better::Lower),
        Metric::neutral("gradient_norm", ""),
    ];
    const ITEMS: &'static [Items] = &[
        Items::new("test_accuracy", "clips", "clip", Statistic::mean("correct"), 100),
        Items::new("group_accuracy", "groups", "group", Statistic::mean("accuracy"), 100),
        Items::new(
            "mean_average_precision",
            "scores",
            "clip",
            Statistic::mean_average_precision(["class", "score", "label"]),
            100,
        ),
    ];
    const PUBLISHED: &'static [PublishedTable] =
        &[published!("ucf-sports"), published!("hollywood2"), published!("related")];

    fn new(params: Params) -> Result<Self, ParamError> {
        params.validate()?;
        Ok(Self { params })
    }

    fn identity(params: &Params) -> Cow<'_, Params> {
        Cow::Owned(params.identity())
    }

    fn metrics(&self) -> Vec<Metric> {
        let ends = match (self.params.training, self.params.many()) {
            (Training::Stability, _) => "_change",
            (_, true) => "_precision",
            (_, false) => "_accuracy",
        };
        Self::METRICS.iter().filter(|metric| metric.name.ends_with(ends)).cloned().collect()
    }

    fn step_metrics(&self) -> Vec<Metric> {
        let not = if self.params.many() { "_accuracy" } else { "_precision" };
        let has = |metric: &&Metric| self.params.trains() && !metric.name.ends_with(not);
        Self::STEP_METRICS.iter().filter(has).cloned().collect()
    }

    fn data(&self) -> Vec<DataRef> {
        let clips = match self.params.data {
            Data::OrderOnly => None,
            Data::Weizmann => Some(weizmann::DATASET),
            Data::SpokenDigits => Some(spoken_digits::DATASET),
            data => source::set(data).map(video::Set::dataset),
        };
        let weights = self.params.network.convolutions().filter(|_| self.params.pretrained);
        let names = [clips, weights.map(convnet::Network::dataset)];
        names.into_iter().flatten().map(|name| DataRef { name: name.into() }).collect()
    }

    fn needs(&self) -> Vec<NeedRef> {
        let name = self.params.encoder.iter().cloned();
        name.map(|name| NeedRef { name, path: "encoder".into() }).collect()
    }

    fn run(&self, run: &mut Run<'_>) -> Result<(), Error> {
        let params = &self.params;
        let (clips, folds) = source::open(params, run)?;
        let (clips, needed) = (Arc::new(clips), self.needed(run)?);
        let start = source::start(params, run)?.map(Arc::new);
        let made = |clips: &Arc<Clips>| Setup::new(params, clips, start.as_ref()).map(Arc::new);
        let setup = made(&clips)?;
        if params.training == Training::Stability {
            let mut weights = fold::encoder(&setup, None, run)?;
            return stability::measure(params.rank, &setup, &folds[0], &mut weights, run);
        }
        let steps = folds.iter().map(|fold| fold::steps(params, &setup, fold));
        let steps = if params.trains() { steps.max().unwrap_or(0) } else { 1 };
        let found = parts::in_parts(run, folds.len() as u64, steps, |part, run| {
            let (fold, artifact) = (&folds[part as usize], artifact(part));
            let trained = needed.as_deref().map(|needed| (needed, &artifact[..]));
            let setup = match clips.standardised(&fold.train) {
                Some(clips) => made(&Arc::new(clips))?,
                None => Arc::clone(&setup),
            };
            let mut weights = fold::encoder(&setup, trained, run)?;
            let rank = self.chosen(&setup, (part, fold), &mut weights, run)?;
            if part == 0 {
                dynamic::show(params.pooling, rank, &setup, fold, run)?;
            }
            let params = &Params { rank, ..params.clone() };
            let setup = Arc::new(Setup::new(params, &setup.clips, start.as_ref())?);
            if params.trains() {
                let keeps = params.pooling == Pooling::ScoreSum;
                return fold::learn(params, &setup, fold, keeps.then_some(&artifact[..]), run);
            }
            let found = fold::classify(params, &setup, fold, &mut weights);
            run.progress(1, 1);
            found
        })?;
        answers::tell(&clips, &found, run)
    }
}

impl RankPooling {
    /// The run whose networks give the features, if there is one.
    fn needed(&self, run: &Run<'_>) -> Result<Option<Arc<Needed>>, Error> {
        self.params.encoder.as_ref().map(|name| run.needed(name)).transpose()
    }

    /// The settings of rank pooling of a fold.
    fn chosen(
        &self,
        setup: &Arc<Setup>,
        fold: (u64, &Fold),
        weights: &mut Buffer,
        run: &mut Run<'_>,
    ) -> Result<Rank, Error> {
        let params = &self.params;
        let Some(choices) = params.choices() else { return Ok(params.rank) };
        let (rank, pooling, svm_c) = (params.rank, params.pooling, params.svm_c);
        let trial = Trial { choices, rank, pooling, svm_c, fold };
        trial.best(setup, weights, run)
    }
}
