//! The networks: an encoder of frames, a pool, and a linear classifier of the pooled vector.

use autodiff::{DType, Error, Graph, Pool2d, Var};
use learn::layers::{
    Activation, Convolution, Dense, Layer, Map, Params, Pooling as Windows, Sequence,
};
use learn::{BatchVars, Layout};

use crate::batches::ClipFields;
use crate::pool::{Pool, Pooling, Rank};
use crate::transform::normalised;

/// What a pooled vector of norm 1 is multiplied by before it is classified.
const SCALE: f64 = 10.0;

/// Features of frames.
pub(crate) struct Encoder {
    convolutions: Option<Sequence>,
    dense: Sequence,
    width: usize,
}

impl Encoder {
    /// The encoder of frames of a shape: for pictures two convolutions, each with a rectifier and a
    /// maximum over windows, and a dense layer; for other frames two dense layers. Features are
    /// rectified.
    pub(crate) fn new(shape: &[usize], width: usize) -> Result<Self, Error> {
        if let &[values] = shape {
            let dense = Sequence::new()
                .then(Dense::new("dense1", values, width))
                .then(Activation::relu("relu1"))
                .then(Dense::new("dense2", width, width))
                .then(Activation::relu("relu2"));
            return Ok(Self { convolutions: None, dense, width });
        }
        let convolutions = Sequence::new()
            .then(Convolution::new("conv1", shape[0], 8, 5).padded().strided(2).with_relu())
            .then(Windows::max("pool1", Pool2d::of(2)))
            .then(Convolution::new("conv2", 8, 16, 3).padded().with_relu())
            .then(Windows::max("pool2", Pool2d::of(2)));
        let values = outputs(&convolutions, shape)?;
        let dense = Sequence::new()
            .then(Dense::new("dense1", values, width))
            .then(Activation::relu("relu1"));
        Ok(Self { convolutions: Some(convolutions), dense, width })
    }

    /// Features `[frames, width]` of frames `[frames, ..]`.
    fn forward<'g>(&self, params: &Params<'_, 'g>, frames: Var<'g>) -> Result<Var<'g>, Error> {
        let Some(convolutions) = &self.convolutions else {
            return self.dense.forward(params, frames);
        };
        let made = convolutions.forward(params, frames)?;
        let shape = made.shape();
        let flat = made.reshape(&[shape[0], shape[1..].iter().product()])?;
        self.dense.forward(params, flat)
    }
}

/// How many values a sequence makes of an input of a shape.
fn outputs(layers: &Sequence, shape: &[usize]) -> Result<usize, Error> {
    let (graph, layout) = (Graph::new(DType::F32), layers.layout());
    let vars = layout.views(graph.input("params", &[layout.len()]))?;
    let input = graph.input("frame", &[&[1], shape].concat());
    Ok(layers.forward(&Params::new(&layout, &vars), input)?.shape().iter().product())
}

impl Layer for Encoder {
    fn declare(&self, layout: &mut Layout) {
        if let Some(convolutions) = &self.convolutions {
            convolutions.declare(layout);
        }
        self.dense.declare(layout);
    }
}

/// A network that classifies clips.
pub(crate) struct Network {
    encoder: Encoder,
    pool: Pool,
    of_frames: bool,
    classifier: Dense,
}

impl Network {
    pub(crate) fn new(
        shape: &[usize],
        width: usize,
        classes: usize,
        pooling: Pooling,
        rank: Rank,
    ) -> Result<Self, Error> {
        let encoder = Encoder::new(shape, width)?;
        let pool = Pool::new(pooling, rank, encoder.width);
        let classifier = Dense::new("classifier", pool.width(), classes);
        Ok(Self { encoder, pool, of_frames: pooling == Pooling::ScoreSum, classifier })
    }

    /// The pooled vectors of a batch, `[clips, width]`, of norm 10.
    pub(crate) fn vectors<'g>(
        &self,
        params: &Params<'_, 'g>,
        fields: &ClipFields,
        batch: &BatchVars<'g>,
    ) -> Result<Var<'g>, Error> {
        self.vectors_of(&self.pool, params, fields, batch)
    }

    /// The same by another pool.
    pub(crate) fn vectors_of<'g>(
        &self,
        pool: &Pool,
        params: &Params<'_, 'g>,
        fields: &ClipFields,
        batch: &BatchVars<'g>,
    ) -> Result<Var<'g>, Error> {
        let features = self.encoder.forward(params, fields.frames(batch))?;
        let pooled = pool.forward(params, &fields.sequences(batch, features)?)?;
        Ok(normalised(pooled)?.mul_scalar(SCALE))
    }

    /// The features of a batch, `[clips, T, width]`.
    pub(crate) fn sequences<'g>(
        &self,
        params: &Params<'_, 'g>,
        fields: &ClipFields,
        batch: &BatchVars<'g>,
    ) -> Result<Var<'g>, Error> {
        let features = self.encoder.forward(params, fields.frames(batch))?;
        Ok(fields.sequences(batch, features)?.features)
    }

    /// Features of a frame.
    pub(crate) fn features(&self) -> usize {
        self.encoder.width
    }

    /// Scores of the classes, of every frame or of every clip.
    fn scores_of<'g>(
        &self,
        params: &Params<'_, 'g>,
        fields: &ClipFields,
        batch: &BatchVars<'g>,
    ) -> Result<Var<'g>, Error> {
        let vectors = if self.of_frames {
            let features = self.encoder.forward(params, fields.frames(batch))?;
            normalised(features)?.mul_scalar(SCALE)
        } else {
            self.vectors(params, fields, batch)?
        };
        self.classifier.forward(params, vectors)
    }

    /// The mean loss of a batch.
    pub(crate) fn loss<'g>(
        &self,
        params: &Params<'_, 'g>,
        fields: &ClipFields,
        batch: &BatchVars<'g>,
    ) -> Result<Var<'g>, Error> {
        fields.loss(batch, self.scores_of(params, fields, batch)?, self.of_frames)
    }

    /// Scores of the classes, `[clips, classes]`; of frames, their mean.
    pub(crate) fn scores<'g>(
        &self,
        params: &Params<'_, 'g>,
        fields: &ClipFields,
        batch: &BatchVars<'g>,
    ) -> Result<Var<'g>, Error> {
        let scores = self.scores_of(params, fields, batch)?;
        if !self.of_frames {
            return Ok(scores);
        }
        let mean = Pool::new(Pooling::Average, Rank::default(), scores.shape()[1]);
        mean.forward(params, &fields.sequences(batch, scores)?)
    }

    /// The tensors of the encoder alone.
    pub(crate) fn encoder_layout(&self) -> Layout {
        self.encoder.layout()
    }
}

impl Layer for Network {
    fn declare(&self, layout: &mut Layout) {
        self.encoder.declare(layout);
        self.pool.declare(layout);
        self.classifier.declare(layout);
    }
}
