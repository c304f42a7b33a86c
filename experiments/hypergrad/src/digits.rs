//! MNIST digits as a network reads them, split into training, validation and test.

use std::ops::Range;
use std::sync::Arc;

use datasets::Store;
use datasets::mnist::{self, Digits, PIXELS, Part};
use experiment::{Error, Run};

use crate::params::{Params, Task};

/// Digits as a network reads them.
#[derive(Debug, Clone)]
pub(crate) struct Examples {
    /// Grey values, `[examples, 784]`, in units of `unit`.
    pub(crate) pixels: Vec<f32>,
    /// What the network multiplies them by.
    pub(crate) unit: f64,
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

    /// Grey values as they are, with a unit of 1/255.
    fn raw(digits: &Digits, range: Range<usize>) -> Self {
        let pixels = &digits.pixels[range.start * PIXELS..range.end * PIXELS];
        Self {
            pixels: pixels.iter().map(|&value| value.into()).collect(),
            unit: 1.0 / 255.0,
            labels: digits.labels[range].iter().map(|&label| label.into()).collect(),
        }
    }

    /// Grey values divided by 255, without their mean.
    #[expect(clippy::cast_possible_truncation, reason = "rounded once, at the end")]
    fn centred(digits: &Digits, range: Range<usize>, mean: &[f64]) -> Self {
        let mut examples = Self::raw(digits, range);
        for row in examples.pixels.chunks_mut(PIXELS) {
            let values = row.iter_mut().zip(mean);
            values.for_each(|(value, mean)| *value = (f64::from(*value) / 255.0 - mean) as f32);
        }
        Self { unit: 1.0, ..examples }
    }
}

/// Mean of every pixel of some digits, divided by 255.
#[expect(clippy::cast_precision_loss, reason = "sums of at most 60,000 grey values")]
fn mean(digits: &Digits) -> Vec<f64> {
    let mut sums = vec![0u64; PIXELS];
    for row in digits.pixels.chunks(PIXELS) {
        sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += u64::from(value));
    }
    sums.iter().map(|&sum| sum as f64 / (255.0 * digits.len() as f64)).collect()
}

/// MNIST in three parts: the first digits of the training set, the ones after them where a task
/// validates, the first of the test set.
pub(crate) struct Parts {
    pub(crate) train: Arc<Examples>,
    pub(crate) valid: Arc<Examples>,
    pub(crate) test: Arc<Examples>,
}

impl Parts {
    /// The digits of a task; of all tasks only `chaos` does not take the mean of all 60,000 training
    /// digits from each.
    pub(crate) fn load(run: &Run<'_>, params: &Params) -> Result<Self, Error> {
        let count = params.examples();
        let paths = run.data();
        let store = Store::new(&paths.cache, paths.mirror.as_deref(), paths.offline);
        let read = |part| mnist::load(&store, part).map_err(|e| Error::data(mnist::DATASET, e));
        let (train, test) = (read(Part::Train)?, read(Part::Test)?);
        let validation = if params.task.validates() { count } else { 0 };
        let mean = mean(&train);
        let part = |digits, range| {
            Arc::new(match params.task {
                Task::Chaos => Examples::raw(digits, range),
                _ => Examples::centred(digits, range, &mean),
            })
        };
        Ok(Self {
            train: part(&train, 0..count),
            valid: part(&train, count..count + validation),
            test: part(&test, 0..test.len().min(count)),
        })
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
            Arc::new(Examples { pixels: pixels.collect(), unit: 1.0, labels })
        };
        Self { train: examples(0), valid: examples(3), test: examples(5) }
    }
}
