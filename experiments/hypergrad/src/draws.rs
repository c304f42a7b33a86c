//! Weights and batches as the authors' code draws them.

use std::sync::Arc;

use experiment::Run;
use learn::{Layout, Objective};

use crate::digits::Examples;
use crate::network::{Classifier, Draw, scaled, scaled_by};
use crate::numpy::RandomState;
use crate::params::{Generator, Params};

/// Trainings with weights and batches of their own, by the generators of the authors' code for the
/// objects `(seed, training)` and `(seed, training, step)`.
pub(crate) struct Published {
    seed: u64,
    sizes: &'static [usize],
    examples: Arc<Examples>,
    rows: usize,
    steps: usize,
}

impl Published {
    /// Trainings of a network on digits.
    pub(crate) fn new(
        params: &Params,
        seed: u64,
        sizes: &'static [usize],
        examples: &Arc<Examples>,
    ) -> Self {
        let (rows, steps) = (params.batch(), params.steps());
        Self { seed, sizes, examples: Arc::clone(examples), rows, steps }
    }

    /// The initial weights of a training, each tensor times its scale.
    pub(crate) fn initial(&self, layout: &Layout, scales: &[f64], training: &str) -> Vec<f64> {
        let mut rng = RandomState::of_text(&format!("({}, {training})", self.seed));
        scaled_by(layout, scales, |_| rng.normal())
    }

    /// Its batches.
    pub(crate) fn objective(&self, training: &str) -> Box<dyn Objective> {
        let count = u32::try_from(self.examples.len()).unwrap_or(u32::MAX);
        let batch = |step: usize| {
            let mut rng = RandomState::of_text(&format!("({}, {training}, {step})", self.seed));
            (0..self.rows).map(move |_| rng.below(count))
        };
        let listed = (0..self.steps).flat_map(batch).collect();
        Box::new(Classifier::new(self.sizes, &self.examples, self.rows, Draw::Listed(listed)))
    }
}

/// The initial weights of tasks with one training, each tensor times its scale: the authors' code
/// seeds NumPy's global generator and draws velocities first, which it multiplies by zero.
pub(crate) fn initial(params: &Params, run: &Run<'_>, layout: &Layout, scales: &[f64]) -> Vec<f64> {
    match params.generator() {
        Generator::Chacha => scaled(layout, scales, &run.stream("init")),
        Generator::Numpy => {
            let mut rng = seeded(run);
            for _ in 0..layout.len() {
                rng.normal();
            }
            scaled_by(layout, scales, |_| rng.normal())
        }
    }
}

/// NumPy's global generator after `seed(..)` of the run's seed, of which it takes 32 bits.
pub(crate) fn seeded(run: &Run<'_>) -> RandomState {
    RandomState::seeded((run.seed() & u64::from(u32::MAX)) as u32)
}
