use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use serde::Serialize;

use super::describe::quantile;

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
        if values.len() < 2 {
            return None;
        }
        let mut means: Vec<f64> = (0..self.draws)
            .map(|draw| {
                let mut draw = self.draw(draw);
                let sum: f64 = values.iter().map(|_| values[draw.index(values.len())]).sum();
                sum / values.len() as f64
            })
            .collect();
        means.sort_unstable_by(f64::total_cmp);
        Some([quantile(&means, 0.025)?, quantile(&means, 0.975)?])
    }

    pub(super) fn draw(&self, number: u32) -> Draw {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(number.into());
        Draw(rng)
    }
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
}
