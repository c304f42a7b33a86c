//! Speech: recordings as frames, and what is said in them.

use datasets::parallel::Pair;
use datasets::timit;
use experiment::{Error, Run};

use super::{Corpus, Encoded, Part, Pieces, store};
use crate::source::{Kind, Source};

/// A recording.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Utterance {
    pub(super) name: String,
    /// Numbers of the frames, one frame after the other.
    pub(super) frames: Vec<f32>,
    /// What is said, token by token with spaces between.
    pub(super) transcript: String,
}

/// Recordings for training, development and test, of as many numbers a frame.
pub(super) struct Recordings {
    pub(super) width: usize,
    pub(super) parts: [Vec<Utterance>; 3],
}

impl Recordings {
    /// Keeps the first recordings that are learned from.
    pub(super) fn truncate(&mut self, pairs: usize) {
        self.parts[0].truncate(pairs);
    }
}

/// Recordings as sources: numbers less their mean over their deviation in the training frames, `stack`
/// frames as one place, the last of which is filled up by zeros.
pub(super) fn corpus(recordings: Recordings, stack: usize) -> Corpus {
    let Recordings { width, parts } = recordings;
    let scale = Scale::of(width, &parts[0]);
    let [train, dev, test] = parts;
    let pieces = Pieces::of_words(train.iter().map(|of| of.transcript.as_str()));
    let source = |frames: Vec<f32>| Source::Speech(scale.stacked(frames, stack), width * stack);
    let train = train.into_iter().map(|of| {
        let target = pieces.encode(&of.transcript);
        Encoded { source: source(of.frames), target }
    });
    let train = train.collect();
    let part = |of: Vec<Utterance>| {
        let mut part = Part { sources: Vec::new(), pairs: Vec::new() };
        for Utterance { name, frames, transcript } in of {
            part.sources.push(source(frames));
            part.pairs.push(Pair { source: name, target: transcript });
        }
        part
    };
    let (dev, test) = (part(dev), part(test));
    Corpus { kind: Kind::Speech(width * stack), train, dev, test, pieces }
}

/// TIMIT: what a complete training speaker says, Kaldi's development speakers and the core test set, as
/// phones.
pub(super) fn timit(run: &Run<'_>) -> Result<Recordings, Error> {
    let parts = timit::load(&store(run)).map_err(|e| Error::data(timit::DATASET, e))?;
    let utterance = |of: timit::Utterance| Utterance {
        frames: timit::features(&of.samples),
        transcript: of.phones.join(" "),
        name: of.name,
    };
    let parts = parts.map(|part| part.into_iter().map(utterance).collect());
    Ok(Recordings { width: timit::FEATURES, parts })
}

/// Means and deviations of the numbers of a frame.
struct Scale {
    each: Vec<(f64, f64)>,
}

impl Scale {
    fn of(width: usize, utterances: &[Utterance]) -> Self {
        let mut sums = vec![(0.0, 0.0); width];
        let mut count = 0.0;
        for frame in utterances.iter().flat_map(|of| of.frames.chunks(width)) {
            count += 1.0;
            for (sum, &value) in sums.iter_mut().zip(frame) {
                let value = f64::from(value);
                *sum = (sum.0 + value, sum.1 + value * value);
            }
        }
        let scale = |(sum, squares): (f64, f64)| {
            let mean = sum / count;
            let variance = (squares / count - mean * mean).max(0.0);
            // What never changes tells nothing.
            (mean, if variance > 1e-12 { variance.sqrt() } else { 1.0 })
        };
        Self { each: sums.into_iter().map(scale).collect() }
    }

    fn stacked(&self, mut frames: Vec<f32>, stack: usize) -> Vec<f32> {
        for frame in frames.chunks_mut(self.each.len()) {
            for (value, (mean, deviation)) in frame.iter_mut().zip(&self.each) {
                #[expect(clippy::cast_possible_truncation, reason = "frames are in f32")]
                let scaled = ((f64::from(*value) - mean) / deviation) as f32;
                *value = scaled;
            }
        }
        frames.resize(frames.len().next_multiple_of(self.each.len() * stack), 0.0);
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_scaled_by_the_training_ones_and_stacked() {
        let utterance = |frames: &[f32], transcript: &str| Utterance {
            name: transcript.into(),
            frames: frames.into(),
            transcript: transcript.into(),
        };
        let parts = [
            vec![utterance(&[1.0, 5.0, 3.0, 5.0], "b a"), utterance(&[1.0, 5.0, 3.0, 5.0], "a")],
            vec![utterance(&[4.0, 6.0, 2.0, 5.0, 2.0, 5.0], "a b")],
            vec![utterance(&[2.0, 5.0], "c")],
        ];
        let corpus = corpus(Recordings { width: 2, parts }, 2);
        // Means 2 and 5, deviations 1 and none.
        let wanted = vec![2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(corpus.dev.sources, [Source::Speech(wanted, 4)]);
        assert_eq!(corpus.dev.sources[0].len(), 2);
        assert_eq!(corpus.train[0].target, [4, 3]);
        assert_eq!(corpus.test.pairs[0].target, "c");
        assert_eq!(corpus.kind, Kind::Speech(4));
    }
}
