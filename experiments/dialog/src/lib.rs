//! The experiment `dialog`: its data, training, tests and tools.
//!
#![doc = include_str!("../README.md")]

mod answer;
mod ask;
mod corpus;
mod disguise;
mod evaluate;
mod examples;
mod forward_prediction;
mod judge;
mod loss;
mod model;
mod movies;
mod online;
mod params;
mod published;
mod replies;
mod stored;
mod stories;
mod task;
mod text;
mod thought;

use datasets::movieqa;
use experiment::{
    Better, DataRef, Error, Experiment, Items, Metric, NeedRef, ObjectiveHook, ParamError,
    PublishedTable, Run, Statistic, Tool,
};
use learn::{Groups, Objective, Optimizer, Schedule, Selection, Trained, Training};

pub use params::{
    Corrections, Data, Disguise, Learner, MovieQa, Negatives, NoReply, Online, Params, Ranked,
};

use crate::corpus::Corpus;
use crate::movies::Movies;
use crate::stories::Stories;
use crate::task::DialogTask;

/// Name of the released data set.
const RELEASED: &str = "babi1-dialog";

/// The experiment.
#[derive(Debug, Clone)]
pub struct Dialog {
    params: Params,
}

impl Dialog {
    fn training(&self, steps_per_epoch: u64) -> Training {
        Training {
            steps: self.params.epochs() * steps_per_epoch,
            evaluate_every: steps_per_epoch,
            optimizer: Optimizer::sgd(0.0),
            groups: Groups::default(),
            learning_rate: self.params.learning_rate,
            schedule: Schedule::LinearDecay { from: self.params.decay_from },
            clip: Some(self.params.clip),
            selection: Some(Selection { metric: "dev_accuracy", better: Better::Higher }),
        }
    }

    /// Learns and answers the test questions.
    fn learn<C: Corpus>(&self, mut task: DialogTask<C>, run: &mut Run<'_>) -> Result<(), Error> {
        let settings = self.training(task.steps_per_epoch());
        let Trained { mut params, metrics, selected } = learn::train(&mut task, &settings, run)?;
        let accuracy = task.test("answers", &mut params, run)?;
        run.result("test_accuracy", accuracy)?;
        if let Some(mut selected) = selected {
            let accuracy = task.test("selected_answers", &mut selected.params, run)?;
            run.result("selected_test_accuracy", accuracy)?;
        }
        for (name, value) in metrics {
            run.result(name, value)?;
        }
        if self.params.keep_model {
            task.keep(&params, run)?;
        }
        Ok(())
    }

    /// Those of some metrics that runs with these parameters have.
    fn reported(&self, metrics: &[Metric]) -> Vec<Metric> {
        let evaluates = self.params.evaluate.is_some();
        let has = |metric: &&Metric| match &*metric.name {
            "test_accuracy" => true,
            _ if evaluates => false,
            "true_answer_probability" => self.params.record_belief,
            "student_accuracy" => self.params.online.is_some(),
            _ => true,
        };
        metrics.iter().filter(has).cloned().collect()
    }
}

/// Answers to the test questions, the percentage of right ones being a metric.
const fn answers(metric: &'static str, table: &'static str) -> Items {
    Items::new(metric, table, "question", Statistic::mean("correct"), 100)
}

impl Experiment for Dialog {
    type Params = Params;
    const NAME: &'static str = "dialog";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str =
        "Dialog-based language learning: ten feedback regimes, four learners (Weston 2016)";
    const METRICS: &'static [Metric] = &[
        Metric::new("test_accuracy", "%", Better::Higher),
        Metric::new("selected_test_accuracy", "%", Better::Higher),
        Metric::new("dev_accuracy", "%", Better::Higher),
        Metric::new("true_answer_probability", "", Better::Higher),
        Metric::new("student_accuracy", "%", Better::Higher),
    ];

    const STEP_METRICS: &'static [Metric] = &[
        Metric::new("dev_accuracy", "%", Better::Higher),
        Metric::new("train_loss", "", Better::Lower),
        Metric::neutral("gradient_norm", ""),
        Metric::new("true_answer_probability", "", Better::Higher),
        Metric::new("student_accuracy", "%", Better::Higher),
    ];
    const PUBLISHED: &'static [PublishedTable] = published::TABLES;

    const ITEMS: &'static [Items] = &[
        answers("test_accuracy", "answers"),
        answers("selected_test_accuracy", "selected_answers"),
    ];

    fn new(params: Params) -> Result<Self, ParamError> {
        params.validate()?;
        Ok(Self { params })
    }

    fn metrics(&self) -> Vec<Metric> {
        self.reported(Self::METRICS)
    }

    fn step_metrics(&self) -> Vec<Metric> {
        self.reported(Self::STEP_METRICS)
    }

    fn data(&self) -> Vec<DataRef> {
        match self.params.data {
            Data::Released => vec![DataRef { name: RELEASED.into() }],
            Data::MovieQa => vec![DataRef { name: movieqa::DATASET.into() }],
            Data::Generated => Vec::new(),
        }
    }

    fn needs(&self) -> Vec<NeedRef> {
        let name = self.params.evaluate.iter().cloned();
        name.map(|name| NeedRef { name, path: "evaluate".into() }).collect()
    }

    fn run(&self, run: &mut Run<'_>) -> Result<(), Error> {
        if let Some(name) = &self.params.evaluate {
            return evaluate::evaluate(&*run.needed(name)?, &self.params, run);
        }
        match self.params.data {
            Data::MovieQa => self.learn(DialogTask::new(Movies::open(&self.params, run)?)?, run),
            Data::Released | Data::Generated => {
                self.learn(DialogTask::new(Stories::open(&self.params, run)?)?, run)
            }
        }
    }

    fn tools() -> Vec<Tool> {
        vec![ask::tool()]
    }

    fn objective(&self, run: &mut Run<'_>) -> Result<Option<ObjectiveHook>, Error> {
        let objective: Box<dyn Objective> = match self.params.data {
            Data::MovieQa => Box::new(DialogTask::new(Movies::open(&self.params, run)?)?),
            Data::Released | Data::Generated => {
                Box::new(DialogTask::new(Stories::open(&self.params, run)?)?)
            }
        };
        Ok(Some(Box::new(objective)))
    }
}
