//! What is told of the answers: metrics, a row a clip, a row a group, a row a class, and the confusion
//! matrix.

use std::collections::BTreeMap;

use experiment::{Error, Run};
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

/// Writes tables and final metrics of all folds.
pub(crate) fn tell(clips: &Clips, folds: &[Found], run: &mut Run<'_>) -> Result<(), Error> {
    let mut whole = Share::default();
    let mut groups = BTreeMap::<&str, Share>::new();
    let mut classes = vec![Share::default(); clips.classes.len()];
    let mut confusion = BTreeMap::<(usize, usize), usize>::new();
    for (clip, scores) in folds.iter().flat_map(|found| &found.scores) {
        let clip = &clips.clips[*clip];
        let (actual, predicted) = (clip.class as usize, best(scores));
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
    let train: f64 = folds.iter().map(|found| found.train_accuracy).sum();
    run.result("train_accuracy", train / folds.len() as f64)
}
