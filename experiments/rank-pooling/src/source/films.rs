//! Films that users download: one fold, the released division.

use datasets::video::{self, SIDE, Set};
use experiment::Run;

use crate::clips::{Clip, Clips, Fold, Frames};

/// The clips of a data set. Where there are fewer of them than were released, the run is warned.
pub(super) fn films(set: Set, found: video::Clips, run: &mut Run<'_>) -> (Clips, Vec<Fold>) {
    let (test, train): (Vec<usize>, Vec<usize>) =
        (0..found.clips.len()).partition(|&clip| found.clips[clip].test);
    let [wanted, count] = [set.released(), [train.len(), test.len()]];
    if wanted != count {
        let [wanted, count] = [wanted, count].map(|[train, test]| format!("{train} and {test}"));
        run.warn(&format!(
            "{}: wanted {wanted} clips for training and test, as released, found {count}",
            set.dataset()
        ));
    }
    let clip = |clip: video::Clip| Clip {
        group: clip.name.clone(),
        name: clip.name,
        first: clip.first,
        length: clip.frames,
        classes: clip.classes.into_iter().map(|class| class as u32).collect(),
        backwards: false,
    };
    let clips = Clips {
        shape: vec![3, SIDE, SIDE],
        frames: Frames::Bytes(found.frames),
        clips: found.clips.into_iter().map(clip).collect(),
        classes: set.classes().iter().map(|&name| name.into()).collect(),
        many: set == Set::Hollywood2,
    };
    (clips, vec![Fold { train, test }])
}
