//! Learning to translate: the loss, its batches, and how parameters are judged.

use std::cell::RefCell;

use autodiff::{Buffer, Error as TraceError, Var};
use experiment::{Error, Run, Stream};
use learn::layers::{CellKind, Dropout, Layer, Params as Weights, State};
use learn::{Average, Batch, BatchVars, Field, Fields, Layout, Metrics, Objective, Stepped, Task};
use rand::RngExt;

use crate::batches::{Batches, Lengths};
use crate::corpus::{Corpus, Encoded, Pieces};
use crate::metric::bleu::Bleu;
use crate::model::{Beam, Network, Translator};
use crate::params::{Params, SmoothTo};
use crate::payoff::TooManyStates;
use crate::targets::Targets;

/// The arrays of a batch.
struct Arrays {
    fields: Fields,
    /// Sentences, `[places, batch]`.
    source: Field<u32>,
    /// 1 for their places, `[places, batch]`.
    mask: Field<f32>,
    /// The piece before each that is to be said, `[steps, batch]`.
    before: Field<u32>,
    /// What is to be said, `[steps, batch]`.
    said: Field<u32>,
    /// 1 where something is to be said, `[steps, batch]`.
    open: Field<f32>,
    /// 1 over the number of pieces to be said, `[1]`.
    share: Field<f32>,
    /// Keys of dropout.
    keys: Field<u32>,
}

impl Arrays {
    fn new(lengths: &Lengths, rows: usize, dropouts: usize) -> Self {
        let mut fields = Fields::with_buckets(lengths.count());
        let shape = |bucket| vec![lengths.extent(bucket), rows];
        Self {
            source: fields.index_by("source", shape),
            mask: fields.float_by("mask", shape),
            before: fields.index_by("before", shape),
            said: fields.index_by("said", shape),
            open: fields.float_by("open", shape),
            share: fields.float("share", &[1]),
            keys: fields.index("keys", &[dropouts, Dropout::WORDS]),
            fields,
        }
    }
}

/// A batch that was drawn.
#[derive(Debug, Clone, Default)]
struct Drawn {
    /// What tells it from others: the first draw of its generator.
    tag: u64,
    pairs: Vec<u32>,
    targets: Vec<Vec<u32>>,
    keys: Vec<u32>,
}

/// Learning from a corpus.
pub(crate) struct Learner<C> {
    network: Network<C>,
    layout: Layout,
    pub(crate) corpus: Corpus,
    arrays: Arrays,
    lengths: Lengths,
    batches: Batches,
    targets: Targets,
    /// Share of label smoothing, and where it goes; `None` for everywhere.
    smoothing: (f64, Option<Vec<f64>>),
    dev: Vec<Vec<u32>>,
    translator: Translator,
    average: Option<Average>,
    drawn: RefCell<Drawn>,
    /// A target that could not be drawn, which ends the run after the step.
    refused: RefCell<Option<TooManyStates>>,
}

impl<C: CellKind + Send> Learner<C> {
    pub(crate) fn new(params: &Params, corpus: Corpus) -> Result<Self, Error> {
        let pieces = corpus.pieces.len() as usize;
        let network = Network::<C>::new(params, pieces);
        let layout = network.layout();
        let longest = |pair: &Encoded| pair.source.len().max(pair.target.len() + 1);
        let each: Vec<usize> = corpus.train.iter().map(longest).collect();
        let lengths = Lengths::of(&each);
        let batches = Batches::new(each, params.batch);
        let reference = corpus.train.iter().map(|pair| pair.target.len()).max().unwrap_or(0);
        let alphabet = corpus.pieces.alphabet();
        let targets = Targets::new(params, alphabet, reference, lengths.longest() - 1);
        let encode = |pair: &datasets::parallel::Pair| corpus.pieces.encode_source(&pair.source);
        let dev: Vec<Vec<u32>> = corpus.dev.iter().map(encode).collect();
        let places = dev.iter().map(Vec::len).max().unwrap_or(1);
        let translator = Translator::new(&network, &layout, Beam::GREEDY, places)
            .map_err(|e| Error::other("tracing the translator", e))?;
        let arrays = Arrays::new(&lengths, batches.rows(), Network::<C>::DROPOUTS);
        let unigram = (params.smooth_to == SmoothTo::Unigram).then(|| unigram(&corpus, pieces));
        let average = params.average.map(Average::new).transpose();
        let average = average.map_err(|why| Error::other("averaging parameters", why))?;
        let smoothing = (params.smoothing, unigram);
        let drawn = RefCell::default();
        Ok(Self {
            network,
            layout,
            corpus,
            arrays,
            lengths,
            batches,
            targets,
            smoothing,
            dev,
            translator,
            average,
            drawn,
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

    /// Greedy BLEU on the development sentences.
    pub(crate) fn dev_bleu(&mut self, weights: &mut Buffer) -> Result<f64, Error> {
        let found = self.translator.translate(weights, &self.dev);
        let found = found.map_err(|e| Error::other("translating the development sentences", e))?;
        let texts: Vec<String> =
            found.iter().map(|of| self.corpus.pieces.decode(&of.pieces)).collect();
        let references = self.corpus.dev.iter().map(|pair| pair.target.as_str());
        Ok(Bleu::default().corpus(texts.iter().map(String::as_str).zip(references)))
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
            *self.drawn.borrow_mut() = Drawn { tag, pairs, targets, keys };
        }
        self.drawn.borrow()
    }

    /// The loss of logits `[steps, batch, pieces]`: cross-entropy, its share of label smoothing going to all
    /// pieces, a mean over what is said.
    fn surprise<'g>(&self, logits: Var<'g>, batch: &BatchVars<'g>) -> Result<Var<'g>, TraceError> {
        let said = batch[self.arrays.said];
        let hard = logits.cross_entropy(said)?;
        let (smoothing, unigram) = &self.smoothing;
        let each = if *smoothing == 0.0 {
            hard
        } else {
            let graph = logits.graph();
            let pieces = logits.shape()[2];
            let mean = match unigram {
                None => logits.mean(&[2], false)?,
                Some(shares) => {
                    let shares = graph.constant(shares, &[pieces, 1])?;
                    let shape = said.shape();
                    logits.matmul(shares)?.reshape(&shape)?
                }
            };
            let soft = logits.log_sum_exp(2, false)?.sub(mean)?.mul(batch[self.arrays.open])?;
            hard.mul_scalar(1.0 - smoothing).add(soft.mul_scalar(*smoothing))?
        };
        each.sum_all().mul(batch[self.arrays.share].reshape(&[])?)
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
        let arrays = &self.arrays;
        let weights = Weights::new(&self.layout, params).for_training(Some(batch[arrays.keys]));
        let (read, state) =
            self.network.read(&weights, batch[arrays.source], batch[arrays.mask])?;
        let first = State { state, memory: None };
        let said = self.network.steps(&weights, batch[arrays.before], first, &read)?;
        self.surprise(said.logits, batch)
    }

    fn bucket(&self, stream: &Stream, index: u64) -> usize {
        let drawn = self.draw(stream, index);
        let source = |&pair: &u32| self.corpus.train[pair as usize].source.len();
        let sources = drawn.pairs.iter().map(source);
        let longest = sources.chain(drawn.targets.iter().map(|target| target.len() + 1)).max();
        self.lengths.fitting(longest.unwrap_or(1))
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        let (drawn, arrays, rows) = (self.draw(stream, index), &self.arrays, self.batches.rows());
        batch[arrays.source].fill(u32::MAX);
        batch[arrays.mask].fill(0.0);
        batch[arrays.before].fill(u32::MAX);
        batch[arrays.said].fill(u32::MAX);
        batch[arrays.open].fill(0.0);
        for (row, &pair) in drawn.pairs.iter().enumerate() {
            for (place, &piece) in self.corpus.train[pair as usize].source.iter().enumerate() {
                batch[arrays.source][place * rows + row] = piece;
                batch[arrays.mask][place * rows + row] = 1.0;
            }
            let target = &drawn.targets[row];
            let said = target.iter().copied().chain([Pieces::END]);
            let before = [Pieces::BEGIN].into_iter().chain(target.iter().copied());
            for (step, (before, said)) in before.zip(said).enumerate() {
                batch[arrays.before][step * rows + row] = before;
                batch[arrays.said][step * rows + row] = said;
                batch[arrays.open][step * rows + row] = 1.0;
            }
        }
        let said: usize = drawn.targets.iter().map(|target| target.len() + 1).sum();
        #[expect(clippy::cast_precision_loss, reason = "a batch has far fewer than 2^24 pieces")]
        batch[arrays.share].fill(1.0 / said as f32);
        batch[arrays.keys].copy_from_slice(&drawn.keys);
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
        Ok(vec![("dev_bleu", self.dev_bleu(params)?)])
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
