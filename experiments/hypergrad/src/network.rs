//! Fully connected classifiers of digits as training objectives.

use std::sync::Arc;

use autodiff::{Error as TraceError, Var};
use datasets::mnist::PIXELS;
use experiment::{Error, Stream};
use learn::{
    Batch, BatchInput, HyperError, HyperLearner, Init, Layout, Objective, Schedules, Setting,
};
use rand::RngExt;

use crate::digits::Examples;

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
    inputs: Vec<BatchInput>,
    examples: Arc<Examples>,
    rows: usize,
    draw: Draw,
}

impl Classifier {
    pub(crate) fn new(sizes: &[usize], examples: &Arc<Examples>, rows: usize, draw: Draw) -> Self {
        Self {
            layout: layers(sizes),
            inputs: inputs(rows),
            examples: Arc::clone(examples),
            rows,
            draw,
        }
    }

    /// Over all examples at once.
    pub(crate) fn whole(sizes: &[usize], examples: &Arc<Examples>) -> Self {
        Self::new(sizes, examples, examples.len(), Draw::InTurn)
    }
}

/// The arrays of a batch of digits.
pub(crate) fn inputs(rows: usize) -> Vec<BatchInput> {
    vec![BatchInput::float("pixels", &[rows, PIXELS]), BatchInput::index("digits", &[rows])]
}

impl Objective for Classifier {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn inputs(&self) -> &[BatchInput] {
        &self.inputs
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &[Var<'g>]) -> Result<Var<'g>, TraceError> {
        let pixels = match self.examples.unit {
            1.0 => batch[0],
            unit => batch[0].mul_scalar(unit),
        };
        surprise(params, pixels, batch[1])
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        let (all, rows) = (self.examples.len(), self.rows);
        if self.draw == Draw::InTurn && all.is_multiple_of(rows) {
            let first = usize::try_from(index).unwrap_or(0) % (all / rows) * rows;
            let pixels = &self.examples.pixels[first * PIXELS..(first + rows) * PIXELS];
            batch.copy_floats(0, 0, pixels);
            batch.indices_mut(1).copy_from_slice(&self.examples.labels[first..first + rows]);
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
            batch.copy_floats(0, row * PIXELS, self.examples.row(example));
            batch.indices_mut(1)[row] = self.examples.labels[example];
        }
    }
}

/// Loss of given weights over all examples.
pub(crate) fn judge(
    sizes: &[usize],
    examples: &Arc<Examples>,
    weights: &[f64],
) -> Result<f64, Error> {
    let whole = Classifier::whole(sizes, examples);
    let none = Schedules::constant(0, whole.layout.tensors().len(), 0.0, 1.0)?;
    let stream = Stream::new(0, "unused");
    let setting = Setting { schedules: &none, initial: weights, hypers: &[], batches: &stream };
    let mut learner = HyperLearner::<f32>::new(&whole, &whole).map_err(traced)?;
    Ok(learner.train(&whole, &whole, &setting)?.value)
}

/// An error of tracing, which a parameter that passed validation does not cause.
pub(crate) fn traced(error: HyperError) -> Error {
    Error::other("tracing the network", error)
}
