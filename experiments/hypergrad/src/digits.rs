use std::sync::Arc;

use datasets::Store;
use datasets::mnist::{self, Digits, PIXELS, Part};
use experiment::{Error, Run};

use crate::params::{Params, Task};

/// Digits as a network reads them.
#[derive(Debug, Clone)]
pub(crate) struct Examples {
    /// Grey values, `[examples, 784]`.
    pub(crate) pixels: Vec<f32>,
    /// What each shows.
    pub(crate) labels: Vec<u32>,
}

impl Examples {
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    /// The values of one digit.
    pub(crate) fn row(&self, example: usize) -> &[f32] {
        &self.pixels[example * PIXELS..(example + 1) * PIXELS]
    }

    fn of(digits: &Digits, range: std::ops::Range<usize>) -> Self {
        let pixels = &digits.pixels[range.start * PIXELS..range.end * PIXELS];
        Self {
            pixels: pixels.iter().map(|&value| f32::from(value) / 255.0).collect(),
            labels: digits.labels[range].iter().map(|&label| label.into()).collect(),
        }
    }

    fn subtract(&mut self, mean: &[f32]) {
        for row in self.pixels.chunks_mut(PIXELS) {
            row.iter_mut().zip(mean).for_each(|(value, mean)| *value -= mean);
        }
    }

    /// Mean of every pixel.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a mean of at most 60,000 grey values"
    )]
    fn mean(&self) -> Vec<f32> {
        let mut sums = vec![0.0f64; PIXELS];
        for row in self.pixels.chunks(PIXELS) {
            sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
        }
        sums.iter().map(|sum| (sum / self.len() as f64) as f32).collect()
    }
}

/// MNIST in three parts: the first digits of the training set, the ones after them where a task
/// validates, the first of the test set.
pub(crate) struct Parts {
    pub(crate) train: Arc<Examples>,
    pub(crate) valid: Arc<Examples>,
    pub(crate) test: Arc<Examples>,
}

impl Parts {
    /// The digits of a task; grey values are divided by 255, and of all tasks only `chaos` does not
    /// take the training digits' mean from each.
    pub(crate) fn load(run: &Run<'_>, params: &Params) -> Result<Self, Error> {
        let count = params.examples();
        let paths = run.data();
        let store = Store::new(&paths.cache, paths.mirror.as_deref(), paths.offline);
        let read = |part| mnist::load(&store, part).map_err(|e| Error::data(mnist::DATASET, e));
        let (train, test) = (read(Part::Train)?, read(Part::Test)?);
        let validation = if params.task.validates() { count } else { 0 };
        let mut parts = [
            Examples::of(&train, 0..count),
            Examples::of(&train, count..count + validation),
            Examples::of(&test, 0..test.len().min(count)),
        ];
        if params.task != Task::Chaos {
            let mean = parts[0].mean();
            parts.iter_mut().for_each(|part| part.subtract(&mean));
        }
        let [train, valid, test] = parts.map(Arc::new);
        Ok(Self { train, valid, test })
    }
}

#[cfg(test)]
impl Parts {
    /// Digits made up from stripes that tell them apart.
    pub(crate) fn made_up(count: usize) -> Self {
        let examples = |offset: usize| {
            let labels: Vec<u32> = (0..count).map(|at| (at * 7 + offset) as u32 % 10).collect();
            let pixels = labels.iter().zip(0..).flat_map(|(&label, at)| {
                (0..PIXELS).map(move |pixel| {
                    let stripe = pixel % 10 == label as usize;
                    let noise = ((pixel * 31 + at * 17 + offset) % 13) as f32 / 40.0;
                    f32::from(u8::from(stripe)) / 4.0 + noise
                })
            });
            Arc::new(Examples { pixels: pixels.collect(), labels })
        };
        Self { train: examples(0), valid: examples(3), test: examples(5) }
    }
}
