//! The outer loop that updates hyper-parameters, by Adam or by gradient descent with momentum.

use experiment::{Error, Run};
use serde::{Deserialize, Serialize};

/// How hyper-parameters move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum MetaOptimizer {
    /// Adam as in the first version of its paper, where the decay of the first moment itself decays.
    /// `beta2` is the share of the newest square in the second moment, as that version writes it.
    Adam { step: f64, beta2: f64 },
    /// `v = mass v - (1 - mass) g`, `x = x + step v`.
    Sgd { step: f64, mass: f64 },
}

/// Hyper-parameters under way: what a checkpoint holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetaState {
    /// Updates made.
    pub(crate) iteration: u64,
    /// The hyper-parameters.
    pub(crate) hypers: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    /// The outer objective of every meta-iteration so far.
    pub(crate) values: Vec<f64>,
}

/// One meta-iteration: the outer objective and its gradient.
pub(crate) struct Judged {
    pub(crate) value: f64,
    pub(crate) gradient: Vec<f64>,
}

impl MetaState {
    /// At the start.
    pub(crate) fn new(hypers: Vec<f64>) -> Self {
        let zeros = vec![0.0; hypers.len()];
        Self { iteration: 0, first: zeros.clone(), second: zeros, hypers, values: Vec::new() }
    }

    /// Moves the hyper-parameters once.
    pub(crate) fn update(&mut self, optimizer: MetaOptimizer, gradient: &[f64]) {
        match optimizer {
            MetaOptimizer::Adam { step, beta2 } => self.adam(step, beta2, gradient),
            MetaOptimizer::Sgd { step, mass } => {
                let each = self.hypers.iter_mut().zip(&mut self.first).zip(gradient);
                for ((x, v), g) in each {
                    *v = mass * *v - (1.0 - mass) * g;
                    *x += step * *v;
                }
            }
        }
        self.iteration += 1;
    }

    #[expect(clippy::cast_precision_loss, reason = "meta-iterations stay far below 2^52")]
    fn adam(&mut self, step: f64, beta2: f64, gradient: &[f64]) {
        const B1: f64 = 0.1;
        const EPSILON: f64 = 1e-4;
        const LAMBDA: f64 = 1e-4;
        let i = self.iteration as f64;
        let b1 = 1.0 - (1.0 - B1) * LAMBDA.powf(i);
        let (first, second) = (1.0 - (1.0 - B1).powf(i + 1.0), 1.0 - (1.0 - beta2).powf(i + 1.0));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((x, (m, v)), g) in self.hypers.iter_mut().zip(moments).zip(gradient) {
            *m = b1 * g + (1.0 - b1) * *m;
            *v = beta2 * g * g + (1.0 - beta2) * *v;
            *x -= step * (*m / first) / ((*v / second).sqrt() + EPSILON);
        }
    }
}

/// Moves hyper-parameters `iterations` times, judging them before every move and after the last.
///
/// A meta-iteration is the unit of checkpoints: `judge` draws everything it needs from the number of
/// its meta-iteration, so a run that was stopped ends with the same bits.
pub(crate) fn meta_learn(
    run: &mut Run<'_>,
    iterations: u64,
    optimizer: MetaOptimizer,
    initial: Vec<f64>,
    mut judge: impl FnMut(&mut Run<'_>, u64, &[f64]) -> Result<Judged, Error>,
) -> Result<MetaState, Error> {
    let advance = |state: &mut MetaState, iteration, run: &mut Run<'_>| {
        let Judged { value, gradient } = judge(run, iteration, &state.hypers)?;
        run.record(iteration, "objective", value)?;
        state.values.push(value);
        let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        run.record(iteration, "hypergradient_norm", norm)?;
        if iteration < iterations {
            state.update(optimizer, &gradient);
        }
        Ok(())
    };
    learn::repeat("meta-learning", iterations + 1, MetaState::new(initial), advance, run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_of_adam_has_the_step_size_and_later_ones_forget_nothing() {
        let mut state = MetaState::new(vec![1.0, -1.0]);
        state.update(MetaOptimizer::Adam { step: 0.5, beta2: 0.01 }, &[2.0, -8.0]);
        // b1 = .1 at first: m/.1 = g, and sqrt(v/.01) = |g|.
        assert!((state.hypers[0] - (1.0 - 0.5 * 2.0 / 2.0001)).abs() < 1e-12);
        assert!((state.hypers[1] - (-1.0 + 0.5 * 8.0 / 8.0001)).abs() < 1e-12);
        let before = state.hypers[0];
        state.update(MetaOptimizer::Adam { step: 0.5, beta2: 0.01 }, &[2.0, -8.0]);
        // b1 is now 1 - .9e-4, so m = .99991 * 2 + .00009 * .2.
        let b1 = 1.0 - 0.9e-4;
        let (m, v) = (b1 * 2.0 + (1.0 - b1) * 0.2, 0.01 * 4.0 + 0.99 * 0.04);
        let wanted = before - 0.5 * (m / 0.19) / ((v / 0.0199f64).sqrt() + 1e-4);
        assert!((state.hypers[0] - wanted).abs() < 1e-12);
    }

    #[test]
    fn descent_with_mass_follows_its_equation() {
        let mut state = MetaState::new(vec![0.0]);
        let optimizer = MetaOptimizer::Sgd { step: 2.0, mass: 0.5 };
        state.update(optimizer, &[1.0]);
        state.update(optimizer, &[1.0]);
        assert!((state.hypers[0] - 2.0 * (-0.5 - 0.75)).abs() < 1e-15);
    }
}
