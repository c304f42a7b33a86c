//! Bootstrap confidence intervals of means.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use rayon::prelude::*;
use serde::Serialize;

use super::describe::quantile;

/// Samples that are drawn from together.
const LANES: usize = 8;

/// How a bootstrap draws; its numbers are a function of the seed, the draw and the values alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bootstrap {
    /// Seed of the draws.
    pub seed: u64,
    /// How many draws.
    pub draws: u32,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { seed: 2016, draws: 10_000 }
    }
}

impl Bootstrap {
    /// The 95 % percentile interval of the mean; none of fewer than two values.
    pub fn interval(&self, values: &[f64]) -> Option<[f64; 2]> {
        self.intervals(&[values]).remove(0)
    }

    /// [`interval`](Self::interval) of every sample.
    ///
    /// Samples of one size are drawn from by the same random indices, so that these are made once
    /// for several samples.
    pub fn intervals<S: AsRef<[f64]> + Sync>(&self, samples: &[S]) -> Vec<Option<[f64; 2]>> {
        let size = |at: usize| samples[at].as_ref().len();
        let mut by_size: Vec<usize> = (0..samples.len()).filter(|at| size(*at) > 1).collect();
        by_size.sort_by_key(|at| size(*at));
        let groups: Vec<&[usize]> = by_size
            .chunk_by(|a, b| size(*a) == size(*b))
            .flat_map(|same| same.chunks(LANES))
            .collect();
        let of_group = |group: &&[usize]| {
            let group: Vec<&[f64]> = group.iter().map(|at| samples[*at].as_ref()).collect();
            // A lane that nobody uses costs memory, which is what a large sample waits for.
            match group.len() {
                1 => self.of_group::<1>(&group),
                2 => self.of_group::<2>(&group),
                3 | 4 => self.of_group::<4>(&group),
                _ => self.of_group::<LANES>(&group),
            }
        };
        let of_groups: Vec<_> = groups.par_iter().map(of_group).collect();
        let mut intervals = vec![None; samples.len()];
        for (group, found) in groups.iter().zip(of_groups) {
            for (at, interval) in group.iter().zip(found) {
                intervals[*at] = interval;
            }
        }
        intervals
    }

    /// Intervals of at most `N` samples of one size.
    fn of_group<const N: usize>(&self, samples: &[&[f64]]) -> Vec<Option<[f64; 2]>> {
        let n = samples[0].len();
        // Sums of huge values would be beyond all numbers.
        let scales: [f64; N] =
            std::array::from_fn(|at| samples.get(at).map_or(1.0, |values| scale(values)));
        let lane = |at: usize, item: usize| {
            samples.get(at).map_or(0.0, |values| values[item] * scales[at])
        };
        let items: Vec<[f64; N]> =
            (0..n).map(|item| std::array::from_fn(|at| lane(at, item))).collect();
        let sums = |draw: u32| {
            let mut draw = self.draw(draw);
            let mut sums = [-0.0; N];
            for _ in 0..n {
                let item = &items[draw.index(n)];
                for (sum, value) in sums.iter_mut().zip(item) {
                    *sum += value;
                }
            }
            sums
        };
        let sums: Vec<[f64; N]> = (0..self.draws).into_par_iter().map(sums).collect();
        let interval = |at: usize| {
            let mut means: Vec<f64> =
                sums.iter().map(|sums| sums[at] / n as f64 / scales[at]).collect();
            means.sort_unstable_by(f64::total_cmp);
            Some([quantile(&means, 0.025)?, quantile(&means, 0.975)?])
        };
        (0..samples.len()).map(interval).collect()
    }

    pub(super) fn draw(&self, number: u32) -> Draw {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(number.into());
        Draw(rng)
    }
}

/// A power of two by which the values can be multiplied so that no sum of as many of them overflows:
/// 1 for all but huge ones, so that no bit of others changes.
fn scale(values: &[f64]) -> f64 {
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let is_huge = largest.is_finite() && !(largest * values.len() as f64).is_finite();
    if is_huge { 2.0_f64.powi(-64) } else { 1.0 }
}

/// The random indices of one draw.
pub(super) struct Draw(ChaCha8Rng);

impl Draw {
    /// An index below `n`, uniform up to n / 2^64.
    pub(super) fn index(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_interval_around_the_mean() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        let bootstrap = Bootstrap::default();
        let [low, high] = bootstrap.interval(&values).unwrap();
        assert_eq!(bootstrap.interval(&values), Some([low, high]));
        assert!(1.0 < low && low < 3.0 && 3.0 < high && high < 5.0, "{low} {high}");
        assert_eq!(bootstrap.interval(&[2.0, 2.0]), Some([2.0, 2.0]));
        assert_eq!(bootstrap.interval(&[2.0]), None);
    }

    #[test]
    fn huge_values_have_an_interval() {
        let bootstrap = Bootstrap::default();
        assert_eq!(bootstrap.interval(&[1e308, 1e308]), Some([1e308, 1e308]));
        let [low, high] = bootstrap.interval(&[1e308, 1.5e308, 1.7e308]).unwrap();
        assert!(1e308 <= low && low < high && high <= 1.7e308, "{low} {high}");
    }

    #[test]
    fn samples_do_not_change_each_other() {
        let bootstrap = Bootstrap { seed: 3, draws: 200 };
        let sample = |at: usize| -> Vec<f64> {
            (0..at % 5).map(|item| (item * item + at) as f64 / 7.0).collect()
        };
        let samples: Vec<Vec<f64>> = (0..60).map(sample).collect();
        let alone: Vec<_> = samples.iter().map(|values| bootstrap.interval(values)).collect();
        assert_eq!(bootstrap.intervals(&samples), alone);
        assert_eq!(alone.iter().filter(|interval| interval.is_some()).count(), 36);
    }

    #[test]
    fn an_interval_is_of_the_means_of_draws() {
        let bootstrap = Bootstrap { seed: 5, draws: 3 };
        let values = [1.0, 10.0, 100.0];
        let mean = |draw| {
            let mut draw = bootstrap.draw(draw);
            (0..3).map(|_| values[draw.index(3)]).sum::<f64>() / 3.0
        };
        let mut means = [0, 1, 2].map(mean);
        means.sort_unstable_by(f64::total_cmp);
        let expected = [0.025, 0.975].map(|q| quantile(&means, q).unwrap());
        assert_eq!(bootstrap.interval(&values), Some(expected));
    }
}
