//! Which sentences a batch has, and which of the shapes.
//!
//! An epoch takes the training pairs in batches of about one length, in an order of its own. Batch and
//! epoch are functions of the stream and the batch's number.

use std::cell::RefCell;

use experiment::Stream;
use rand::{Rng, RngExt, seq::SliceRandom};

/// Where the random generators of epochs begin among those of batches.
const EPOCHS: u64 = 1 << 63;

/// How long the two sides of a pair are, or of the pairs of a batch at most: the source with its end, and
/// the target with its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Extents {
    pub(crate) source: usize,
    pub(crate) target: usize,
}

impl Extents {
    /// The longer side.
    pub(crate) fn longest(self) -> usize {
        self.source.max(self.target)
    }

    /// What has room for both.
    pub(crate) fn around(self, other: Self) -> Self {
        let Self { source, target } = other;
        Self { source: self.source.max(source), target: self.target.max(target) }
    }
}

/// Extents of the shapes that batches have, from the smallest to the largest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lengths(Vec<Extents>);

/// Hundredths of the pairs that the shapes before the last have room for.
const SHARES: [usize; 5] = [20, 45, 70, 88, 97];

impl Lengths {
    /// Six for texts, both sides of which have the length of the longer one, that share the pairs about
    /// evenly; the last one is a quarter above the longest, for targets that are longer than their
    /// reference.
    pub(crate) fn of_texts(each: &[Extents]) -> Self {
        let mut sorted: Vec<usize> = each.iter().map(|of| of.longest()).collect();
        sorted.sort_unstable();
        let at = |hundredths: usize| sorted[(sorted.len() - 1) * hundredths / 100];
        let mut shapes: Vec<usize> = SHARES.map(|share| at(share) + 1).to_vec();
        shapes.push(at(100) + at(100) / 4 + 1);
        shapes.dedup();
        Self(shapes.into_iter().map(|both| Extents { source: both, target: both }).collect())
    }

    /// Six for speech, which share the pairs by the length of the source about evenly; targets have room
    /// for half as many tokens again.
    pub(crate) fn of_speech(each: &[Extents]) -> Self {
        let mut sorted = each.to_vec();
        sorted.sort_unstable_by_key(|of| of.source);
        let mut shapes = Vec::new();
        for hundredths in SHARES.into_iter().chain([100]) {
            let within = &sorted[..=(sorted.len() - 1) * hundredths / 100];
            let longest = within.iter().copied().fold(Extents::default(), Extents::around);
            shapes.push(Extents { target: longest.target + longest.target / 2, ..longest });
        }
        shapes.dedup();
        Self(shapes)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The extents of a shape.
    pub(crate) fn extents(&self, shape: usize) -> Extents {
        self.0[shape]
    }

    /// The largest extents.
    pub(crate) fn longest(&self) -> Extents {
        self.0[self.0.len() - 1]
    }

    /// The smallest shape that has room for extents that are not above the largest.
    pub(crate) fn fitting(&self, of: Extents) -> usize {
        self.0.partition_point(|shape| shape.source < of.source || shape.target < of.target)
    }
}

/// The batches of every epoch.
#[derive(Debug)]
pub(crate) struct Batches {
    /// Of each training pair the length that it is sorted by.
    lengths: Vec<usize>,
    rows: usize,
    /// The epoch that was asked for last.
    last: RefCell<Option<Epoch>>,
}

#[derive(Debug)]
struct Epoch {
    /// What tells it from others: the first draw of its generator.
    tag: u64,
    /// The pairs of each batch.
    batches: Vec<Vec<u32>>,
}

impl Batches {
    /// Batches of `rows` pairs, or of all where there are fewer.
    pub(crate) fn new(lengths: Vec<usize>, rows: usize) -> Self {
        let rows = rows.min(lengths.len());
        Self { lengths, rows, last: RefCell::new(None) }
    }

    /// Pairs a batch.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Batches an epoch; pairs that would not fill one are left out of it.
    pub(crate) fn per_epoch(&self) -> u64 {
        (self.lengths.len() / self.rows) as u64
    }

    /// The pairs of batch `index`.
    pub(crate) fn pairs(&self, stream: &Stream, index: u64) -> Vec<u32> {
        let mut rng = stream.rng(EPOCHS + index / self.per_epoch());
        let tag = rng.random();
        let mut last = self.last.borrow_mut();
        let epoch = match last.take() {
            Some(epoch) if epoch.tag == tag => epoch,
            _ => Epoch { tag, batches: self.epoch(&mut rng) },
        };
        let at = usize::try_from(index % self.per_epoch()).expect("an epoch fits into memory");
        last.insert(epoch).batches[at].clone()
    }

    fn epoch(&self, rng: &mut impl Rng) -> Vec<Vec<u32>> {
        let count = u32::try_from(self.lengths.len()).expect("fewer than 2^32 training pairs");
        let mut pairs: Vec<u32> = (0..count).collect();
        pairs.shuffle(rng);
        pairs.truncate(pairs.len() / self.rows * self.rows);
        pairs.sort_by_key(|&pair| self.lengths[pair as usize]);
        let mut batches: Vec<Vec<u32>> = pairs.chunks(self.rows).map(<[u32]>::to_vec).collect();
        batches.shuffle(rng);
        batches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_takes_every_pair_once_in_batches_of_one_length() {
        let lengths: Vec<usize> = (0..103).map(|i| 3 + i * 7 % 40).collect();
        let batches = Batches::new(lengths.clone(), 10);
        let stream = Stream::new(1, "batches");
        let epoch = |epoch: u64| -> Vec<Vec<u32>> {
            (0..10).map(|at| batches.pairs(&stream, epoch * 10 + at)).collect()
        };
        assert_eq!(batches.per_epoch(), 10);
        let first = epoch(0);
        let mut taken = first.concat();
        taken.sort_unstable();
        taken.dedup();
        assert_eq!(taken.len(), 100);
        for batch in &first {
            let of = |pair: &u32| lengths[*pair as usize];
            let (least, most) = (batch.iter().map(of).min(), batch.iter().map(of).max());
            assert!(most.unwrap() - least.unwrap() <= 8);
        }
        assert_ne!(epoch(1), first);
        assert_eq!(epoch(0), first);
        let other = batches.pairs(&Stream::new(2, "batches"), 0);
        assert_ne!(other, first[0]);
        assert_eq!(Batches::new(vec![4; 3], 10).per_epoch(), 1);
    }

    #[test]
    fn shapes_have_room_for_every_length() {
        let both = |length| Extents { source: length, target: length };
        let lengths: Vec<Extents> = (1..=100).map(both).collect();
        let shapes = Lengths::of_texts(&lengths);
        assert_eq!(shapes.longest(), both(126));
        assert_eq!(shapes.extents(0), both(20 + 1));
        assert_eq!((shapes.fitting(both(1)), shapes.fitting(both(20))), (0, 0));
        for length in 1..=shapes.longest().source {
            let shape = shapes.fitting(both(length));
            assert!(shapes.extents(shape).source >= length);
            assert!(shape == 0 || shapes.extents(shape - 1).source < length);
        }
        assert_eq!(Lengths::of_texts(&[both(5); 3]).count(), 2);
    }

    #[test]
    fn shapes_of_speech_have_room_for_longer_targets() {
        let each: Vec<Extents> =
            (1..=100).map(|n| Extents { source: 10 * n, target: 2 + n / 25 }).collect();
        let shapes = Lengths::of_speech(&each);
        assert_eq!(shapes.extents(0), Extents { source: 200, target: 3 });
        assert_eq!(shapes.longest(), Extents { source: 1000, target: 9 });
        assert_eq!(shapes.fitting(Extents { source: 30, target: 2 }), 0);
        // The target alone needs more room.
        let shape = shapes.extents(shapes.fitting(Extents { source: 30, target: 7 }));
        assert!(shape.target >= 7 && shape.source > 200, "{shape:?}");
    }
}
