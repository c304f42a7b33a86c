//! Strings of joined spoken digits.
//!
//! Of the 3,000 recordings 400 are for development, 600 for the test and the others for training; a string
//! is 3 to 7 recordings of a part, drawn with replacement, one after the other.

use datasets::spoken_digits::{self, COEFFICIENTS, Sequences};
use experiment::{Error, Run, Stream};
use rand::{RngExt, seq::SliceRandom};

use super::speech::{Recordings, Utterance};
use super::store;
use crate::params::Params;

const WORDS: [&str; 10] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
/// Recordings for development and for the test.
const HELD_OUT: [usize; 2] = [400, 600];
/// Strings for training, where it is not said how many, for development and for the test.
const STRINGS: [usize; 3] = [3000, 300, 600];
/// Digits of a string.
const DIGITS: std::ops::RangeInclusive<usize> = 3..=7;

/// Strings for training, development and test; functions of the parameters alone.
pub(super) fn parts(params: &Params, run: &Run<'_>) -> Result<Recordings, Error> {
    let sequences =
        spoken_digits::load(&store(run)).map_err(|e| Error::data(spoken_digits::DATASET, e))?;
    Ok(strings(&sequences, params.data_seed, params.pairs.unwrap_or(STRINGS[0])))
}

fn strings(sequences: &Sequences, seed: u64, train: usize) -> Recordings {
    let stream = Stream::new(seed, "joined digits");
    let mut order: Vec<usize> = (0..sequences.lengths.len()).collect();
    order.shuffle(&mut stream.rng(0));
    let (dev, rest) = order.split_at(HELD_OUT[0]);
    let (test, learned) = rest.split_at(HELD_OUT[1]);
    let starts: Vec<usize> = sequences
        .lengths
        .iter()
        .scan(0, |next, length| Some(std::mem::replace(next, *next + length)))
        .collect();
    let join = |name: &str, index: u64, among: &[usize], count: usize| -> Vec<Utterance> {
        let mut rng = stream.rng(index);
        let string = |at: usize| {
            let (mut frames, mut said) = (Vec::new(), Vec::new());
            for _ in 0..rng.random_range(DIGITS) {
                let recording = among[rng.random_range(0..among.len())];
                let first = starts[recording] * COEFFICIENTS;
                let length = sequences.lengths[recording] * COEFFICIENTS;
                frames.extend_from_slice(&sequences.coefficients[first..first + length]);
                said.push(WORDS[sequences.digits[recording] as usize]);
            }
            Utterance { name: format!("{name} {at}"), frames, transcript: said.join(" ") }
        };
        (0..count).map(string).collect()
    };
    let parts = [
        join("training", 1, learned, train),
        join("development", 2, dev, STRINGS[1]),
        join("test", 3, test, STRINGS[2]),
    ];
    Recordings { width: COEFFICIENTS, parts }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Recordings of one frame each, which is their number.
    fn recordings() -> Sequences {
        let numbers = (0..3000_u16).flat_map(|n| [f32::from(n); COEFFICIENTS]);
        Sequences {
            coefficients: numbers.collect(),
            lengths: vec![1; 3000],
            digits: (0..3000).map(|n| n % 10).collect(),
        }
    }

    #[test]
    fn strings_are_said_as_written_and_parts_share_no_recording() {
        let Recordings { parts, .. } = strings(&recordings(), 0, 2000);
        assert_eq!(parts.each_ref().map(Vec::len), [2000, 300, 600]);
        let mut seen: [HashSet<u32>; 3] = Default::default();
        for (part, seen) in parts.iter().zip(&mut seen) {
            for Utterance { frames, transcript, .. } in part {
                let said: Vec<&str> = transcript.split(' ').collect();
                assert!((3..=7).contains(&said.len()));
                assert_eq!(frames.len(), said.len() * COEFFICIENTS);
                for (frame, word) in frames.chunks(COEFFICIENTS).zip(said) {
                    assert_eq!(WORDS[frame[0] as usize % 10], word);
                    seen.insert(frame[0] as u32);
                }
            }
        }
        assert!(seen[0].is_disjoint(&seen[1]) && seen[0].is_disjoint(&seen[2]));
        assert!(seen[1].is_disjoint(&seen[2]));
        assert!(seen[0].len() > 1900 && seen[2].len() > 550);
        assert_ne!(strings(&recordings(), 1, 2000).parts[2], parts[2]);
        assert_eq!(strings(&recordings(), 0, 50).parts[0], parts[0][..50]);
    }
}
