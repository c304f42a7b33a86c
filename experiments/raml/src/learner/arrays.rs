//! The arrays of a batch, and what a batch that was drawn writes into them.

use learn::layers::Dropout;
use learn::{Batch, Field, Fields};

use crate::batches::Lengths;
use crate::corpus::{Encoded, Pieces};
use crate::source::{Kind, SourceFields};

/// The arrays of a batch.
pub(super) struct Arrays {
    pub(super) fields: Fields,
    pub(super) source: SourceFields,
    pub(super) target: TargetFields,
    /// 1 over the number of pieces to be said, `[1]`.
    pub(super) share: Field<f32>,
    /// What each sentence counts, `[batch]`.
    pub(super) worth: Field<f32>,
    /// Keys of dropout.
    pub(super) keys: Field<u32>,
    /// Weights of a teacher.
    pub(super) teacher: Option<Field<f32>>,
}

/// The arrays that targets are written to.
#[derive(Debug, Clone, Copy)]
pub(super) struct TargetFields {
    /// The piece before each that is to be said, `[steps, batch]`.
    pub(super) before: Field<u32>,
    /// What is to be said, `[steps, batch]`.
    pub(super) said: Field<u32>,
    /// 1 where something is to be said, `[steps, batch]`.
    pub(super) open: Field<f32>,
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

impl TargetFields {
    /// For `rows` targets of up to `steps(bucket)` pieces, the end included.
    pub(super) fn new(fields: &mut Fields, rows: usize, steps: impl Fn(usize) -> usize) -> Self {
        let shape = |bucket| vec![steps(bucket), rows];
        Self {
            before: fields.index_by("before", shape),
            said: fields.index_by("said", shape),
            open: fields.float_by("open", shape),
            rows,
        }
    }

    /// Writes a target into each row: what is said, and what is given as the pieces before.
    pub(super) fn write<'a>(
        &self,
        batch: &mut Batch,
        targets: impl IntoIterator<Item = (&'a [u32], &'a [u32])>,
    ) {
        batch[self.before].fill(u32::MAX);
        batch[self.said].fill(u32::MAX);
        batch[self.open].fill(0.0);
        for (row, (said, given)) in targets.into_iter().enumerate() {
            let said = said.iter().copied().chain([Pieces::END]);
            let before = [Pieces::BEGIN].into_iter().chain(given.iter().copied());
            for (step, (before, said)) in before.zip(said).enumerate() {
                batch[self.before][step * self.rows + row] = before;
                batch[self.said][step * self.rows + row] = said;
                batch[self.open][step * self.rows + row] = 1.0;
            }
        }
    }
}

impl Arrays {
    /// For batches of `rows` pairs; a teacher has `teacher` weights.
    pub(super) fn new(
        kind: Kind,
        lengths: &Lengths,
        rows: usize,
        dropouts: usize,
        teacher: Option<usize>,
    ) -> Self {
        let mut fields = Fields::with_buckets(lengths.count());
        let places = |bucket| lengths.extents(bucket).source;
        let steps = |bucket| lengths.extents(bucket).target;
        Self {
            source: SourceFields::new(&mut fields, kind, rows, places),
            target: TargetFields::new(&mut fields, rows, steps),
            share: fields.float("share", &[1]),
            worth: fields.float("worth", &[rows]),
            keys: fields.index("keys", &[dropouts, Dropout::WORDS]),
            teacher: teacher.map(|weights| fields.fixed_float("teacher", &[weights])),
            fields,
        }
    }

    /// Writes a batch.
    pub(super) fn fill(&self, drawn: &Drawn, train: &[Encoded], batch: &mut Batch) {
        let sources = drawn.pairs.iter().map(|&pair| &train[pair as usize].source);
        self.source.write(batch, sources);
        let given = drawn.given.as_ref().unwrap_or(&drawn.targets);
        let targets = drawn.targets.iter().zip(given);
        self.target.write(batch, targets.map(|(said, given)| (&said[..], &given[..])));
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
