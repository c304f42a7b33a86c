//! NumPy's `RandomState`, reproduced draw by draw.

use md5::{Digest, Md5};
use rand_mt::Mt;

/// NumPy's `RandomState`: the Mersenne Twister with the draws that NumPy has had since 2006 and
/// promises to keep.
pub(crate) struct RandomState {
    generator: Mt,
    /// Normals come in pairs: the second of the last one.
    spare: Option<f64>,
}

impl RandomState {
    /// `RandomState(seed)`.
    pub(crate) fn seeded(seed: u32) -> Self {
        Self { generator: Mt::new(seed), spare: None }
    }

    /// The generator of any Python object in the authors' code: its seed is the first 32 bits of the
    /// MD5 of the object's text.
    pub(crate) fn of_text(text: &str) -> Self {
        let digest = Md5::digest(text);
        Self::seeded(digest[..4].iter().fold(0, |seed, &byte| seed << 8 | u32::from(byte)))
    }

    /// `rand()`: 53 bits, in `[0, 1)`.
    fn uniform(&mut self) -> f64 {
        let (high, low) = (self.generator.next_u32() >> 5, self.generator.next_u32() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// `randn()`: a standard normal, by the polar method.
    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = x * x + y * y;
            if square < 1.0 && square != 0.0 {
                let stretch = (-2.0 * square.ln() / square).sqrt();
                self.spare = Some(stretch * x);
                return stretch * y;
            }
        }
    }

    /// `randint(count)`: one of `0..count`, by rejection under a mask of ones.
    pub(crate) fn below(&mut self, count: u32) -> u32 {
        let last = count.saturating_sub(1);
        let mask = u32::MAX.checked_shr(last.leading_zeros()).unwrap_or(0);
        loop {
            let drawn = self.generator.next_u32() & mask;
            if drawn <= last {
                return drawn;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_numpys() {
        // numpy.random.RandomState(0): randn(3), randint(10000, size=4), randn(2).
        let mut rng = RandomState::seeded(0);
        let near = |found: f64, wanted: f64| {
            assert!((found - wanted).abs() < 1e-15, "wanted {wanted}, found {found}");
        };
        for wanted in [1.764052345967664, 0.4001572083672233, 0.9787379841057392] {
            near(rng.normal(), wanted);
        }
        assert_eq!([(); 4].map(|()| rng.below(10_000)), [9225, 7891, 4373, 5874]);
        near(rng.normal(), 2.240893199201458);
        near(rng.normal(), 0.9500884175255894);
    }

    #[test]
    fn texts_are_seeds_by_their_digest() {
        // RandomState(int(md5("(0, 3, 17)").hexdigest()[:8], 16)).
        let mut rng = RandomState::of_text("(0, 3, 17)");
        assert_eq!([(); 4].map(|()| rng.below(10_000)), [2643, 9996, 4179, 3942]);
        assert_eq!([(); 3].map(|()| rng.below(7)), [2, 1, 3]);
        assert_eq!(rng.below(1), 0);
    }
}
