//! What is told of the answers: metrics, a row a clip, a row a group, a row a class, and the confusion
//! matrix; where clips are of any number of classes, a row a clip and class, and a row a class.

use std::collections::BTreeMap;
use std::ops::Range;

use experiment::{Error, Ranking, Run, Sample, Scored};
use serde::Serialize;

use crate::clips::Clips;
use crate::fold::Found;
use crate::task::best;

/// A test clip.
#[derive(Serialize)]
struct ClipRow<'a> {
    clip: &'a str,
    group: &'a str,
    actual: &'a str,
    predicted: &'a str,
    correct: bool,
}

/// Share of right answers of the clips of a group.
#[derive(Serialize)]
struct GroupRow<'a> {
    group: &'a str,
    clips: usize,
    accuracy: f64,
}

/// Share of right answers of the clips of a class.
#[derive(Serialize)]
struct ClassRow<'a> {
    class: &'a str,
    clips: usize,
    accuracy: f64,
}

#[derive(Serialize)]
struct ConfusionRow<'a> {
    actual: &'a str,
    predicted: &'a str,
    count: usize,
}

/// How many were right, of how many.
#[derive(Default, Clone, Copy)]
struct Share {
    right: usize,
    all: usize,
}

impl Share {
    fn add(&mut self, right: bool) {
        self.right += usize::from(right);
        self.all += 1;
    }

    fn of(self) -> f64 {
        self.right as f64 / self.all.max(1) as f64
    }
}

/// A test clip and a class.
#[derive(Serialize)]
struct ScoreRow<'a> {
    clip: &'a str,
    class: &'a str,
    score: f64,
    /// Whether the clip is of the class.
    label: bool,
}

/// Average precision of a class, in per cent.
#[derive(Serialize)]
struct PrecisionRow<'a> {
    class: &'a str,
    clips: usize,
    average_precision: f64,
}

/// How good scores are in per cent: how many clips have the largest score for their class, or, where they
/// may be of several, mean average precision.
pub(crate) fn quality<'a, T>(clips: &Clips, scores: T) -> f64
where
    T: Iterator<Item = (usize, &'a [f64])>,
{
    if clips.many {
        return mean_average_precision(clips, scores, 0..clips.classes.len());
    }
    let mut share = Share::default();
    scores.for_each(|(clip, scores)| share.add(best(scores) == clips.clips[clip].class() as usize));
    100.0 * share.of()
}

/// The mean over some classes; 0 where there is nothing to find.
fn mean_average_precision<'a>(
    clips: &Clips,
    scores: impl Iterator<Item = (usize, &'a [f64])>,
    classes: Range<usize>,
) -> f64 {
    let (mut scored, mut items) = (Vec::new(), 0);
    for (item, (clip, scores)) in (0..).zip(scores) {
        items += 1;
        scored.extend(classes.clone().map(|class| {
            let (number, label) = (class as u32, clips.clips[clip].is_of(class));
            Scored { item, class: number, score: scores[class], label }
        }));
    }
    let found = Sample::MeanAveragePrecision(Ranking::new(items, scored)).all();
    if found.is_nan() { 0.0 } else { 100.0 * found }
}

/// Writes tables and final metrics of all folds.
pub(crate) fn tell(clips: &Clips, folds: &[Found], run: &mut Run<'_>) -> Result<(), Error> {
    let train = folds.iter().map(|found| found.train).sum::<f64>() / folds.len() as f64;
    if clips.many {
        tell_many(clips, folds, train, run)
    } else {
        tell_one(clips, folds, train, run)
    }
}

/// Of clips of any number of classes.
fn tell_many(clips: &Clips, folds: &[Found], train: f64, run: &mut Run<'_>) -> Result<(), Error> {
    let all = || folds.iter().flat_map(|found| &found.scores);
    for (clip, scores) in all() {
        let clip = &clips.clips[*clip];
        for (at, (class, &score)) in clips.classes.iter().zip(scores).enumerate() {
            let row = ScoreRow { clip: &clip.name, class, score, label: clip.is_of(at) };
            run.table("scores", &row)?;
        }
    }
    let of = |classes| {
        let scores = all().map(|(clip, scores)| (*clip, &scores[..]));
        mean_average_precision(clips, scores, classes)
    };
    for (at, class) in clips.classes.iter().enumerate() {
        let count = all().filter(|(clip, _)| clips.clips[*clip].is_of(at)).count();
        let average_precision = of(at..at + 1);
        run.table("precisions", &PrecisionRow { class, clips: count, average_precision })?;
    }
    run.result("mean_average_precision", of(0..clips.classes.len()))?;
    run.result("train_average_precision", train)
}

/// Of clips of one class each.
fn tell_one(clips: &Clips, folds: &[Found], train: f64, run: &mut Run<'_>) -> Result<(), Error> {
    let mut whole = Share::default();
    let mut groups = BTreeMap::<&str, Share>::new();
    let mut classes = vec![Share::default(); clips.classes.len()];
    let mut confusion = BTreeMap::<(usize, usize), usize>::new();
    for (clip, scores) in folds.iter().flat_map(|found| &found.scores) {
        let clip = &clips.clips[*clip];
        let (actual, predicted) = (clip.class() as usize, best(scores));
        let correct = actual == predicted;
        whole.add(correct);
        groups.entry(&clip.group).or_default().add(correct);
        classes[actual].add(correct);
        *confusion.entry((actual, predicted)).or_default() += 1;
        let [actual, predicted] = [actual, predicted].map(|class| &clips.classes[class][..]);
        let (name, group) = (&clip.name, &clip.group);
        run.table("clips", &ClipRow { clip: name, group, actual, predicted, correct })?;
    }
    let mut of_groups = 0.0;
    for (&group, share) in &groups {
        of_groups += share.of() / groups.len() as f64;
        run.table("groups", &GroupRow { group, clips: share.all, accuracy: share.of() })?;
    }
    for (class, share) in clips.classes.iter().zip(&classes) {
        run.table("classes", &ClassRow { class, clips: share.all, accuracy: share.of() })?;
    }
    for (&(actual, predicted), &count) in &confusion {
        let [actual, predicted] = [actual, predicted].map(|class| &clips.classes[class][..]);
        run.table("confusion", &ConfusionRow { actual, predicted, count })?;
    }
    run.result("test_accuracy", 100.0 * whole.of())?;
    run.result("group_accuracy", 100.0 * of_groups)?;
    run.result("train_accuracy", train)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clips::{Clip, Frames};

    #[test]
    fn answers_by_hand() {
        let clip = |classes: &[u32]| Clip {
            name: String::new(),
            first: 0,
            length: 1,
            classes: classes.to_vec(),
            group: String::new(),
            backwards: false,
        };
        let mut clips = Clips {
            shape: vec![1],
            frames: Frames::Floats(vec![0.0]),
            clips: [&[0][..], &[0, 1], &[1]].map(clip).into(),
            classes: vec!["a".into(), "b".into()],
            many: true,
        };
        let scores = [[0.9, 0.1], [0.2, 0.3], [0.5, 0.2]];
        let all = || scores.iter().enumerate().map(|(clip, scores)| (clip, &scores[..]));
        // Class a finds its clips at places 1 and 3, class b at 1 and 2.
        let wanted = 100.0 * ((1.0 + 2.0 / 3.0) / 2.0 + 1.0) / 2.0;
        assert!((quality(&clips, all()) - wanted).abs() < 1e-9);
        clips.many = false;
        // Clip 2 is taken for class a, and clip 1 for b.
        assert!((quality(&clips, all()) - 100.0 / 3.0).abs() < 1e-9);
    }
}
