//! Learning from the clips of a fold, and asking about clips.

use std::sync::Arc;

use autodiff::{Buffer, DType, Error as TraceError, Var};
use experiment::{Error, Stream};
use learn::layers::Params as Tensors;
use learn::{Batch, BatchVars, Evaluator, Fields, Layout, Metrics, Objective, Task};
use rand::RngExt;

use crate::answers::quality;
use crate::batches::{Chunk, ClipFields, buckets};
use crate::clips::{Clip, Clips, Frames, View};
use crate::encoder::Encoder;
use crate::fold::starting;
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
    /// Of a network that starts from a file, if there is one.
    pub(crate) fn new(
        params: &Params,
        clips: &Arc<Clips>,
        start: Option<&Arc<Vec<u8>>>,
    ) -> Result<Self, Error> {
        let encoder = Encoder::new(params.network, &clips.shape, params.width)
            .map_err(|e| Error::other("tracing the network", e))?;
        let pool = (params.pooling, params.rank);
        let network = Network::new(encoder, start.cloned(), clips.classes.len(), pool);
        let seen = (params.stride(), params.augment());
        Self::of(Arc::clone(clips), network, params.batch, seen)
    }

    fn of(
        clips: Arc<Clips>,
        network: Network,
        batch: usize,
        (stride, augment): (usize, bool),
    ) -> Result<Self, Error> {
        let lengths = clips.clips.iter().map(|clip| View::whole(clip.length, stride).count);
        let buckets = buckets(lengths.collect(), BUCKETS);
        let (own, fields) = ClipFields::declare(batch, &buckets, &clips);
        let layout = network.whole_layout().map_err(starting)?;
        Ok(Self { clips, network, layout, fields, own, stride, augment })
    }

    /// Some clips as the features that the encoder with these weights makes of their frames.
    pub(crate) fn features(
        self: &Arc<Self>,
        weights: &mut Buffer,
        clips: &[usize],
    ) -> Result<Self, Error> {
        let (network, width) = (&self.network, self.network.features());
        let asking = |e| Error::other("computing features", e);
        let layout = network.encoder_layout().map_err(starting)?;
        let mut reader = Reader::new(self, &layout, |params, fields, batch| {
            let rows = network.sequences(params, fields, batch)?;
            let shape = rows.shape();
            rows.reshape(&[shape[0], shape[1] * shape[2]])
        })
        .map_err(asking)?;
        let rows = reader.read(weights, clips).map_err(asking)?;
        let (mut values, mut listed, mut first) = (Vec::new(), Vec::new(), 0);
        for (&clip, row) in clips.iter().zip(rows) {
            let length = self.frames(clip);
            values.extend_from_slice(&row[..length * width]);
            let clip = self.clips.clips[clip].clone();
            listed.push(Clip { first, length, backwards: false, ..clip });
            first += length;
        }
        self.listed(values, width, listed)
    }

    /// Some clips as the values of their own pixels.
    pub(crate) fn pixels(&self, clips: &[usize]) -> Result<Self, Error> {
        let size = self.clips.values();
        let (mut values, mut listed) = (Vec::new(), Vec::new());
        for &at in clips {
            let (clip, view) = (&self.clips.clips[at], self.whole(at));
            let first = values.len() / size;
            values.resize((first + view.count) * size, 0.0);
            for (t, to) in values[first * size..].chunks_exact_mut(size).enumerate() {
                self.clips.write(clip, &view, t, to);
            }
            listed.push(Clip { first, length: view.count, backwards: false, ..clip.clone() });
        }
        self.listed(values, size, listed)
    }

    /// Clips of `width` values a frame, which lie one after the other.
    fn listed(&self, values: Vec<f32>, width: usize, clips: Vec<Clip>) -> Result<Self, Error> {
        let (classes, many) = (self.clips.classes.clone(), self.clips.many);
        let network = Network::of_features(width, classes.len());
        let (shape, frames) = (vec![width], Frames::Floats(values));
        let clips = Clips { shape, frames, clips, classes, many };
        Self::of(Arc::new(clips), network, self.own.batch, (1, false))
    }

    /// Steps of training with some clips, an epoch.
    pub(crate) fn steps_per_epoch(&self, clips: &[usize]) -> u64 {
        self.own.chunks(self.lengths(clips)).len() as u64
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
        let steps_per_epoch = setup.steps_per_epoch(train);
        let (train, test) = (train.to_vec(), test.to_vec());
        Ok(Self { setup: Arc::clone(setup), train, test, steps_per_epoch, reader })
    }

    /// Scores of the classes for each of some clips.
    pub(crate) fn scores(
        &mut self,
        params: &mut Buffer,
        clips: &[usize],
    ) -> Result<Vec<Vec<f32>>, TraceError> {
        self.reader.read(params, clips)
    }

    /// How good the scores of clips are, in per cent.
    fn quality(&mut self, params: &mut Buffer, clips: &[usize]) -> Result<f64, Error> {
        let scores =
            self.scores(params, clips).map_err(|e| Error::other("asking about clips", e))?;
        let wide = |row: &Vec<f32>| row.iter().map(|&x| f64::from(x)).collect();
        let scores: Vec<Vec<f64>> = scores.iter().map(wide).collect();
        let scores = clips.iter().copied().zip(scores.iter().map(|row| &row[..]));
        Ok(quality(&self.setup.clips, scores))
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
        let names = match self.setup.clips.many {
            true => ["train_average_precision", "mean_average_precision"],
            false => ["train_accuracy", "test_accuracy"],
        };
        let found = [self.quality(params, &train)?, self.quality(params, &test)?];
        Ok(names.into_iter().zip(found).collect())
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
