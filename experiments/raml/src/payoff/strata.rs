//! Draws from a finite distribution given by logarithms of weights.

use rand::{Rng, RngExt};

/// A distribution over kinds of draws.
#[derive(Debug, Clone)]
pub(super) struct Strata<T> {
    kinds: Vec<T>,
    /// Sums of the weights up to each kind, the largest weight being 1.
    cumulative: Vec<f64>,
    log_total: f64,
}

impl<T: Copy> Strata<T> {
    /// Of kinds with the logarithms of their weights, of which one at least is finite.
    pub(super) fn new(weighted: impl IntoIterator<Item = (T, f64)>) -> Self {
        let (kinds, logs): (Vec<T>, Vec<f64>) = weighted.into_iter().unzip();
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut total = 0.0;
        let cumulative = logs.iter().map(|log| {
            total += (log - largest).exp();
            total
        });
        let cumulative: Vec<f64> = cumulative.collect();
        Self { kinds, log_total: largest + total.ln(), cumulative }
    }

    /// A kind.
    pub(super) fn draw(&self, rng: &mut impl Rng) -> T {
        let last = self.cumulative.len() - 1;
        let at = rng.random::<f64>() * self.cumulative[last];
        self.kinds[self.cumulative.partition_point(|&sum| sum <= at).min(last)]
    }

    /// The kinds with their probabilities.
    pub(super) fn probabilities(&self) -> impl Iterator<Item = (T, f64)> {
        let total = self.cumulative[self.cumulative.len() - 1];
        let mut before = 0.0;
        self.kinds.iter().zip(&self.cumulative).map(move |(&kind, &sum)| {
            let weight = sum - before;
            before = sum;
            (kind, weight / total)
        })
    }

    /// Logarithm of the sum of the weights.
    pub(super) fn log_total(&self) -> f64 {
        self.log_total
    }
}

/// Logarithms of factorials.
#[derive(Debug, Clone)]
pub(super) struct Factorials(Vec<f64>);

impl Factorials {
    /// Up to that of `most`.
    pub(super) fn up_to(most: usize) -> Self {
        let mut logs = vec![0.0; most + 1];
        for n in 1..=most {
            logs[n] = logs[n - 1] + count(n).ln();
        }
        Self(logs)
    }

    /// Logarithm of the number of ways to choose `k` of `n`.
    pub(super) fn choose(&self, n: usize, k: usize) -> f64 {
        self.0[n] - self.0[k] - self.0[n - k]
    }
}

#[expect(clippy::cast_precision_loss, reason = "lengths of sequences stay far below 2^52")]
pub(super) fn count(n: usize) -> f64 {
    n as f64
}

/// Walks through `of` places and says of each whether it is one of `chosen`, all choices being equally
/// likely (selection sampling, Knuth 3.4.2 S).
pub(super) struct Choice {
    chosen: u32,
    of: u32,
}

impl Choice {
    pub(super) fn new(chosen: usize, of: usize) -> Self {
        let short = |n| u32::try_from(n).expect("a sequence is shorter than 2^32");
        Self { chosen: short(chosen), of: short(of) }
    }

    /// How many are still to be chosen.
    pub(super) fn left(&self) -> u32 {
        self.chosen
    }

    /// Whether the next place is chosen.
    pub(super) fn next(&mut self, rng: &mut impl Rng) -> bool {
        let chosen = self.chosen > 0 && super::below(self.of, rng) < self.chosen;
        self.of -= 1;
        self.chosen -= u32::from(chosen);
        chosen
    }
}
