//! Translation edit rate (Snover et al. 2006): insertions, deletions, substitutions and shifts of
//! blocks of words, over the words of the reference.
//!
//! The best sequence of shifts is hard to find; which ones are tried, and in which order, is that of Tercom
//! as sacreBLEU has it, so that the numbers are the same.

mod alignment;

use super::{Words, words};
use alignment::{Alignment, Table};

/// Most words that a shift moves.
const LONGEST: usize = 10;
/// Most places that a shift moves them.
const FARTHEST: usize = 50;
/// Shifts that are tried for a sentence.
const TRIED: usize = 1000;

/// Counts of a sentence, or their sums over a corpus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Edits and shifts.
    pub edits: u64,
    /// Words of the reference.
    pub reference: u64,
}

impl Counts {
    /// Of one candidate and its reference, as numbers of words.
    #[must_use]
    pub fn of(candidate: &[u32], reference: &[u32]) -> Self {
        let edits =
            if reference.is_empty() { candidate.len() } else { edits(candidate, reference) };
        Self { edits: edits as u64, reference: reference.len() as u64 }
    }

    /// Of each candidate with its reference, in lower case, words being parted by white space.
    pub fn of_texts<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Self> {
        let mut numbers = Words::default();
        let mut read = |text: &str| -> Vec<u32> {
            words(&text.to_lowercase()).map(|word| numbers.number(word)).collect()
        };
        pairs.into_iter().map(|(a, b)| Self::of(&read(a), &read(b))).collect()
    }

    /// Adds those of another sentence.
    pub fn add(&mut self, other: &Self) {
        self.edits += other.edits;
        self.reference += other.reference;
    }

    /// The rate in per cent; against nothing it is 100 where there is something, and 0 otherwise.
    #[must_use]
    pub fn score(&self) -> f64 {
        match self {
            Self { edits: 0, .. } => 0.0,
            Self { reference: 0, .. } => 100.0,
            Self { edits, reference } => super::percent(*edits, *reference),
        }
    }
}

/// Shifts as long as they help, then edits.
fn edits(candidate: &[u32], reference: &[u32]) -> usize {
    let (mut words, mut shifts, mut tried) = (candidate.to_vec(), 0, 0);
    loop {
        let table = Table::new(&words, reference);
        let shift = best_shift(&words, reference, &table, &mut tried);
        match shift {
            Some(shift) if tried < TRIED && shift.gain > 0 => {
                words = shift.apply(&words);
                shifts += 1;
            }
            _ => return shifts + table.distance(),
        }
    }
}

/// A block of words that moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shift {
    /// Edits that it saves.
    gain: isize,
    from: usize,
    length: usize,
    /// Before which word it comes.
    to: usize,
}

impl Shift {
    /// Whether it comes before another: it saves more, is longer, is from or goes to further left.
    fn beats(&self, other: &Self) -> bool {
        let key =
            |of: &Self| (of.gain, of.length, std::cmp::Reverse(of.from), std::cmp::Reverse(of.to));
        key(self) > key(other)
    }

    fn apply(&self, words: &[u32]) -> Vec<u32> {
        let Self { from, length, to, .. } = *self;
        let end = from + length;
        let block = &words[from..end];
        if to < from {
            [&words[..to], block, &words[to..from], &words[end..]].concat()
        } else if to > end {
            [&words[..from], &words[end..to], block, &words[to..]].concat()
        } else {
            // Within itself: it goes as far to the right as the place lies behind its beginning.
            let stop = (length + to).min(words.len());
            [&words[..from], &words[end..stop], block, &words[stop..]].concat()
        }
    }
}

/// The best shift of those that are tried, if there is any.
fn best_shift(
    words: &[u32],
    reference: &[u32],
    table: &Table<'_>,
    tried: &mut usize,
) -> Option<Shift> {
    let alignment = table.alignment();
    let before = table.distance().cast_signed();
    let mut best: Option<Shift> = None;
    for (from, of_reference, length) in matches(words, reference) {
        if !alignment.is_worth(from, of_reference, length) {
            continue;
        }
        let mut last = None;
        for to in targets(&alignment, of_reference, length) {
            if last == Some(to) {
                continue;
            }
            last = Some(to);
            let mut shift = Shift { gain: 0, from, length, to };
            shift.gain = before - table.again(&shift.apply(words)).cast_signed();
            *tried += 1;
            if best.is_none_or(|best| shift.beats(&best)) {
                best = Some(shift);
            }
        }
        if *tried >= TRIED {
            break;
        }
    }
    best
}

/// Where a block may go: before all words, and behind what each word of the reference up to the last of
/// the block's is aligned to.
fn targets(
    alignment: &Alignment,
    of_reference: usize,
    length: usize,
) -> impl Iterator<Item = usize> {
    let first = of_reference.checked_sub(1);
    let places = first.into_iter().chain(of_reference..of_reference + length);
    let start = first.is_none().then_some(0);
    let behind =
        places.map_while(|place| alignment.of(place)).map(|word| (word + 1).cast_unsigned());
    start.into_iter().chain(behind)
}

/// Blocks of words that the reference has too: where in the words, where in the reference, how long.
fn matches(words: &[u32], reference: &[u32]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..words.len()).flat_map(move |from| {
        let near = (0..reference.len()).filter(move |to| to.abs_diff(from) <= FARTHEST);
        near.flat_map(move |to| {
            let same = words[from..].iter().zip(&reference[to..]).take(LONGEST);
            let length = same.take_while(|(a, b)| a == b).count();
            (1..=length).map(move |length| (from, to, length))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(candidate: &str, reference: &str) -> (u64, u64) {
        let counts = Counts::of_texts([(candidate, reference)])[0];
        (counts.edits, counts.reference)
    }

    #[test]
    fn by_hand() {
        assert_eq!(rate("a b c d", "A B C D"), (0, 4));
        assert_eq!(rate("a x c d", "a b c d"), (1, 4));
        // One shift in place of four edits.
        assert_eq!(rate("c d a b", "a b c d"), (1, 4));
        assert_eq!(rate("", "a b"), (2, 2));
        assert_eq!(rate("a b", ""), (2, 0));
        assert_eq!(Counts { edits: 2, reference: 0 }.score(), 100.0);
    }

    #[test]
    fn blocks_move_left_right_and_within_themselves() {
        let words = [0, 1, 2, 3, 4, 5];
        let moved = |from, length, to| Shift { gain: 0, from, length, to }.apply(&words);
        assert_eq!(moved(3, 2, 1), [0, 3, 4, 1, 2, 5]);
        assert_eq!(moved(1, 2, 5), [0, 3, 4, 1, 2, 5]);
        assert_eq!(moved(1, 2, 2), [0, 3, 1, 2, 4, 5]);
    }
}
