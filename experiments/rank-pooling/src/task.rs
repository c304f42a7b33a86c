//! Learning from the clips of a fold, and asking about clips.

use std::sync::Arc;

use autodiff::{Buffer, DType, Error as TraceError, Var};
use experiment::{Error, Stream};
use learn::layers::{Layer, Params as Tensors};
use learn::{Batch, BatchVars, Evaluator, Fields, Layout, Metrics, Objective, Task};
use rand::RngExt;

use crate::batches::{Chunk, ClipFields, buckets};
use crate::clips::{Clip, Clips, View};
use crate::network::Network;
use crate::params::Params;

/// Shapes that batches can have.
const BUCKETS: usize = 4;

/// What the folds of a run share.
pub(crate) struct Setup {
    pub(crate) clips: Arc<Clips>,
    pub(crate) network: Network,
    pub(crate) layout: Layout,
    fields: Fields,
    own: ClipFields,
    stride: usize,
    augment: bool,
}

impl Setup {
    pub(crate) fn new(params: &Params, clips: &Arc<Clips>) -> Result<Self, Error> {
        let stride = params.stride();
        let classes = clips.classes.len();
        let network =
            Network::new(&clips.shape, params.width, classes, params.pooling, params.rank)
                .map_err(|e| Error::other("tracing the network", e))?;
        let lengths = clips.clips.iter().map(|clip| View::whole(clip.length, stride).count);
        let buckets = buckets(lengths.collect(), BUCKETS);
        let (own, fields) = ClipFields::declare(params.batch, &buckets, &clips.shape);
        let layout = network.layout();
        let (clips, augment) = (Arc::clone(clips), params.augment());
        Ok(Self { clips, network, layout, fields, own, stride, augment })
    }

    /// The whole of a clip.
    fn whole(&self, clip: usize) -> View {
        View::whole(self.clips.clips[clip].length, self.stride)
    }

    /// How many frames a network sees of the whole of a clip.
    pub(crate) fn frames(&self, clip: usize) -> usize {
        self.whole(clip).count
    }

    /// Clips with how many frames a network sees of them at most.
    fn lengths(&self, clips: &[usize]) -> impl Iterator<Item = (usize, usize)> {
        clips.iter().map(|&clip| (clip, self.whole(clip).count))
    }

    /// What a network in training sees of a clip: with `augment` a part of 60 to 100 % of it from any
    /// frame on, mirrored or not, moved by up to a twelfth of the picture's width.
    fn drawn(&self, clip: &Clip, rng: &mut impl rand::Rng) -> View {
        let whole = View::whole(clip.length, self.stride);
        if !self.augment {
            return whole;
        }
        let share: f64 = rng.random_range(0.6..=1.0);
        let frames = ((clip.length as f64 * share).round() as usize).clamp(1, clip.length);
        let start = rng.random_range(0..=clip.length - frames);
        let view = View { start, ..View::whole(frames, self.stride) };
        let &[_, height, width] = &self.clips.shape[..] else { return view };
        let mut shift = |extent: usize| {
            let most = (extent / 12) as i32;
            rng.random_range(-most..=most) as isize
        };
        let shift = [shift(height), shift(width)];
        View { mirrored: rng.random(), shift, ..view }
    }
}

/// Something computed of each clip by trained parameters.
pub(crate) struct Reader {
    setup: Arc<Setup>,
    evaluator: Evaluator,
    batch: Batch,
}

impl Reader {
    /// Of a layout, what `trace` makes of the clips of a batch, `[clips, ..]`.
    pub(crate) fn new(
        setup: &Arc<Setup>,
        layout: &Layout,
        trace: impl for<'g> Fn(
            &Tensors<'_, 'g>,
            &ClipFields,
            &BatchVars<'g>,
        ) -> Result<Var<'g>, TraceError>,
    ) -> Result<Self, TraceError> {
        let evaluator = Evaluator::new(layout, &setup.fields, DType::F32, |vars, batch| {
            Ok(vec![trace(&Tensors::new(layout, vars), &setup.own, batch)?])
        })?;
        let batch = evaluator.batch()?;
        Ok(Self { setup: Arc::clone(setup), evaluator, batch })
    }

    /// A row for each of some clips, in their order.
    pub(crate) fn read(
        &mut self,
        params: &mut Buffer,
        clips: &[usize],
    ) -> Result<Vec<Vec<f32>>, TraceError> {
        let chunks = self.setup.own.chunks(self.setup.lengths(clips));
        let asked = Asked { setup: &self.setup, chunks: &chunks };
        let mut rows = vec![Vec::new(); self.setup.clips.clips.len()];
        let unused = Stream::new(0, "unused");
        for (index, chunk) in (0..).zip(&chunks) {
            self.batch.fill(&asked, &unused, index)?;
            let found = self.evaluator.run(params, &mut self.batch)?[0].to_vec::<f32>()?;
            let width = found.len() / self.setup.own.batch;
            for (&clip, row) in chunk.clips.iter().zip(found.chunks_exact(width)) {
                rows[clip] = row.to_vec();
            }
        }
        Ok(clips.iter().map(|&clip| std::mem::take(&mut rows[clip])).collect())
    }
}

/// Batches of clips that are asked about, one after the other.
struct Asked<'a> {
    setup: &'a Setup,
    chunks: &'a [Chunk],
}

impl Objective for Asked<'_> {
    fn layout(&self) -> &Layout {
        &self.setup.layout
    }

    fn fields(&self) -> &Fields {
        &self.setup.fields
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &BatchVars<'g>) -> Result<Var<'g>, TraceError> {
        let Setup { network, layout, own, .. } = self.setup;
        network.loss(&Tensors::new(layout, params), own, batch)
    }

    fn bucket(&self, _: &Stream, index: u64) -> usize {
        self.chunks[place(index)].bucket
    }

    fn fill(&self, _: &Stream, index: u64, batch: &mut Batch) {
        let clips = &self.chunks[place(index)].clips;
        let views: Vec<(usize, View)> =
            clips.iter().map(|&clip| (clip, self.setup.whole(clip))).collect();
        self.setup.own.fill(&self.setup.clips, &views, batch);
    }
}

/// Learning from some clips.
pub(crate) struct ClipTask {
    setup: Arc<Setup>,
    train: Vec<usize>,
    test: Vec<usize>,
    steps_per_epoch: u64,
    reader: Reader,
}

impl ClipTask {
    pub(crate) fn new(
        setup: &Arc<Setup>,
        train: &[usize],
        test: &[usize],
    ) -> Result<Self, TraceError> {
        let reader = Reader::new(setup, &setup.layout, |params, fields, batch| {
            setup.network.scores(params, fields, batch)
        })?;
        let steps_per_epoch = setup.own.chunks(setup.lengths(train)).len() as u64;
        let (train, test) = (train.to_vec(), test.to_vec());
        Ok(Self { setup: Arc::clone(setup), train, test, steps_per_epoch, reader })
    }

    /// Steps an epoch.
    pub(crate) fn steps_per_epoch(&self) -> u64 {
        self.steps_per_epoch
    }

    /// Scores of the classes for each of some clips.
    pub(crate) fn scores(
        &mut self,
        params: &mut Buffer,
        clips: &[usize],
    ) -> Result<Vec<Vec<f32>>, TraceError> {
        self.reader.read(params, clips)
    }

    /// Percentage of clips whose class has the largest score.
    fn accuracy(&mut self, params: &mut Buffer, clips: &[usize]) -> Result<f64, Error> {
        let scores =
            self.scores(params, clips).map_err(|e| Error::other("asking about clips", e))?;
        let right = clips
            .iter()
            .zip(&scores)
            .filter(|(clip, scores)| best(scores) == self.setup.clips.clips[**clip].class as usize);
        Ok(100.0 * right.count() as f64 / clips.len() as f64)
    }

    /// The batch of a step: of its epoch's one.
    fn chunk(&self, stream: &Stream, index: u64) -> Chunk {
        let (epoch, step) = (index / self.steps_per_epoch, index % self.steps_per_epoch);
        let lengths = self.setup.lengths(&self.train);
        self.setup.own.epoch(stream, epoch, lengths).swap_remove(place(step))
    }
}

impl Objective for ClipTask {
    fn layout(&self) -> &Layout {
        &self.setup.layout
    }

    fn fields(&self) -> &Fields {
        &self.setup.fields
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &BatchVars<'g>) -> Result<Var<'g>, TraceError> {
        let Setup { network, layout, own, .. } = &*self.setup;
        network.loss(&Tensors::new(layout, params).for_training(None), own, batch)
    }

    fn bucket(&self, stream: &Stream, index: u64) -> usize {
        self.chunk(stream, index).bucket
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        let mut rng = stream.rng(index);
        let clips = self.chunk(stream, index).clips;
        let drawn = |clip| (clip, self.setup.drawn(&self.setup.clips.clips[clip], &mut rng));
        let views: Vec<(usize, View)> = clips.into_iter().map(drawn).collect();
        self.setup.own.fill(&self.setup.clips, &views, batch);
    }
}

impl Task for ClipTask {
    fn evaluate(&mut self, params: &mut Buffer) -> Result<Metrics, Error> {
        let (train, test) = (self.train.clone(), self.test.clone());
        let train = self.accuracy(params, &train)?;
        Ok(vec![("train_accuracy", train), ("test_accuracy", self.accuracy(params, &test)?)])
    }
}

/// The first of the largest scores.
pub(crate) fn best<T: PartialOrd>(scores: &[T]) -> usize {
    let better = |best, at: usize| if scores[at] > scores[best] { at } else { best };
    (1..scores.len()).fold(0, better)
}

fn place(index: u64) -> usize {
    usize::try_from(index).expect("a batch's number fits")
}
