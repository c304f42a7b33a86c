//! Labels of batches whose clips are of any number of classes, and the loss of their scores.

use std::ops::Range;

use autodiff::{Error, Var};
use learn::{Batch, BatchVars, Field, Fields};

use crate::clips::{Clip, Clips};

/// The arrays that say of which classes clips are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Many {
    /// 1 for the classes of each clip, `[clips, classes]`.
    targets: Field<f32>,
    /// 1 in the rows of clips.
    asked: Field<f32>,
    /// The clip of each frame.
    clips: Field<u32>,
    classes: usize,
}

impl Many {
    /// Declares them for batches of `batch` clips, which have `all(bucket)` frames.
    pub(crate) fn declare(
        fields: &mut Fields,
        batch: usize,
        clips: &Clips,
        all: impl Fn(usize) -> usize,
    ) -> Self {
        let classes = clips.classes.len();
        Self {
            targets: fields.float("targets", &[batch, classes]),
            asked: fields.float("asked", &[batch, classes]),
            clips: fields.index_by("clips", |bucket| vec![all(bucket)]),
            classes,
        }
    }

    /// Empties a batch.
    pub(crate) fn clear(&self, batch: &mut Batch) {
        batch[self.targets].fill(0.0);
        batch[self.asked].fill(0.0);
        batch[self.clips].fill(u32::MAX);
    }

    /// Says of which classes the clip in a row is, whose frames lie at `frames`.
    pub(crate) fn fill(&self, clip: &Clip, row: u32, frames: Range<usize>, batch: &mut Batch) {
        let first = row as usize * self.classes;
        let places = first..first + self.classes;
        batch[self.asked][places.clone()].fill(1.0);
        for (class, target) in batch[self.targets][places].iter_mut().enumerate() {
            *target = if clip.is_of(class) { 1.0 } else { 0.0 };
        }
        batch[self.clips][frames].fill(row);
    }

    /// The logistic loss of each score, `log(1 + exp(s)) - s` for a class of the clip and without `- s` for
    /// others.
    pub(crate) fn losses<'g>(
        &self,
        batch: &BatchVars<'g>,
        scores: Var<'g>,
        of_frames: bool,
    ) -> Result<Var<'g>, Error> {
        let of = |field: Field<f32>| match of_frames {
            true => batch[field].gather(batch[self.clips]),
            false => Ok(batch[field]),
        };
        let size = scores.relu().add(scores.neg().relu())?;
        let soft = scores.relu().add(size.neg().exp().add_scalar(1.0).log())?;
        soft.sub(scores.mul(of(self.targets)?)?)?.mul(of(self.asked)?)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::clips::Frames;

    /// Clips of two and three frames of one number.
    pub(crate) fn two_clips() -> Clips {
        let clip = |first, length, class| Clip {
            name: format!("{first}"),
            first,
            length,
            classes: vec![class],
            group: String::new(),
            backwards: false,
        };
        Clips {
            shape: vec![1],
            frames: Frames::Floats(vec![1.0, 2.0, 3.0, 4.0, 5.0]),
            clips: vec![clip(0, 2, 0), clip(2, 3, 1)],
            classes: vec!["a".into(), "b".into()],
            many: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::two_clips;
    use super::*;
    use crate::batches::ClipFields;
    use crate::clips::View;

    /// The loss of scores that are given, of clips of one frame each.
    fn loss(clips: &Clips, scores: &[f64], of_frames: bool) -> f64 {
        let (own, fields) = ClipFields::declare(2, &[1], clips);
        let layout = learn::Layout::new().with("scores", &[2, 2], learn::Init::Zeros);
        let mut evaluator =
            learn::Evaluator::new(&layout, &fields, autodiff::DType::F32, |params, batch| {
                Ok(vec![own.loss(batch, params[0], of_frames)?])
            })
            .unwrap();
        let (mut params, mut batch) =
            (evaluator.params(scores).unwrap(), evaluator.batch().unwrap());
        own.fill(clips, &[(0, View::whole(1, 1)), (1, View::whole(1, 1))], &mut batch);
        evaluator.run(&mut params, &mut batch).unwrap().scalar(0).unwrap()
    }

    #[test]
    fn clips_of_many_classes_have_a_loss_for_each() {
        let mut clips = two_clips();
        clips.many = true;
        clips.clips[0].classes = vec![0, 1];
        clips.clips[1].classes = Vec::new();
        // log(1 + e^s) is 2 log 2 for s = log 3, and log 2 for 0.
        let scores = [3f64.ln(), 0.0, 3f64.ln(), 0.0];
        let two = 2f64.ln();
        let wanted = 0.5 * (6.0 * two - 3f64.ln());
        for of_frames in [false, true] {
            let found = loss(&clips, &scores, of_frames);
            assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
        }
    }
}
