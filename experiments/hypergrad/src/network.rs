//! Fully connected classifiers of digits as training objectives.

use std::sync::Arc;

use autodiff::{DType, Error as TraceError, Var};
use datasets::mnist::PIXELS;
use experiment::{Error, Stream};
use learn::{Batch, BatchVars, Evaluator, Field, Fields, HyperError, Init, Layout, Objective};
use rand::RngExt;

use crate::digits::Examples;
use crate::params::Precision;

/// Weights and biases of fully connected layers, standard normal at first.
pub(crate) fn layers(sizes: &[usize]) -> Layout {
    sizes.windows(2).zip(1..).fold(Layout::new(), |layout, (size, layer)| {
        layout.with(&format!("weights {layer}"), size, Init::Normal { std: 1.0 }).with(
            &format!("biases {layer}"),
            &size[1..],
            Init::Normal { std: 1.0 },
        )
    })
}

/// Scores of the classes, `[n, inputs]` to `[n, classes]`: hyperbolic tangents between the layers.
pub(crate) fn scores<'g>(params: &[Var<'g>], x: Var<'g>) -> Result<Var<'g>, TraceError> {
    let mut x = x;
    for (layer, of) in params.chunks(2).enumerate() {
        x = if layer == 0 { x } else { x.tanh() };
        x = x.matmul(of[0])?.add(of[1])?;
    }
    Ok(x)
}

/// Mean negative log-likelihood of the right classes.
pub(crate) fn surprise<'g>(
    params: &[Var<'g>],
    x: Var<'g>,
    class: Var<'g>,
) -> Result<Var<'g>, TraceError> {
    Ok(scores(params, x)?.cross_entropy(class)?.mean_all())
}

/// The initial values of a layout, each tensor times its scale.
pub(crate) fn scaled(layout: &Layout, scales: &[f64], stream: &Stream) -> Vec<f64> {
    let values = layout.initial(stream);
    scaled_by(layout, scales, |at| values[at])
}

/// Values of a layout by their places, each tensor times its scale.
pub(crate) fn scaled_by(
    layout: &Layout,
    scales: &[f64],
    mut value: impl FnMut(usize) -> f64,
) -> Vec<f64> {
    let tensors = layout.tensors().iter().zip(scales);
    let places = tensors.flat_map(|(tensor, &scale)| {
        (tensor.offset..tensor.offset + tensor.len()).map(move |at| (at, scale))
    });
    places.map(|(at, scale)| scale * value(at)).collect()
}

/// Which examples a batch has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Draw {
    /// Any, each drawn by itself.
    Random,
    /// The ones after those of the batch before; with all of them in a batch, always the same.
    InTurn,
    /// These, batch after batch.
    Listed(Vec<u32>),
}

/// Classification of digits by a fully connected network.
pub(crate) struct Classifier {
    layout: Layout,
    fields: Fields,
    pixels: Field<f32>,
    digits: Field<u32>,
    examples: Arc<Examples>,
    rows: usize,
    draw: Draw,
}

/// A batch of digits in a trace.
#[derive(Clone, Copy)]
pub(crate) struct DigitVars<'g> {
    /// `[n, 784]`.
    pub(crate) pixels: Var<'g>,
    /// What each shows, `[n]`.
    pub(crate) class: Var<'g>,
}

impl Classifier {
    pub(crate) fn new(sizes: &[usize], examples: &Arc<Examples>, rows: usize, draw: Draw) -> Self {
        let mut fields = Fields::new();
        Self {
            layout: layers(sizes),
            pixels: fields.float("pixels", &[rows, PIXELS]),
            digits: fields.index("digits", &[rows]),
            fields,
            examples: Arc::clone(examples),
            rows,
            draw,
        }
    }

    /// Over all examples at once.
    pub(crate) fn whole(sizes: &[usize], examples: &Arc<Examples>) -> Self {
        Self::new(sizes, examples, examples.len(), Draw::InTurn)
    }

    /// The digits of a batch.
    pub(crate) fn vars<'g>(&self, batch: &BatchVars<'g>) -> DigitVars<'g> {
        DigitVars { pixels: batch[self.pixels], class: batch[self.digits] }
    }
}

impl Objective for Classifier {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn fields(&self) -> &Fields {
        &self.fields
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &BatchVars<'g>) -> Result<Var<'g>, TraceError> {
        let DigitVars { pixels, class } = self.vars(batch);
        let pixels = match self.examples.unit {
            1.0 => pixels,
            unit => pixels.mul_scalar(unit),
        };
        surprise(params, pixels, class)
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        let (all, rows) = (self.examples.len(), self.rows);
        if self.draw == Draw::InTurn && all.is_multiple_of(rows) {
            let first = usize::try_from(index).unwrap_or(0) % (all / rows) * rows;
            let pixels = &self.examples.pixels[first * PIXELS..(first + rows) * PIXELS];
            batch[self.pixels].copy_from_slice(pixels);
            batch[self.digits].copy_from_slice(&self.examples.labels[first..first + rows]);
            return;
        }
        let mut rng = stream.rng(index);
        let first = usize::try_from(index).unwrap_or(0) % all * rows;
        for row in 0..rows {
            let example = match &self.draw {
                Draw::Random => rng.random_range(0..all),
                Draw::InTurn => (first + row) % all,
                Draw::Listed(examples) => examples[first + row] as usize,
            };
            let place = row * PIXELS..(row + 1) * PIXELS;
            batch[self.pixels][place].copy_from_slice(self.examples.row(example));
            batch[self.digits][row] = self.examples.labels[example];
        }
    }
}

/// The loss of an objective's only batch at given weights and hyper-parameters.
pub(crate) fn judge(
    objective: &dyn Objective,
    weights: &[f64],
    hypers: &[f64],
    precision: Precision,
) -> Result<f64, Error> {
    let dtype = match precision {
        Precision::F32 => DType::F32,
        Precision::F64 => DType::F64,
    };
    let judged = || {
        let mut evaluator = Evaluator::of_loss(objective, dtype)?;
        let mut params = evaluator.params(&[weights, hypers].concat())?;
        let mut batch = Batch::of(objective, dtype)?;
        batch.fill(objective, &Stream::new(0, "unused"), 0)?;
        evaluator.run(&mut params, &mut batch)?.scalar(0)
    };
    judged().map_err(|e| Error::other("judging weights", e))
}

/// An error of tracing, which a parameter that passed validation does not cause.
pub(crate) fn traced(error: HyperError) -> Error {
    Error::other("tracing the network", error)
}
