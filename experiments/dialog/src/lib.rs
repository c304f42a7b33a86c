#![doc = include_str!("../README.md")]

mod answer;
mod ask;
mod disguise;
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
mod task;
mod text;
mod thought;

use autodiff::{Buffer, Device};
use datasets::Store;
use datasets::babi_dialog::{self, PLACES, Split, Story};
use datasets::movieqa;
use experiment::{
    Better, DataRef, Error, Experiment, Items, Metric, ObjectiveHook, ParamError, PublishedTable,
    Run, Statistic, Stream, Tool,
};
use learn::{Objective, Optimizer, Schedule, Selection, Training};
use serde::Serialize;

pub use params::{
    Corrections, Data, Disguise, Learner, MovieQa, Negatives, NoReply, Online, Params, Ranked,
};

use crate::disguise::disguise;
use crate::examples::{Example, examples, longest_memory, texts};
use crate::movies::{MovieTask, Movies};
use crate::online::Rounds;
use crate::task::{DialogTask, Examples};
use crate::text::Vocabulary;

/// Name of the released data set.
const RELEASED: &str = "babi1-dialog";

/// Stories of each split in the released files; the generator makes as many.
const STORIES: [(Split, usize); 3] = [(Split::Train, 200), (Split::Dev, 20), (Split::Test, 200)];

/// The experiment.
#[derive(Debug, Clone)]
pub struct Dialog {
    params: Params,
}

/// One test question, as the table `answers` lists it.
#[derive(Serialize)]
struct Answer {
    question: usize,
    answer: &'static str,
    right: &'static str,
    correct: bool,
}

impl Dialog {
    /// Training, development and test stories.
    fn stories(&self, run: &Run<'_>) -> Result<[Vec<Story>; 3], Error> {
        let Params { policy_accuracy, data_seed, .. } = self.params;
        let regime = self.params.regime();
        let mut splits = [const { Vec::new() }; 3];
        for ((split, released), stories) in STORIES.into_iter().zip(&mut splits) {
            let count = match split {
                Split::Train => self.params.stories.unwrap_or(released),
                Split::Dev | Split::Test => released,
            };
            *stories = match self.params.data {
                Data::Released => {
                    let paths = run.data();
                    let store = Store::new(&paths.cache, paths.mirror.as_deref(), paths.offline);
                    babi_dialog::released(&store, regime, policy_accuracy, split)
                        .map_err(|e| Error::data(babi_dialog::DATASET, e))?
                }
                Data::Generated | Data::MovieQa => {
                    // Development and test questions are answered by an expert in every regime.
                    let accuracy = if split == Split::Train { policy_accuracy } else { 1.0 };
                    let stream = Stream::new(data_seed, &format!("stories {split:?}"));
                    babi_dialog::generate(regime, accuracy, count, |story| stream.rng(story))
                }
            };
        }
        Ok(splits)
    }

    /// The task, and the test questions.
    fn task(&self, run: &Run<'_>) -> Result<(DialogTask, Vec<Example>), Error> {
        let mut splits = self.stories(run)?;
        disguise(&mut splits[0], self.params.replies, &mut run.rng("disguise", 0));
        let online = match &self.params.online {
            Some(settings) => {
                let (regime, student) = (self.params.regime(), run.stream("student"));
                Some(Rounds::new(settings.clone(), regime, &splits[0], student)?)
            }
            None => None,
        };
        let possible = online.as_ref().map(Rounds::possible).unwrap_or_default();
        let told = || splits.iter().chain([&possible]);
        let longest = told().map(|stories| longest_memory(stories)).max().unwrap_or(0);
        let all = told().flat_map(|stories| texts(stories)).chain(PLACES);
        let vocabulary = Vocabulary::new(all, longest);
        let read = |stories: &[Story]| examples(stories, &vocabulary, &self.params);
        let [train, dev, test] = &splits;
        let (train, dev, test, possible) =
            (read(train)?, read(dev)?, read(test)?, read(&possible)?);
        let asked = test.clone();
        let examples = Examples { train, dev, test, possible };
        let task = DialogTask::new(self.params.clone(), vocabulary, examples, online)
            .map_err(|e| Error::other("tracing the memory network", e))?;
        Ok((task, asked))
    }

    fn training(&self, steps_per_epoch: u64) -> Training {
        Training {
            steps: self.params.epochs() * steps_per_epoch,
            evaluate_every: steps_per_epoch,
            optimizer: Optimizer::Sgd { momentum: 0.0 },
            learning_rate: self.params.learning_rate,
            schedule: Schedule::LinearDecay { from: self.params.decay_from },
            clip: Some(self.params.clip),
            selection: Some(Selection { metric: "dev_accuracy", better: Better::Higher }),
        }
    }
}

impl Dialog {
    /// Those of some metrics that runs with these parameters have.
    fn reported(&self, metrics: &[Metric]) -> Vec<Metric> {
        let has = |metric: &&Metric| match &*metric.name {
            "true_answer_probability" => self.params.record_belief,
            "student_accuracy" => self.params.online.is_some(),
            _ => true,
        };
        metrics.iter().filter(has).cloned().collect()
    }

    /// Learns from exchanges about movies and answers the test questions.
    fn movies(&self, mut task: MovieTask, movies: &Movies, run: &mut Run<'_>) -> Result<(), Error> {
        let settings = self.training(task.steps_per_epoch());
        let trained = learn::train(&mut task, &settings, run)?;
        let mut answered = |params: &[f64]| {
            Buffer::from_slice(Device::current(), &narrow(params))
                .and_then(|mut buffer| task.answer(&mut buffer, &movies.test))
                .map_err(|e| Error::other("answering the test questions", e))
        };
        let accuracy = movies.list("answers", &answered(&trained.params)?, run)?;
        run.result("test_accuracy", accuracy)?;
        if let Some(selected) = &trained.selected {
            let answers = answered(&selected.params)?;
            let accuracy = movies.list("selected_answers", &answers, run)?;
            run.result("selected_test_accuracy", accuracy)?;
        }
        for (name, value) in &trained.metrics {
            run.result(name, *value)?;
        }
        if self.params.keep_model {
            task.describe().keep(task.layout(), &narrow(&trained.params), run)?;
        }
        Ok(())
    }
}

/// Answers to the test questions, the percentage of right ones being a metric.
const fn answers(metric: &'static str, table: &'static str) -> Items {
    let statistic = Statistic::Mean { score: "correct" };
    Items { metric, table, key: "question", statistic, scale: 100 }
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

    fn run(&self, run: &mut Run<'_>) -> Result<(), Error> {
        if self.params.data == Data::MovieQa {
            let (task, movies) = Movies::open(&self.params, run)?;
            return self.movies(task, &movies, run);
        }
        let (mut task, test) = self.task(run)?;
        let settings = self.training(task.steps_per_epoch());
        let trained = learn::train(&mut task, &settings, run)?;

        let weights = narrow(&trained.params);
        let (answers, right) = answer(&mut task, &weights, &test)?;
        for (question, (answer, right)) in answers.iter().zip(&right).enumerate() {
            let row = Answer {
                question,
                answer: PLACES[*answer as usize],
                right: PLACES[*right as usize],
                correct: answer == right,
            };
            run.table("answers", &row)?;
        }
        run.result("test_accuracy", accuracy(&answers, &right))?;
        if let Some(selected) = &trained.selected {
            let (answers, right) = answer(&mut task, &narrow(&selected.params), &test)?;
            run.result("selected_test_accuracy", accuracy(&answers, &right))?;
        }
        for (name, value) in &trained.metrics {
            run.result(name, *value)?;
        }
        if self.params.keep_model {
            task.describe().keep(task.layout(), &weights, run)?;
        }
        Ok(())
    }

    fn tools() -> Vec<Tool> {
        vec![ask::tool()]
    }

    fn objective(&self, run: &mut Run<'_>) -> Result<Option<ObjectiveHook>, Error> {
        let objective: Box<dyn Objective> = match self.params.data {
            Data::MovieQa => Box::new(Movies::open(&self.params, run)?.0),
            Data::Released | Data::Generated => Box::new(self.task(run)?.0),
        };
        Ok(Some(Box::new(objective)))
    }
}

/// Answers to the test questions with given parameters, and the right ones.
fn answer(
    task: &mut DialogTask,
    weights: &[f32],
    test: &[Example],
) -> Result<(Vec<u32>, Vec<u32>), Error> {
    Buffer::from_slice(Device::current(), weights)
        .and_then(|mut buffer| task.answer(&mut buffer, test))
        .map_err(|e| Error::other("answering the test questions", e))
}

/// Percentage of right answers.
#[expect(clippy::cast_precision_loss, reason = "a test set has fewer than 2^52 questions")]
fn accuracy(answers: &[u32], right: &[u32]) -> f64 {
    let correct = answers.iter().zip(right).filter(|(answer, right)| answer == right).count();
    100.0 * correct as f64 / right.len() as f64
}

#[expect(clippy::cast_possible_truncation, reason = "parameters were trained as f32")]
fn narrow(params: &[f64]) -> Vec<f32> {
    params.iter().map(|&value| value as f32).collect()
}
