//! Schedules and initial scales as one vector of unconstrained hyper-parameters.

use learn::{Hypergradient, Layout, Schedules};

/// Hyper-parameters of every step and group, as the paper writes them: logarithms of learning rates,
/// logits of momenta, then a logarithm of the initial scale a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packed {
    steps: usize,
    groups: usize,
}

impl Packed {
    pub(crate) fn new(steps: usize, groups: usize) -> Self {
        Self { steps, groups }
    }

    /// The same learning rate and scale for all, and momentum one half.
    pub(crate) fn initial(&self, log_rate: f64, log_scale: f64) -> Vec<f64> {
        let count = self.steps * self.groups;
        [vec![log_rate; count], vec![0.0; count], vec![log_scale; self.groups]].concat()
    }

    /// Learning rates, momenta and scales.
    pub(crate) fn parts<'a>(&self, hypers: &'a [f64]) -> [&'a [f64]; 3] {
        let (rates, rest) = hypers.split_at(self.steps * self.groups);
        let (momenta, scales) = rest.split_at(self.steps * self.groups);
        [rates, momenta, scales]
    }

    /// Learning rates and momenta, `[steps, groups]` each.
    pub(crate) fn unpacked(&self, hypers: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let [rates, momenta, _] = self.parts(hypers);
        (rates.iter().map(|x| x.exp()).collect(), momenta.iter().map(|&x| logistic(x)).collect())
    }

    pub(crate) fn scales(&self, hypers: &[f64]) -> Vec<f64> {
        self.parts(hypers)[2].iter().map(|x| x.exp()).collect()
    }

    /// Derivatives with respect to the packed values.
    pub(crate) fn gradient(
        &self,
        schedules: &Schedules,
        layout: &Layout,
        initial: &[f64],
        found: &Hypergradient,
    ) -> Vec<f64> {
        let mut gradient = Vec::with_capacity((2 * self.steps + 1) * self.groups);
        let place = |at: usize| (at / self.groups, at % self.groups);
        gradient.extend(found.rates.iter().enumerate().map(|(at, slope)| {
            let (step, group) = place(at);
            slope * schedules.rate(step, group)
        }));
        gradient.extend(found.momenta.iter().enumerate().map(|(at, slope)| {
            let (step, group) = place(at);
            let gamma = schedules.momentum(step, group).value();
            slope * gamma * (1.0 - gamma)
        }));
        // w = scale z, so that d/d(log scale) is the sum of w dw.
        gradient.extend(layout.tensors().iter().map(|tensor| {
            let range = tensor.offset..tensor.offset + tensor.len();
            initial[range.clone()]
                .iter()
                .zip(&found.initial[range])
                .map(|(w, d)| w * d)
                .sum::<f64>()
        }));
        gradient
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
