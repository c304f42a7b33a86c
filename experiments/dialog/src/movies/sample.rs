//! Samples of candidates, with the log weights that correct for those left out.

use std::collections::HashMap;
use std::hash::Hash;

use rand::Rng;

use crate::text::index;

/// Distinct things that stand for all there are: some that were chosen, and some that were drawn.
#[derive(Debug)]
pub(super) struct Sample<T> {
    /// Chosen ones first.
    pub(super) order: Vec<T>,
    places: HashMap<T, u32>,
    chosen: usize,
}

impl<T: Copy + Eq + Hash> Default for Sample<T> {
    fn default() -> Self {
        Self { order: Vec::new(), places: HashMap::new(), chosen: 0 }
    }
}

impl<T: Copy + Eq + Hash> Sample<T> {
    /// Adds one that is wanted.
    pub(super) fn choose(&mut self, item: T) {
        self.add(item);
        self.chosen = self.order.len();
    }

    fn add(&mut self, item: T) {
        let next = index(self.order.len());
        if *self.places.entry(item).or_insert(next) == next {
            self.order.push(item);
        }
    }

    /// Adds what `draw` gives until there are `wanted`; repeats and `None` are drawn again, at most
    /// 20 times as often as one is wanted.
    pub(super) fn fill<R: Rng>(
        &mut self,
        wanted: usize,
        rng: &mut R,
        mut draw: impl FnMut(&mut R) -> Option<T>,
    ) {
        for _ in 0..20 * wanted {
            if self.order.len() >= wanted {
                return;
            }
            if let Some(item) = draw(rng) {
                self.add(item);
            }
        }
    }

    /// The place of an item that was added.
    pub(super) fn place(&self, item: T) -> Option<u32> {
        self.places.get(&item).copied()
    }

    /// Writes the logarithm of how many of `all` each one stands for; a place without one stands for
    /// none.
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^24 of anything")]
    pub(super) fn write_log_weights(&self, all: usize, to: &mut [f32]) {
        let (there, absent) = to.split_at_mut(self.order.len());
        let (chosen, drawn) = there.split_at_mut(self.chosen);
        let others = all.saturating_sub(self.chosen) as f32 / drawn.len().max(1) as f32;
        chosen.fill(0.0);
        drawn.fill(others.max(1.0).ln());
        absent.fill(crate::model::ABSENT);
    }
}

#[cfg(test)]
mod tests {
    use experiment::Stream;
    use rand::RngExt;

    use super::*;

    #[test]
    fn what_was_drawn_stands_for_all_that_was_not_chosen() {
        let mut sample = Sample::default();
        [7, 3, 7].into_iter().for_each(|item| sample.choose(item));
        let mut rng = Stream::new(0, "sample").rng(0);
        sample.fill(4, &mut rng, |rng| Some(rng.random_range(0..10)).filter(|item| *item != 5));
        assert_eq!((sample.order.len(), sample.place(3), sample.place(5)), (4, Some(1), None));
        let mut weights = [9.0; 5];
        sample.write_log_weights(10, &mut weights);
        assert_eq!(weights[..4], [0.0, 0.0, 4.0_f32.ln(), 4.0_f32.ln()]);
        assert!(weights[4] < -1e29);
        sample.fill(20, &mut rng, |rng| Some(rng.random_range(0..10)).filter(|item| *item != 5));
        assert_eq!(sample.order.len(), 9, "there are no more");
    }
}
