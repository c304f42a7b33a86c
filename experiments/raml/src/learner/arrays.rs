//! The arrays of a batch, and what a batch that was drawn writes into them.

use learn::layers::Dropout;
use learn::{Batch, Field, Fields};

use crate::batches::Lengths;
use crate::corpus::{Encoded, Pieces};

/// The arrays of a batch.
pub(super) struct Arrays {
    pub(super) fields: Fields,
    /// Sentences, `[places, batch]`.
    pub(super) source: Field<u32>,
    /// 1 for their places, `[places, batch]`.
    pub(super) mask: Field<f32>,
    /// The piece before each that is to be said, `[steps, batch]`.
    pub(super) before: Field<u32>,
    /// What is to be said, `[steps, batch]`.
    pub(super) said: Field<u32>,
    /// 1 where something is to be said, `[steps, batch]`.
    pub(super) open: Field<f32>,
    /// 1 over the number of pieces to be said, `[1]`.
    pub(super) share: Field<f32>,
    /// What each sentence counts, `[batch]`.
    pub(super) worth: Field<f32>,
    /// Keys of dropout.
    pub(super) keys: Field<u32>,
    /// Weights of a teacher.
    pub(super) teacher: Option<Field<f32>>,
    rows: usize,
}

/// A batch that was drawn.
#[derive(Debug, Clone, Default)]
pub(super) struct Drawn {
    /// What tells it from others: the first draw of its generator.
    pub(super) tag: u64,
    pub(super) pairs: Vec<u32>,
    /// What is to be said, without the end.
    pub(super) targets: Vec<Vec<u32>>,
    /// What is given in place of the targets as the pieces before, where that is something else.
    pub(super) given: Option<Vec<Vec<u32>>>,
    /// What each sentence counts, where that is not 1.
    pub(super) worth: Option<Vec<f32>>,
    pub(super) keys: Vec<u32>,
}

impl Arrays {
    /// For batches of `rows` pairs; a teacher has `teacher` weights.
    pub(super) fn new(
        lengths: &Lengths,
        rows: usize,
        dropouts: usize,
        teacher: Option<usize>,
    ) -> Self {
        let mut fields = Fields::with_buckets(lengths.count());
        let shape = |bucket| vec![lengths.extent(bucket), rows];
        Self {
            source: fields.index_by("source", shape),
            mask: fields.float_by("mask", shape),
            before: fields.index_by("before", shape),
            said: fields.index_by("said", shape),
            open: fields.float_by("open", shape),
            share: fields.float("share", &[1]),
            worth: fields.float("worth", &[rows]),
            keys: fields.index("keys", &[dropouts, Dropout::WORDS]),
            teacher: teacher.map(|weights| fields.fixed_float("teacher", &[weights])),
            rows,
            fields,
        }
    }

    /// Writes a batch.
    pub(super) fn fill(&self, drawn: &Drawn, train: &[Encoded], batch: &mut Batch) {
        batch[self.source].fill(u32::MAX);
        batch[self.mask].fill(0.0);
        batch[self.before].fill(u32::MAX);
        batch[self.said].fill(u32::MAX);
        batch[self.open].fill(0.0);
        for (row, &pair) in drawn.pairs.iter().enumerate() {
            for (place, &piece) in train[pair as usize].source.iter().enumerate() {
                batch[self.source][place * self.rows + row] = piece;
                batch[self.mask][place * self.rows + row] = 1.0;
            }
            let target = &drawn.targets[row];
            let given = drawn.given.as_ref().map_or(target, |given| &given[row]);
            let said = target.iter().copied().chain([Pieces::END]);
            let before = [Pieces::BEGIN].into_iter().chain(given.iter().copied());
            for (step, (before, said)) in before.zip(said).enumerate() {
                batch[self.before][step * self.rows + row] = before;
                batch[self.said][step * self.rows + row] = said;
                batch[self.open][step * self.rows + row] = 1.0;
            }
        }
        let said: usize = drawn.targets.iter().map(|target| target.len() + 1).sum();
        #[expect(clippy::cast_precision_loss, reason = "a batch has far fewer than 2^24 pieces")]
        batch[self.share].fill(1.0 / said as f32);
        match &drawn.worth {
            Some(worth) => batch[self.worth].copy_from_slice(worth),
            None => batch[self.worth].fill(1.0),
        }
        batch[self.keys].copy_from_slice(&drawn.keys);
    }
}
