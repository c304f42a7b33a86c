//! The experiment `raml`: payoff distributions, models, metrics and tools.
//!
#![doc = include_str!("../README.md")]

mod batches;
mod corpus;
mod distances;
mod judge;
mod learner;
pub mod metric;
mod model;
mod params;
pub mod payoff;
mod published;
mod samples;
mod source;
mod stored;
mod targets;
mod translate;

use std::borrow::Cow;

use autodiff::Buffer;
use experiment::{
    Better, DataRef, Error, Experiment, Items, Metric, NeedRef, ObjectiveHook, ParamError,
    PublishedTable, Run, Statistic, Tool,
};
use learn::layers::{CellKind, GruCell, Layer, LstmCell};
use learn::{Groups, KeptModel, Objective, Trained, Training, kept_weights, placed};

pub use params::{Cell, Data, Language, Method, Params, Reward, SmoothTo};

use crate::corpus::Corpus;
use crate::judge::Measure;
use crate::learner::{Learner, Teacher};
use crate::model::{Beam, Network, Translator};
use crate::source::Source;
use crate::stored::Description;

/// The experiment.
#[derive(Debug, Clone)]
pub struct Raml {
    params: Params,
}

impl Raml {
    fn training(&self, per_epoch: u64) -> Training {
        let Params { optimizer, learning_rate, schedule, clip, .. } = &self.params;
        Training {
            steps: self.params.epochs * per_epoch,
            evaluate_every: self.params.evaluate_every * per_epoch,
            optimizer: *optimizer,
            groups: Groups::default(),
            learning_rate: *learning_rate,
            schedule: schedule.clone(),
            clip: Some(*clip),
            selection: Some(Measure::of(self.params.data).selection()),
        }
    }

    /// Learns, and translates or transcribes the test data.
    fn learn<C: CellKind + Send>(&self, corpus: Corpus, run: &mut Run<'_>) -> Result<(), Error> {
        let teacher = self.teacher::<C>(&corpus, run)?;
        let mut learner = Learner::<C>::new(&self.params, corpus, teacher, run)?;
        let settings = self.training(learner.per_epoch());
        let Trained { params, selected, .. } = learn::train(&mut learner, &settings, run)?;
        let (mut weights, dev) = match (learner.averaged(), selected) {
            (Some(averaged), _) => {
                #[expect(clippy::cast_possible_truncation, reason = "parameters are in f32")]
                let averaged: Vec<f32> = averaged.iter().map(|&value| value as f32).collect();
                let mut weights = placed(&averaged)?;
                let dev = learner.dev(&mut weights)?;
                (weights, dev)
            }
            (None, Some(selected)) => (selected.params, selected.value),
            (None, None) => {
                let mut weights = params;
                let dev = learner.dev(&mut weights)?;
                (weights, dev)
            }
        };
        run.result(Measure::of(self.params.data).selection().metric, dev)?;
        self.test(&learner, &mut weights, run)?;
        if self.params.keep_model {
            let pieces = learner.corpus.pieces.store();
            let description = Description { params: self.params.clone(), pieces };
            let weights = weights.to_vec::<f32>();
            let weights = weights.map_err(|e| Error::other("reading the model", e))?;
            description.keep(learner.layout(), &weights, run)?;
        }
        Ok(())
    }

    /// The model that teaches, where there is one.
    fn teacher<C: CellKind>(
        &self,
        corpus: &Corpus,
        run: &Run<'_>,
    ) -> Result<Option<Teacher<C>>, Error> {
        let Some(name) = &self.params.teacher else { return Ok(None) };
        let needed = run.needed(name)?;
        let description = Description::of(&needed)?;
        let refuse = |what: &str| {
            Err(Error::other(format!("run {} as a teacher", needed.id().short()), what.to_owned()))
        };
        if description.pieces != corpus.pieces.store() {
            return refuse("it has other pieces: wanted the same data, `pairs` and `pieces`");
        }
        if description.params.cell != self.params.cell {
            return refuse("it has another cell: wanted the same `cell`");
        }
        let network =
            Network::<C>::new(&description.params, corpus.pieces.len() as usize, corpus.kind);
        let layout = network.layout();
        let weights = kept_weights(&layout, &|name| needed.read(name))?;
        Ok(Some(Teacher { network, layout, weights }))
    }

    /// Translates or transcribes the test data and reports how well.
    fn test<C: CellKind + Send>(
        &self,
        learner: &Learner<C>,
        weights: &mut Buffer,
        run: &mut Run<'_>,
    ) -> Result<(), Error> {
        let Corpus { pieces, test, .. } = &learner.corpus;
        samples::report(learner.targets(), &learner.corpus, run)?;
        let places = test.sources.iter().map(Source::len).max().unwrap_or(1);
        let beam = Beam { width: self.params.beam, length_penalty: self.params.length_penalty };
        let found = Translator::new(learner.network(), learner.layout(), beam, places)
            .and_then(|mut translator| translator.translate(weights, &test.sources))
            .map_err(|e| Error::other("translating the test sentences", e))?;
        let texts: Vec<String> = found.iter().map(|of| pieces.decode(&of.pieces)).collect();
        judge::report(Measure::of(self.params.data), &test.pairs, &texts, run)
    }
}

/// A metric that the table of translations makes.
const fn items(metric: &'static str, statistic: Statistic) -> Items {
    Items::new(metric, judge::TABLE, "sentence", statistic, 100)
}

/// An error rate that the table of transcripts makes.
const fn errors(metric: &'static str) -> Items {
    Items::new(metric, judge::TRANSCRIPTS, "utterance", Statistic::ratio("edits", "tokens"), 100)
}

impl Experiment for Raml {
    type Params = Params;
    const NAME: &'static str = "raml";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str =
        "Reward-augmented maximum likelihood for translation (Norouzi et al. 2016)";
    const METRICS: &'static [Metric] = &[
        Metric::new("test_bleu", "%", Better::Higher),
        Metric::new("dev_bleu", "%", Better::Higher),
        Metric::new("test_chrf", "%", Better::Higher),
        Metric::new("test_ter", "%", Better::Lower),
        Metric::new("test_word_error_rate", "%", Better::Lower),
        Metric::new("test_token_error_rate", "%", Better::Lower),
        Metric::new("dev_token_error_rate", "%", Better::Lower),
        Metric::new("test_phone_error_rate", "%", Better::Lower),
        Metric::new("dev_phone_error_rate", "%", Better::Lower),
    ];
    const STEP_METRICS: &'static [Metric] = &[
        Metric::new("dev_bleu", "%", Better::Higher),
        Metric::new("dev_token_error_rate", "%", Better::Lower),
        Metric::new("dev_phone_error_rate", "%", Better::Lower),
        Metric::new("dev_divergence", "nats", Better::Lower),
        Metric::new("train_loss", "", Better::Lower),
        Metric::neutral("gradient_norm", ""),
    ];
    const PUBLISHED: &'static [PublishedTable] = published::TABLES;
    const ITEMS: &'static [Items] = &[
        items("test_bleu", Statistic::bleu(["matches", "totals", "tokens", "reference_tokens"])),
        items("test_ter", Statistic::ratio("ter_edits", "ter_words")),
        items("test_word_error_rate", Statistic::ratio("edits", "words")),
        errors("test_token_error_rate"),
        errors("test_phone_error_rate"),
    ];

    fn new(params: Params) -> Result<Self, ParamError> {
        params.validate()?;
        Ok(Self { params })
    }

    fn identity(params: &Params) -> Cow<'_, Params> {
        Cow::Owned(params.canonical())
    }

    fn data(&self) -> Vec<DataRef> {
        let name = match self.params.data {
            Data::Generated => return Vec::new(),
            Data::Multi30k => datasets::multi30k::DATASET,
            Data::LibreofficeHelp => datasets::libreoffice_help::DATASET,
            Data::Iwslt14 => datasets::translations::IWSLT14.dataset,
            Data::Wmt14 => datasets::translations::WMT14.dataset,
            Data::SpokenDigits => datasets::spoken_digits::DATASET,
            Data::Timit => datasets::timit::DATASET,
        };
        vec![DataRef { name: name.into() }]
    }

    fn needs(&self) -> Vec<NeedRef> {
        let name = self.params.teacher.iter().cloned();
        name.map(|name| NeedRef { name, path: "teacher".into() }).collect()
    }

    fn run(&self, run: &mut Run<'_>) -> Result<(), Error> {
        let corpus = Corpus::open(&self.params, run)?;
        match self.params.cell {
            Cell::Lstm => self.learn::<LstmCell>(corpus, run),
            Cell::Gru => self.learn::<GruCell>(corpus, run),
        }
    }

    fn tools() -> Vec<Tool> {
        vec![translate::tool(), distances::tool()]
    }

    fn objective(&self, run: &mut Run<'_>) -> Result<Option<ObjectiveHook>, Error> {
        let corpus = Corpus::open(&self.params, run)?;
        let objective: Box<dyn Objective> = match self.params.cell {
            Cell::Lstm => {
                let teacher = self.teacher::<LstmCell>(&corpus, run)?;
                Box::new(Learner::new(&self.params, corpus, teacher, run)?)
            }
            Cell::Gru => {
                let teacher = self.teacher::<GruCell>(&corpus, run)?;
                Box::new(Learner::new(&self.params, corpus, teacher, run)?)
            }
        };
        Ok(Some(Box::new(objective)))
    }
}
