//! Learning to translate: batches, losses, and how parameters are judged.

mod arrays;
mod divergence;
mod loss;
mod own;

use std::cell::RefCell;

use autodiff::{Buffer, Error as TraceError, Var};
use experiment::{Error, Run, Stream};
use learn::layers::{CellKind, Dropout, Layer, Params as Weights};
use learn::{Average, Batch, BatchVars, Fields, Layout, Metrics, Objective, Stepped, Task};
use rand::RngExt;

use crate::batches::{Batches, Extents, Lengths};
use crate::corpus::{Corpus, Pieces};
use crate::judge::Measure;
use crate::model::{Beam, Network, Roller, Translator};
use crate::params::{Method, Params, SmoothTo};
use crate::payoff::TooManyStates;
use crate::source::Source;
use crate::targets::Targets;
use arrays::{Arrays, Drawn};
use divergence::Divergence;
use loss::{Seen, Smoothing};
use own::Own;

/// Learning from a corpus.
pub(crate) struct Learner<C> {
    network: Network<C>,
    layout: Layout,
    pub(crate) corpus: Corpus,
    arrays: Arrays,
    lengths: Lengths,
    batches: Batches,
    targets: Targets,
    method: Method,
    epsilon: f64,
    smoothing: Smoothing,
    teacher: Option<Teacher<C>>,
    own: Option<Own>,
    batch_stream: Stream,
    measure: Measure,
    translator: Translator,
    divergence: Divergence,
    average: Option<Average>,
    drawn: RefCell<Drawn>,
    /// A target that could not be drawn, which ends the run after the step.
    refused: RefCell<Option<TooManyStates>>,
}

/// A trained model that is learned from.
pub(crate) struct Teacher<C> {
    pub(crate) network: Network<C>,
    pub(crate) layout: Layout,
    pub(crate) weights: Vec<f32>,
}

impl<C: CellKind + Send> Learner<C> {
    pub(crate) fn new(
        params: &Params,
        corpus: Corpus,
        teacher: Option<Teacher<C>>,
        run: &Run<'_>,
    ) -> Result<Self, Error> {
        let pieces = corpus.pieces.len() as usize;
        let network = Network::<C>::new(params, pieces, corpus.kind);
        let layout = network.layout();
        let lengths = corpus.lengths();
        let Extents { source: places, target: steps } = lengths.longest();
        let batches = Batches::new(corpus.sizes(), params.batch);
        let reference = corpus.train.iter().map(|pair| pair.target.len()).max().unwrap_or(0);
        let targets = Targets::new(params, corpus.pieces.alphabet(), reference, steps - 1);
        let divergence = Divergence::new(&network, &layout, &targets, &corpus, run)?;
        let tracing = |e| Error::other("tracing the translator", e);
        let most = corpus.dev.sources.iter().map(Source::len).max().unwrap_or(1);
        let translator = Translator::new(&network, &layout, Beam::GREEDY, most).map_err(tracing)?;
        let taught = teacher.as_ref().map(|teacher| teacher.layout.len());
        let (rows, dropouts) = (batches.rows(), Network::<C>::DROPOUTS);
        let arrays = Arrays::new(corpus.kind, &lengths, rows, dropouts, taught);
        let unigram = (params.smooth_to == SmoothTo::Unigram).then(|| unigram(&corpus, pieces));
        let average = params.average.map(Average::new).transpose();
        let average = average.map_err(|why| Error::other("averaging parameters", why))?;
        let own = match params.method {
            Method::ScheduledSampling | Method::Reinforce => {
                let roller = Roller::new(&network, &layout, (rows, places)).map_err(tracing)?;
                let all = params.epochs * batches.per_epoch();
                Some(Own::new(params, roller, (all, steps - 1), run.stream("own")))
            }
            _ => None,
        };
        Ok(Self {
            network,
            layout,
            corpus,
            arrays,
            lengths,
            batches,
            targets,
            method: params.method,
            epsilon: params.epsilon,
            smoothing: Smoothing { share: params.smoothing, unigram },
            teacher,
            own,
            batch_stream: run.stream("batches"),
            measure: Measure::of(params.data),
            translator,
            divergence,
            average,
            drawn: RefCell::default(),
            refused: RefCell::default(),
        })
    }

    /// Batches an epoch.
    pub(crate) fn per_epoch(&self) -> u64 {
        self.batches.per_epoch()
    }

    /// The layers.
    pub(crate) fn network(&self) -> &Network<C> {
        &self.network
    }

    /// The average of the parameters at the evaluations, where one was asked for.
    pub(crate) fn averaged(&self) -> Option<Vec<f64>> {
        self.average.as_ref()?.mean()
    }

    /// What targets are drawn by.
    pub(crate) fn targets(&self) -> &Targets {
        &self.targets
    }

    /// The measure of the development data, with the most likely piece at every step.
    pub(crate) fn dev(&mut self, weights: &mut Buffer) -> Result<f64, Error> {
        let Corpus { pieces, dev, .. } = &self.corpus;
        let found = self.translator.translate(weights, &dev.sources);
        let found = found.map_err(|e| Error::other("translating the development data", e))?;
        let texts: Vec<String> = found.iter().map(|of| pieces.decode(&of.pieces)).collect();
        Ok(self.measure.score(&dev.pairs, &texts))
    }

    /// Draws batch `index`: which pairs, keys of dropout, and then the targets, so that everything else
    /// is the same whatever these are.
    fn draw(&self, stream: &Stream, index: u64) -> std::cell::Ref<'_, Drawn> {
        let mut rng = stream.rng(index);
        let tag = rng.random();
        if self.drawn.borrow().tag != tag || self.drawn.borrow().pairs.is_empty() {
            let pairs = self.batches.pairs(stream, index);
            let mut keys = vec![0; Network::<C>::DROPOUTS * Dropout::WORDS];
            Dropout::draw(&mut rng, &mut keys);
            let mut targets = Vec::with_capacity(pairs.len());
            for &pair in &pairs {
                let (reference, mut target) =
                    (&self.corpus.train[pair as usize].target, Vec::new());
                if let Err(error) = self.targets.draw(reference, &mut rng, &mut target) {
                    target.clone_from(reference);
                    *self.refused.borrow_mut() = Some(error);
                }
                targets.push(target);
            }
            *self.drawn.borrow_mut() = Drawn { tag, pairs, targets, keys, ..Drawn::default() };
        }
        self.drawn.borrow()
    }
}

/// How often the training targets have each piece, the end included.
fn unigram(corpus: &Corpus, pieces: usize) -> Vec<f64> {
    let mut counts = vec![0.0; pieces];
    for pair in &corpus.train {
        pair.target.iter().for_each(|&piece| counts[piece as usize] += 1.0);
        counts[Pieces::END as usize] += 1.0;
    }
    let total: f64 = counts.iter().sum();
    counts.iter().map(|count| count / total).collect()
}

impl<C: CellKind + Send> Objective for Learner<C> {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn fields(&self) -> &Fields {
        &self.arrays.fields
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &BatchVars<'g>) -> Result<Var<'g>, TraceError> {
        let seen = Seen { arrays: &self.arrays, batch };
        let keys = batch[self.arrays.keys];
        let weights = Weights::new(&self.layout, params).for_training(Some(keys));
        match (self.method, &self.teacher, self.arrays.teacher) {
            (Method::Adversarial, ..) => seen.adversarial(&self.network, &weights, self.epsilon),
            (Method::Reinforce, ..) => seen.weighted(&self.network, &weights),
            (Method::Distillation, Some(teacher), Some(field)) => {
                let views = teacher.layout.views(batch[field])?;
                let taught = Weights::new(&teacher.layout, &views);
                seen.distillation(&self.network, &weights, (&teacher.network, &taught))
            }
            _ => seen.likelihood(&self.network, &weights, &self.smoothing),
        }
    }

    fn prepare(&self, batch: &mut Batch) {
        if let (Some(teacher), Some(field)) = (&self.teacher, self.arrays.teacher) {
            batch[field].copy_from_slice(&teacher.weights);
        }
    }

    fn bucket(&self, stream: &Stream, index: u64) -> usize {
        let drawn = self.draw(stream, index);
        let extents = |(&pair, target): (&u32, &Vec<u32>)| Extents {
            source: self.corpus.train[pair as usize].source.len(),
            target: target.len() + 1,
        };
        let each = drawn.pairs.iter().zip(&drawn.targets).map(extents);
        self.lengths.fitting(each.fold(Extents::default(), Extents::around))
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        self.arrays.fill(&self.draw(stream, index), &self.corpus.train, batch);
    }
}

impl<C: CellKind + Send> Task for Learner<C> {
    fn evaluate(&mut self, params: &mut Buffer) -> Result<Metrics, Error> {
        if let Some(average) = &mut self.average {
            let reading = |e| Error::other("reading the parameters", e);
            let values: Vec<f32> = params.to_vec().map_err(reading)?;
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            average.add(&values).map_err(|why| Error::other("averaging parameters", why))?;
        }
        let divergence = self.divergence.of(params);
        let divergence = divergence.map_err(|e| Error::other("measuring the divergence", e))?;
        let name = self.measure.selection().metric;
        let mut metrics = vec![(name, self.dev(params)?)];
        metrics.extend(divergence.map(|value| ("dev_divergence", value)));
        Ok(metrics)
    }

    fn look_every(&self) -> Option<u64> {
        self.own.as_ref().map(|_| 1)
    }

    fn look(&mut self, step: u64, params: &mut Buffer) -> Result<(), Error> {
        drop(self.draw(&self.batch_stream, step));
        let Some(own) = &mut self.own else { return Ok(()) };
        own.say(step, params, &self.corpus.train, self.drawn.get_mut())
            .map_err(|e| Error::other("drawing from the model", e))
    }

    fn stepped(&mut self, _: &Stepped<'_>, _: &mut Run<'_>) -> Result<(), Error> {
        match self.refused.take() {
            Some(error) => Err(Error::other("drawing a target (`max_edits`)", error)),
            None => Ok(()),
        }
    }

    fn state(&self) -> Vec<u8> {
        self.average.as_ref().map(Average::to_bytes).unwrap_or_default()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        if self.average.is_some() {
            self.average = Some(Average::from_bytes(state).map_err(Error::Checkpoint)?);
        }
        Ok(())
    }
}
