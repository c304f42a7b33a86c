//! Batches of clips of about one length.

use experiment::Stream;
use learn::{Batch, BatchVars, Field, Fields};
use rand::seq::SliceRandom;

use crate::clips::{Clips, View};
use crate::many::Many;
use crate::pool::{Sequences, approximate_weights};

/// A generator of this number and above draws the order of an epoch, others what is seen of clips.
const EPOCHS: u64 = 1 << 40;

/// The arrays of a batch of clips, which has as many frames a clip as its bucket says.
#[derive(Debug, Clone)]
pub(crate) struct ClipFields {
    /// Clips of a batch.
    pub(crate) batch: usize,
    /// The most frames of a clip in each bucket, ascending.
    buckets: Vec<usize>,
    frames: Field<f32>,
    lengths: Field<u32>,
    backwards: Field<u32>,
    last: Field<u32>,
    mean: Field<f32>,
    ranks: Field<f32>,
    mask: Field<f32>,
    /// The class of each clip, and of each frame.
    classes: Field<u32>,
    frame_classes: Field<u32>,
    /// One over the number of clips and of frames.
    shares: Field<f32>,
    /// Where clips are of any number of classes.
    many: Option<Many>,
}

/// Clips that are one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) bucket: usize,
    pub(crate) clips: Vec<usize>,
}

/// At most `count` lengths such that every one of `lengths` is at most the largest of them and each
/// serves about as many.
pub(crate) fn buckets(mut lengths: Vec<usize>, count: usize) -> Vec<usize> {
    lengths.sort_unstable();
    let last = lengths.len().saturating_sub(1);
    let quantile = |part: usize| lengths.get(last * part / count).copied().unwrap_or(1).max(1);
    let mut buckets: Vec<usize> = (1..=count).map(quantile).collect();
    buckets.dedup();
    buckets
}

impl ClipFields {
    /// Declares the arrays of batches of `batch` clips like these, with so many frames at most.
    pub(crate) fn declare(batch: usize, buckets: &[usize], clips: &Clips) -> (Self, Fields) {
        let shape = &clips.shape;
        let mut fields = Fields::with_buckets(buckets.len());
        let all = |bucket: usize| batch * buckets[bucket];
        let each = |bucket: usize| vec![batch, buckets[bucket]];
        let many = clips.many.then(|| Many::declare(&mut fields, batch, clips, all));
        let own = Self {
            many,
            batch,
            buckets: buckets.into(),
            frames: fields.float_by("frames", |bucket| [&[all(bucket)], &shape[..]].concat()),
            lengths: fields.index("lengths", &[batch]),
            backwards: fields.index_by("backwards", each),
            last: fields.index("last", &[batch]),
            mean: fields.float_by("mean", each),
            ranks: fields.float_by("ranks", each),
            mask: fields.float_by("mask", each),
            classes: fields.index("classes", &[batch]),
            frame_classes: fields.index_by("frame_classes", |bucket| vec![all(bucket)]),
            shares: fields.float("shares", &[2]),
        };
        (own, fields)
    }

    /// The bucket of a clip of so many frames.
    fn bucket(&self, frames: usize) -> usize {
        let found = self.buckets.iter().position(|&most| frames <= most);
        found.expect("the last bucket has room for the longest clip")
    }

    /// Batches of clips, each with the most frames that it can have, in their order.
    pub(crate) fn chunks(&self, clips: impl Iterator<Item = (usize, usize)>) -> Vec<Chunk> {
        let mut by_bucket = vec![Vec::new(); self.buckets.len()];
        for (clip, frames) in clips {
            by_bucket[self.bucket(frames)].push(clip);
        }
        let chunked = |(bucket, clips): (usize, Vec<usize>)| -> Vec<Chunk> {
            clips.chunks(self.batch).map(|clips| Chunk { bucket, clips: clips.into() }).collect()
        };
        by_bucket.into_iter().enumerate().flat_map(chunked).collect()
    }

    /// The batches of an epoch: the clips shuffled, then the batches.
    pub(crate) fn epoch(
        &self,
        stream: &Stream,
        epoch: u64,
        clips: impl Iterator<Item = (usize, usize)>,
    ) -> Vec<Chunk> {
        let mut rng = stream.rng(EPOCHS + epoch);
        let mut clips: Vec<(usize, usize)> = clips.collect();
        clips.shuffle(&mut rng);
        let mut chunks = self.chunks(clips.into_iter());
        chunks.shuffle(&mut rng);
        chunks
    }

    /// Fills a batch with views of clips; the rest of it is empty clips.
    pub(crate) fn fill(&self, clips: &Clips, views: &[(usize, View)], batch: &mut Batch) {
        let (most, size) = (self.buckets[batch.bucket()], clips.values());
        for field in [self.frames, self.mean, self.ranks, self.mask] {
            batch[field].fill(0.0);
        }
        for field in [self.backwards, self.last, self.classes, self.frame_classes] {
            batch[field].fill(u32::MAX);
        }
        batch[self.lengths].fill(0);
        self.many.iter().for_each(|many| many.clear(batch));
        let mut all = 0;
        for (row, (clip, view)) in views.iter().enumerate() {
            let (clip, start, count) = (&clips.clips[*clip], row * most, view.count);
            let frames = start..start + count;
            for (t, place) in frames.clone().enumerate() {
                clips.write(
                    clip,
                    view,
                    t,
                    &mut batch[self.frames][place * size..(place + 1) * size],
                );
            }
            batch[self.lengths][row] = index(count);
            for (to, place) in frames.clone().zip(frames.clone().rev()) {
                batch[self.backwards][to] = index(place);
            }
            batch[self.last][row] = index(frames.end - 1);
            batch[self.mean][frames.clone()].fill(1.0 / count as f32);
            let weights = approximate_weights(count);
            let ranks = &mut batch[self.ranks][frames.clone()];
            ranks.iter_mut().zip(weights).for_each(|(to, weight)| *to = weight as f32);
            batch[self.mask][frames.clone()].fill(1.0);
            match &self.many {
                Some(many) => many.fill(clip, index(row), frames, batch),
                None => {
                    batch[self.classes][row] = clip.class();
                    batch[self.frame_classes][frames].fill(clip.class());
                }
            }
            all += count;
        }
        // The maximum over no frame would be minus infinity.
        for row in views.len()..self.batch {
            batch[self.mask][row * most] = 1.0;
        }
        batch[self.shares][0] = 1.0 / views.len().max(1) as f32;
        batch[self.shares][1] = 1.0 / all.max(1) as f32;
    }

    /// The frames of a batch, `[clips T, ..]`.
    pub(crate) fn frames<'g>(&self, batch: &BatchVars<'g>) -> autodiff::Var<'g> {
        batch[self.frames]
    }

    /// Their features `[clips T, D]` as sequences.
    pub(crate) fn sequences<'g>(
        &self,
        batch: &BatchVars<'g>,
        features: autodiff::Var<'g>,
    ) -> Result<Sequences<'g>, autodiff::Error> {
        let width = features.shape()[1];
        Ok(Sequences {
            features: features.reshape(&[self.batch, self.buckets[batch.bucket()], width])?,
            lengths: batch[self.lengths],
            backwards: batch[self.backwards],
            last: batch[self.last],
            mean: batch[self.mean],
            ranks: batch[self.ranks],
            mask: batch[self.mask],
        })
    }

    /// The mean loss of scores of clips, or of frames.
    pub(crate) fn loss<'g>(
        &self,
        batch: &BatchVars<'g>,
        scores: autodiff::Var<'g>,
        of_frames: bool,
    ) -> Result<autodiff::Var<'g>, autodiff::Error> {
        let (classes, at) = if of_frames { (self.frame_classes, 1) } else { (self.classes, 0) };
        let share = batch[self.shares].slice(0, at..at + 1)?.reshape(&[])?;
        let losses = match &self.many {
            Some(many) => many.losses(batch, scores, of_frames)?,
            None => scores.cross_entropy(batch[classes])?,
        };
        losses.sum_all().mul(share)
    }
}

fn index(place: usize) -> u32 {
    u32::try_from(place).expect("a batch has fewer than 2^32 frames")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::many::testing::two_clips;

    #[test]
    fn buckets_have_room_for_every_length() {
        assert_eq!(buckets(vec![5, 1, 9, 3, 7], 2), [5, 9]);
        assert_eq!(buckets(vec![4; 10], 3), [4]);
        assert_eq!(buckets(vec![2], 4), [2]);
        assert_eq!(buckets(Vec::new(), 4), [1]);
    }

    #[test]
    fn an_epoch_has_every_clip_once_in_its_bucket_and_another_order_than_the_next() {
        let (fields, _) = ClipFields::declare(4, &[5, 9], &two_clips());
        let clips = || (0..23).map(|clip| (clip, 1 + clip % 9));
        let stream = Stream::new(1, "batches");
        let [first, again, second] = [0, 0, 1].map(|epoch| fields.epoch(&stream, epoch, clips()));
        assert_eq!(first, again);
        assert_ne!(first, second);
        let mut seen: Vec<usize> = second.iter().flat_map(|chunk| chunk.clips.clone()).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..23).collect::<Vec<_>>());
        for chunk in second {
            assert!(chunk.clips.iter().all(|clip| (chunk.bucket == 0) == (clip % 9 < 5)));
        }
    }

    #[test]
    fn a_batch_says_where_clips_end() {
        let clips = two_clips();
        let (own, fields) = ClipFields::declare(3, &[3], &clips);
        let mut batch = Batch::new(&fields, autodiff::DType::F32).unwrap();
        own.fill(&clips, &[(0, View::whole(2, 1)), (1, View::whole(3, 1))], &mut batch);
        let none = u32::MAX;
        assert_eq!(batch[own.frames], [1.0, 2.0, 0.0, 3.0, 4.0, 5.0, 0.0, 0.0, 0.0]);
        assert_eq!(batch[own.lengths], [2, 3, 0]);
        assert_eq!(batch[own.backwards], [1, 0, none, 5, 4, 3, none, none, none]);
        assert_eq!(batch[own.last], [1, 5, none]);
        assert_eq!(batch[own.mask], [1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!(batch[own.classes], [0, 1, none]);
        assert_eq!(batch[own.frame_classes][..4], [0, 0, none, 1]);
        assert_eq!(batch[own.shares], [0.5, 0.2]);
    }
}
