//! How far a model is from the payoff distribution: `KL(q || p)`, whose gradient is that of the loss.

use autodiff::{Buffer, DType, Error as TraceError};
use experiment::{Error, Run};
use learn::layers::{CellKind, Params as Weights, State};
use learn::{Batch, Evaluator, Fields, Layout};

use super::arrays::TargetFields;
use crate::corpus::Corpus;
use crate::model::Network;
use crate::source::{Source, SourceFields};
use crate::targets::Targets;

/// Development pairs that it is measured on, each by one draw.
const PAIRS: usize = 128;
/// Pairs that are computed together.
const ROWS: usize = 32;

/// A draw `y ~ q(y | y*)` that is kept through the run.
struct Sample {
    source: Source,
    target: Vec<u32>,
    /// `ln q(y | y*)`.
    log_probability: f64,
}

/// The mean of `ln q(y | y*) - ln p(y | x)` over kept draws, in nats a sentence: an estimate of
/// `KL(q || p)` without bias, but with that of `q` where that is itself estimated
/// ([`Importance::log_probability`](crate::payoff::Importance::log_probability)). With maximum likelihood,
/// where q is certain of the reference, it is the cross-entropy.
pub(super) struct Divergence {
    evaluator: Evaluator,
    batch: Batch,
    source: SourceFields,
    target: TargetFields,
    samples: Vec<Sample>,
}

impl Divergence {
    pub(super) fn new<C: CellKind>(
        network: &Network<C>,
        layout: &Layout,
        targets: &Targets,
        corpus: &Corpus,
        run: &Run<'_>,
    ) -> Result<Self, Error> {
        let samples = samples(targets, corpus, run)?;
        let places = samples.iter().map(|of| of.source.len()).max().unwrap_or(1);
        let steps = 1 + samples.iter().map(|of| of.target.len()).max().unwrap_or(0);
        let mut fields = Fields::new();
        let source = SourceFields::new(&mut fields, corpus.kind, ROWS, |_| places);
        let target = TargetFields::new(&mut fields, ROWS, |_| steps);
        let tracing = |e| Error::other("tracing the divergence", e);
        let evaluator = Evaluator::new(layout, &fields, DType::F32, |weights, batch| {
            let weights = Weights::new(layout, weights);
            let x = network.embed_source(&weights, source.values(batch))?;
            let y = network.embed_target(&weights, batch[target.before])?;
            let (read, state) = network.read(&weights, x, source.mask(batch))?;
            let said = network.steps(&weights, y, State { state, memory: None }, &read)?;
            Ok(vec![said.logits.cross_entropy(batch[target.said])?.sum(&[0], false)?])
        });
        let evaluator = evaluator.map_err(tracing)?;
        let batch = evaluator.batch().map_err(tracing)?;
        Ok(Self { evaluator, batch, source, target, samples })
    }

    /// Measures a model; nothing where every reference is longer than those that are learned from.
    pub(super) fn of(&mut self, weights: &mut Buffer) -> Result<Option<f64>, TraceError> {
        let mut sum = 0.0;
        for some in self.samples.chunks(ROWS) {
            self.source.write(&mut self.batch, some.iter().map(|of| &of.source));
            let targets = some.iter().map(|of| (&of.target[..], &of.target[..]));
            self.target.write(&mut self.batch, targets);
            let found = self.evaluator.run(weights, &mut self.batch)?[0].to_vec::<f32>()?;
            for (sample, entropy) in some.iter().zip(found) {
                sum += sample.log_probability + f64::from(entropy);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "there are few samples")]
        let count = self.samples.len() as f64;
        Ok((count > 0.0).then(|| sum / count))
    }
}

/// Draws around the first references that a sampler knows the lengths of; one seed of a run has the same
/// ones at all times.
fn samples(targets: &Targets, corpus: &Corpus, run: &Run<'_>) -> Result<Vec<Sample>, Error> {
    let stream = run.stream("divergence");
    let dev = corpus.dev.sources.iter().zip(&corpus.dev.pairs);
    let known = dev.map(|(source, pair)| (source, corpus.pieces.encode(&pair.target)));
    let known = known.filter(|(_, reference)| targets.knows(reference)).take(PAIRS);
    let sample = |(index, (source, reference)): (u64, (&Source, Vec<u32>))| {
        let (mut rng, mut target) = (stream.rng(index), Vec::new());
        let edits = targets.draw_any(&reference, &mut rng, &mut target)?;
        let log_probability = targets.log_probability(&reference, (&target, edits), &mut rng)?;
        Ok(Sample { source: source.clone(), target, log_probability })
    };
    let drawn: Result<Vec<Sample>, _> = (0..).zip(known).map(sample).collect();
    drawn.map_err(|e: crate::payoff::TooManyStates| {
        Error::other("drawing a target (`max_edits`)", e)
    })
}
