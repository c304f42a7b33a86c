//! Which sentences a batch has, and which of the shapes.
//!
//! An epoch takes the training pairs in batches of about one length, in an order of its own. Batch and
//! epoch are functions of the stream and the batch's number.

use std::cell::RefCell;

use experiment::Stream;
use rand::{Rng, RngExt, seq::SliceRandom};

/// Where the random generators of epochs begin among those of batches.
const EPOCHS: u64 = 1 << 63;

/// Extents of the shapes that batches have: the longest side of a pair, the end included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lengths(Vec<usize>);

impl Lengths {
    /// Six that share the pairs, of which each has the given length of its longest side, about evenly; the
    /// last one is a quarter above the longest, for targets that are longer than their reference.
    pub(crate) fn of(lengths: &[usize]) -> Self {
        let mut sorted = lengths.to_vec();
        sorted.sort_unstable();
        let at = |hundredths: usize| sorted[(sorted.len() - 1) * hundredths / 100];
        let mut shapes: Vec<usize> = [20, 45, 70, 88, 97].map(|share| at(share) + 1).to_vec();
        shapes.push(at(100) + at(100) / 4 + 1);
        shapes.dedup();
        Self(shapes)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The extent of a shape.
    pub(crate) fn extent(&self, shape: usize) -> usize {
        self.0[shape]
    }

    /// The largest extent.
    pub(crate) fn longest(&self) -> usize {
        self.0[self.0.len() - 1]
    }

    /// The smallest shape that has room for a length that is not above the largest extent.
    pub(crate) fn fitting(&self, length: usize) -> usize {
        self.0.partition_point(|&extent| extent < length)
    }
}

/// The batches of every epoch.
#[derive(Debug)]
pub(crate) struct Batches {
    /// Of each training pair the length of its longest side.
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
        let lengths: Vec<usize> = (1..=100).collect();
        let shapes = Lengths::of(&lengths);
        assert_eq!(shapes.longest(), 126);
        assert_eq!((shapes.extent(0), shapes.fitting(1), shapes.fitting(20)), (20 + 1, 0, 0));
        for length in 1..=shapes.longest() {
            let shape = shapes.fitting(length);
            assert!(shapes.extent(shape) >= length);
            assert!(shape == 0 || shapes.extent(shape - 1) < length);
        }
        assert_eq!(Lengths::of(&[5, 5, 5]).count(), 2);
    }
}
