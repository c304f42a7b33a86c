//! The networks: an encoder of frames, a pool, and a linear classifier of the pooled vector.

use std::sync::Arc;

use autodiff::{DType, Error, Var};
use learn::layers::{Dense, Layer, Map, Params};
use learn::{BatchVars, Layout, LoadError, Names};

use crate::batches::ClipFields;
use crate::encoder::Encoder;
use crate::pool::{Pool, Pooling, Rank};
use crate::transform::normalised;

/// What a pooled vector of norm 1 is multiplied by before it is classified.
const SCALE: f64 = 10.0;

/// A network that classifies clips.
pub(crate) struct Network {
    encoder: Encoder,
    start: Option<Arc<Vec<u8>>>,
    pool: Pool,
    of_frames: bool,
    classifier: Dense,
}

impl Network {
    /// A network of an encoder; `start` is the file of what its layers start from, if there is one.
    pub(crate) fn new(
        encoder: Encoder,
        start: Option<Arc<Vec<u8>>>,
        classes: usize,
        (pooling, rank): (Pooling, Rank),
    ) -> Self {
        let pool = Pool::new(pooling, rank, encoder.width);
        let classifier = Dense::new("classifier", pool.width(), classes);
        Self { encoder, start, pool, of_frames: pooling == Pooling::ScoreSum, classifier }
    }

    /// A network of features of `width` columns, which has no encoder.
    pub(crate) fn of_features(width: usize, classes: usize) -> Self {
        Self::new(Encoder::none(width), None, classes, (Pooling::Average, Rank::default()))
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

    /// The tensors of the encoder alone, with the values that they start from.
    ///
    /// # Errors
    /// A file that does not suit.
    pub(crate) fn encoder_layout(&self) -> Result<Layout, LoadError> {
        self.started(self.encoder.layout())
    }

    /// All tensors, likewise.
    ///
    /// # Errors
    /// As [`encoder_layout`](Self::encoder_layout).
    pub(crate) fn whole_layout(&self) -> Result<Layout, LoadError> {
        self.started(self.layout())
    }

    fn started(&self, layout: Layout) -> Result<Layout, LoadError> {
        let Some(file) = &self.start else { return Ok(layout) };
        Ok(layout.load(file, &Names::new(), DType::F32)?.layout)
    }
}

impl Layer for Network {
    fn declare(&self, layout: &mut Layout) {
        self.encoder.declare(layout);
        self.pool.declare(layout);
        self.classifier.declare(layout);
    }
}
