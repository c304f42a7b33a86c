//! Beam search over one sentence, apart from the model: which hypotheses go on.

use crate::corpus::Pieces;

/// How hypotheses are searched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Beam {
    /// Hypotheses that go on at a time.
    pub(crate) width: usize,
    /// Exponent of the length that log probabilities are divided by.
    pub(crate) length_penalty: f64,
}

impl Beam {
    /// The most likely piece at every step.
    pub(crate) const GREEDY: Self = Self { width: 1, length_penalty: 0.0 };
}

/// What was said so far.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hypothesis {
    pub(crate) pieces: Vec<u32>,
    pub(crate) log_probability: f64,
    /// The rows of what it goes on from, from the first step on; a row is the place among those that
    /// went on then.
    pub(crate) rows: Vec<usize>,
}

impl Hypothesis {
    /// The log probability over a power of the length, the end included.
    pub(crate) fn score(&self, beam: Beam, ended: bool) -> f64 {
        let length = self.pieces.len() + usize::from(ended);
        #[expect(clippy::cast_precision_loss, reason = "lengths of sentences stay far below 2^52")]
        let length = length.max(1) as f64;
        self.log_probability / length.powf(beam.length_penalty)
    }
}

/// The search for one sentence's translation.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    beam: Beam,
    /// Most pieces.
    limit: usize,
    /// Those that go on; their row is their place.
    pub(crate) open: Vec<Hypothesis>,
    ended: Vec<(f64, Hypothesis)>,
}

impl Search {
    pub(crate) fn new(beam: Beam, limit: usize) -> Self {
        let first = Hypothesis { pieces: Vec::new(), log_probability: 0.0, rows: Vec::new() };
        Self { beam, limit, open: vec![first], ended: Vec::new() }
    }

    /// Candidates that each hypothesis needs at a step: enough for the beam where one ends.
    pub(crate) fn candidates(beam: Beam) -> usize {
        beam.width + 1
    }

    /// Whether nothing goes on.
    pub(crate) fn is_done(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes a step: of each hypothesis that goes on the most likely next pieces with their log
    /// probabilities, the most likely first.
    pub(crate) fn step(&mut self, next: &[Vec<(u32, f64)>]) {
        let mut all: Vec<(f64, usize, u32)> = Vec::new();
        for (row, (from, next)) in self.open.iter().zip(next).enumerate() {
            all.extend(next.iter().map(|&(piece, log)| (from.log_probability + log, row, piece)));
        }
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut open = Vec::with_capacity(self.beam.width);
        for (rank, (log_probability, row, piece)) in all.into_iter().enumerate() {
            let from = &self.open[row];
            let rows = [&from.rows[..], &[row]].concat();
            if piece == Pieces::END {
                // One that ranks behind the beam would not have gone on.
                if rank < self.beam.width {
                    let pieces = from.pieces.clone();
                    let ended = Hypothesis { pieces, log_probability, rows };
                    self.ended.push((ended.score(self.beam, true), ended));
                }
            } else if open.len() < self.beam.width {
                let pieces = [&from.pieces[..], &[piece]].concat();
                open.push(Hypothesis { pieces, log_probability, rows });
            }
        }
        self.open = open;
        let full = self.open.first().is_some_and(|first| first.pieces.len() >= self.limit);
        if full {
            let cut = std::mem::take(&mut self.open);
            // What never ended counts where nothing else did.
            if self.ended.is_empty() {
                self.ended.extend(cut.into_iter().map(|of| (of.score(self.beam, false), of)));
            }
        }
        if self.ended.len() >= self.beam.width {
            self.open.clear();
        }
    }

    /// What was found, the best first.
    pub(crate) fn found(mut self) -> Vec<(f64, Hypothesis)> {
        self.ended.sort_by(|a, b| b.0.total_cmp(&a.0));
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: u32 = Pieces::END;

    fn logs(probabilities: &[(u32, f64)]) -> Vec<(u32, f64)> {
        probabilities.iter().map(|&(piece, p)| (piece, p.ln())).collect()
    }

    #[test]
    fn a_wider_beam_finds_what_is_hidden_behind_an_unlikely_piece() {
        // 5 is likelier at first, but what follows 6 is certain.
        let next = |said: &[u32]| match said {
            [] => logs(&[(5, 0.6), (6, 0.4), (7, 0.0001)]),
            [5] => logs(&[(8, 0.5), (9, 0.3), (END, 0.2)]),
            [6] => logs(&[(8, 0.99), (9, 0.005), (END, 0.005)]),
            _ => logs(&[(END, 0.99), (8, 0.005), (9, 0.005)]),
        };
        let search = |width| {
            let mut search = Search::new(Beam { width, length_penalty: 1.0 }, 10);
            while !search.is_done() {
                let next: Vec<_> = search.open.iter().map(|of| next(&of.pieces)).collect();
                search.step(&next);
            }
            search.found()
        };
        assert_eq!(search(1)[0].1.pieces, [5, 8]);
        let found = search(2);
        assert_eq!(found[0].1.pieces, [6, 8]);
        let wanted = (0.4_f64 * 0.99 * 0.99).ln();
        assert!((found[0].1.log_probability - wanted).abs() < 1e-12);
        assert!((found[0].0 - wanted / 3.0).abs() < 1e-12);
        assert_eq!(found[0].1.rows, [0, 1, 0]);
    }

    #[test]
    fn what_never_ends_is_cut() {
        let mut search = Search::new(Beam { width: 2, length_penalty: 0.0 }, 3);
        while !search.is_done() {
            let next = vec![logs(&[(5, 0.5), (6, 0.4), (7, 0.1)]); search.open.len()];
            search.step(&next);
        }
        let found = search.found();
        assert_eq!((found.len(), &found[0].1.pieces[..]), (2, &[5, 5, 5][..]));
    }
}
