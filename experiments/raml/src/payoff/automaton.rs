//! The automaton of all sequences within some edit distance of a reference, and how many there are.
//!
//! A state is what a row of the table of edit distances (Wagner & Fischer 1974) holds once some tokens were
//! read: the distances of what was read to every beginning of the reference, up to the most that is
//! asked for. Every sequence leads to one state, so that sequences are counted and not edit scripts. Among
//! states from which the reference can still be reached there is no circle, since the sequences are
//! finitely many.

use std::collections::HashMap;

use super::Alphabet;
use super::exact::TooManyStates;

/// A state: distances to the beginnings of the reference, `most + 1` for more than that.
type Row = Box<[u8]>;

/// No state: the reference is too far away.
const DEAD: u32 = u32::MAX;

/// States, transitions and counts around one reference.
#[derive(Debug, Clone)]
pub(super) struct Automaton {
    /// The distinct tokens of the reference.
    letters: Vec<u32>,
    /// How many tokens are not among them.
    others: f64,
    most: usize,
    /// Of each state where each letter leads, then where any other token does.
    next: Vec<u32>,
    /// Of each state how many sequences lead from it to an end at each distance.
    counts: Vec<f64>,
    /// Of each state the distance where sequences that end in it lie.
    distances: Vec<u8>,
}

impl Automaton {
    /// Around a reference, up to `most` edits, with no more than `limit` states.
    pub(super) fn new(
        reference: &[u32],
        alphabet: Alphabet,
        most: u8,
        limit: usize,
    ) -> Result<Self, TooManyStates> {
        let mut letters = reference.to_vec();
        letters.sort_unstable();
        letters.dedup();
        let known = u32::try_from(letters.len()).expect("a sequence is shorter than 2^32");
        let mut rows = Rows { reference, most, known: HashMap::new(), rows: Vec::new(), limit };
        let first = (0..=reference.len()).map(|j| u8::try_from(j).unwrap_or(u8::MAX).min(most + 1));
        rows.number(first.collect())?;
        let mut next = Vec::new();
        let mut at = 0;
        while at < rows.rows.len() {
            for letter in letters.iter().copied().map(Some).chain([None]) {
                let row = rows.after(at, letter);
                next.push(rows.number(row)?);
            }
            at += 1;
        }
        let distances = rows.rows.iter().map(|row| row[row.len() - 1]).collect();
        let mut automaton = Self {
            others: f64::from(alphabet.count.saturating_sub(known)),
            letters,
            most: most.into(),
            next,
            counts: Vec::new(),
            distances,
        };
        automaton.count();
        Ok(automaton)
    }

    /// Counts from the ends on: a state's count needs those of the states that follow it.
    fn count(&mut self) {
        let (states, kinds, width) = (self.distances.len(), self.letters.len() + 1, self.most + 1);
        self.counts = vec![0.0; states * width];
        let mut done = vec![false; states];
        let mut open = vec![(0, 0)];
        while let Some((state, kind)) = open.pop() {
            if kind < kinds {
                open.push((state, kind + 1));
                let next = self.next[state * kinds + kind];
                if next != DEAD && !done[next as usize] {
                    open.push((next as usize, 0));
                }
                continue;
            }
            if std::mem::replace(&mut done[state], true) {
                continue;
            }
            for distance in 0..width {
                let followed: f64 = (0..kinds).map(|kind| self.onward(state, kind, distance)).sum();
                let ends = f64::from(u8::from(usize::from(self.distances[state]) == distance));
                self.counts[state * width + distance] = ends + followed;
            }
        }
    }

    /// How many sequences at a distance go on from a state with a letter, or any other token.
    fn onward(&self, state: usize, kind: usize, distance: usize) -> f64 {
        match self.next[state * (self.letters.len() + 1) + kind] {
            DEAD => 0.0,
            next => {
                let tokens = if kind == self.letters.len() { self.others } else { 1.0 };
                // With no other token there is nothing to be counted, though the state is there.
                tokens * self.counts[next as usize * (self.most + 1) + distance]
            }
        }
    }

    #[cfg(test)]
    pub(super) fn states(&self) -> usize {
        self.distances.len()
    }

    /// How many sequences there are at each distance.
    pub(super) fn sequences(&self) -> &[f64] {
        &self.counts[..=self.most]
    }

    /// Replaces `out` by a sequence at a distance, each equally likely. `uniform` draws from `[0, 1)`,
    /// `other` a token outside the reference.
    pub(super) fn draw<R>(
        &self,
        distance: usize,
        rng: &mut R,
        uniform: impl Fn(&mut R) -> f64,
        other: impl Fn(&[u32], &mut R) -> u32,
        out: &mut Vec<u32>,
    ) {
        let kinds = self.letters.len() + 1;
        let mut state = 0;
        out.clear();
        loop {
            let ends = f64::from(u8::from(usize::from(self.distances[state]) == distance));
            let mut at = uniform(rng) * self.counts[state * (self.most + 1) + distance] - ends;
            if at < 0.0 {
                return;
            }
            // The last way that is open serves where rounding leaves nothing.
            let mut taken = None;
            for kind in 0..kinds {
                let ways = self.onward(state, kind, distance);
                if ways > 0.0 {
                    taken = Some(kind);
                    if at < ways {
                        break;
                    }
                    at -= ways;
                }
            }
            let Some(kind) = taken else { return };
            out.push(match self.letters.get(kind) {
                Some(&letter) => letter,
                None => other(&self.letters, rng),
            });
            state = self.next[state * kinds + kind] as usize;
        }
    }
}

/// Rows by number.
struct Rows<'a> {
    reference: &'a [u32],
    most: u8,
    known: HashMap<Row, u32>,
    rows: Vec<Row>,
    limit: usize,
}

impl Rows<'_> {
    /// The row after reading a letter in a state, or a token outside the reference.
    fn after(&self, state: usize, letter: Option<u32>) -> Row {
        let (before, beyond) = (&self.rows[state], self.most + 1);
        let mut row = Vec::with_capacity(before.len());
        row.push((before[0] + 1).min(beyond));
        for (j, token) in self.reference.iter().enumerate() {
            let substituted = before[j] + u8::from(letter != Some(*token));
            let distance = substituted.min(before[j + 1] + 1).min(row[j] + 1);
            row.push(distance.min(beyond));
        }
        row.into()
    }

    /// The number of a row, a new one if it is seen first.
    fn number(&mut self, row: Row) -> Result<u32, TooManyStates> {
        if row.iter().all(|&distance| distance > self.most) {
            return Ok(DEAD);
        }
        if let Some(&number) = self.known.get(&row) {
            return Ok(number);
        }
        if self.rows.len() == self.limit {
            let (length, most) = (self.reference.len(), self.most);
            return Err(TooManyStates { length, most, limit: self.limit });
        }
        let number = u32::try_from(self.rows.len()).expect("the limit is far below 2^32");
        self.known.insert(row.clone(), number);
        self.rows.push(row);
        Ok(number)
    }
}
