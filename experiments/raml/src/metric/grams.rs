//! Counts of n-grams that two sequences share.

use std::ops::{BitOr, Shl};

/// What two sequences have of one order of n-grams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shared {
    /// In both, each as often as the sequence that has fewer of it.
    pub(super) matches: u64,
    /// In the candidate.
    pub(super) candidate: u64,
    /// In the reference.
    pub(super) reference: u64,
}

/// Two sequences, and room for what they have in common.
///
/// Where the reference is short, each token of the candidate has a set of places in the reference, and an
/// n-gram is where the sets of its tokens, moved, meet. Otherwise n-grams are sorted: tokens are numbered
/// anew by their rank in the reference, from 1 on, so that an n-gram fits into a word; tokens that the
/// reference does not have are 0, and so are in no n-gram that is shared.
#[derive(Debug, Default)]
pub(super) struct Grams {
    /// Numbers of tokens of the two.
    lengths: (usize, usize),
    places: Vec<u128>,
    candidate: Vec<u32>,
    reference: Vec<u32>,
    known: Vec<u32>,
    narrow: [Vec<u64>; 2],
    wide: [Vec<u128>; 2],
}

impl Grams {
    /// Takes two sequences of fewer than 2^21 tokens.
    pub(super) fn set(&mut self, candidate: &[u32], reference: &[u32]) {
        self.lengths = (candidate.len(), reference.len());
        if reference.len() <= u128::BITS as usize {
            self.place(candidate, reference);
        } else {
            self.rank(candidate, reference);
        }
    }

    fn place(&mut self, candidate: &[u32], reference: &[u32]) {
        let places = |token: &u32| {
            reference.iter().rev().fold(0, |all, other| all << 1 | u128::from(other == token))
        };
        self.places.clear();
        self.places.extend(candidate.iter().map(places));
    }

    fn rank(&mut self, candidate: &[u32], reference: &[u32]) {
        self.known.clear();
        self.known.extend_from_slice(reference);
        self.known.sort_unstable();
        self.known.dedup();
        let rank = |token: &u32| {
            let found = self.known.binary_search(token).map_or(0, |at| at + 1);
            u32::try_from(found).expect("a sequence is shorter than 2^32")
        };
        self.candidate.clear();
        self.candidate.extend(candidate.iter().map(rank));
        self.reference.clear();
        self.reference.extend(reference.iter().map(rank));
    }

    /// What they share of n-grams of `order` tokens, 6 at most.
    pub(super) fn shared(&mut self, order: usize) -> Shared {
        let (candidate, reference) = self.lengths;
        let grams = |tokens: usize| (tokens + 1).saturating_sub(order) as u64;
        let bits = usize::BITS - self.known.len().leading_zeros();
        let sides = [&self.candidate[..], &self.reference];
        let matches = if reference <= u128::BITS as usize {
            met(&self.places, order)
        } else if order as u32 * bits <= u64::BITS {
            matches(sides, &mut self.narrow, order, bits)
        } else {
            matches(sides, &mut self.wide, order, bits)
        };
        Shared { matches, candidate: grams(candidate), reference: grams(reference) }
    }
}

/// N-grams of the candidate, each with a place of its own in the reference.
fn met(places: &[u128], order: usize) -> u64 {
    let (mut taken, mut matches) = (0, 0);
    for window in places.windows(order) {
        let met = |all: u128, (at, places): (u32, &u128)| all & places >> at;
        let all = (0..).zip(window).fold(u128::MAX, met);
        let free = all & !taken;
        taken |= free & free.wrapping_neg();
        matches += u64::from(free != 0);
    }
    matches
}

/// N-grams that two sequences share, clipped.
fn matches<T>(sides: [&[u32]; 2], room: &mut [Vec<T>; 2], order: usize, bits: u32) -> u64
where
    T: Copy + Ord + From<u32> + Shl<u32, Output = T> + BitOr<Output = T>,
{
    for (tokens, grams) in sides.into_iter().zip(&mut *room) {
        grams.clear();
        let known = tokens.windows(order).filter(|window| !window.contains(&0));
        let gram = |window: &[u32]| {
            window.iter().fold(T::from(0), |gram, &token| gram << bits | T::from(token))
        };
        grams.extend(known.map(gram));
        grams.sort_unstable();
    }
    let [candidate, reference] = &*room;
    let (mut a, mut b, mut matches) = (0, 0, 0);
    while a < candidate.len() && b < reference.len() {
        let order = candidate[a].cmp(&reference[b]);
        matches += u64::from(order.is_eq());
        a += usize::from(order.is_le());
        b += usize::from(order.is_ge());
    }
    matches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grams_are_clipped() {
        let mut grams = Grams::default();
        grams.set(&[7, 7, 7, 1, u32::MAX], &[7, 7, 2, 1]);
        assert_eq!(grams.shared(1), Shared { matches: 3, candidate: 5, reference: 4 });
        assert_eq!(grams.shared(2), Shared { matches: 1, candidate: 4, reference: 3 });
        assert_eq!(grams.shared(6), Shared::default());
    }

    #[test]
    fn every_length_is_counted_whatever_the_way() {
        let mut grams = Grams::default();
        for length in [7, 127, 128, 129, 130, 5000] {
            let tokens: Vec<u32> = (0..length).collect();
            grams.set(&tokens, &tokens[1..]);
            for order in 1..=6 {
                let matches = u64::from(length) - order as u64;
                let wanted = Shared { matches, candidate: matches + 1, reference: matches };
                assert_eq!(grams.shared(order), wanted, "{length}");
            }
        }
    }

    #[test]
    fn both_ways_count_the_same() {
        let drawn = |seed: u32| -> Vec<u32> {
            (0..100).map(|i| (i * i * 31 + i * seed * 17 + seed) % 7 / 2).collect()
        };
        let mut grams = Grams::default();
        for seed in 0..50 {
            let (candidate, reference) = (drawn(seed), drawn(seed + 1));
            grams.set(&candidate, &reference);
            let found: Vec<u64> = (1..=6).map(|order| grams.shared(order).matches).collect();
            grams.rank(&candidate, &reference);
            let sides = [&grams.candidate[..], &grams.reference];
            let sorted = (1..=6).map(|order| matches(sides, &mut grams.wide, order, 8));
            assert_eq!(found, sorted.collect::<Vec<u64>>());
        }
    }
}
