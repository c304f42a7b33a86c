//! The decoder with its own draws: at every step somebody says which piece it is given next.

use autodiff::{Buffer, Error};
use learn::Layout;
use learn::layers::CellKind;
use rand::{Rng, RngExt};

use super::Network;
use super::program::{Candidates, Reader, Step};
use crate::source::Source;

/// Runs the decoder over so many sources at once.
pub(crate) struct Roller {
    reader: Reader,
    step: Step,
    places: usize,
}

impl Roller {
    /// For `rows` sources of up to `places` places.
    ///
    /// # Errors
    /// Any error of the trace; memory.
    pub(crate) fn new<C: CellKind>(
        network: &Network<C>,
        layout: &Layout,
        (rows, places): (usize, usize),
    ) -> Result<Self, Error> {
        let reader = Reader::new(network, layout, rows, places)?;
        let step = Step::new(network, layout, Candidates::All, (rows, places))?;
        Ok(Self { reader, step, places })
    }

    /// Runs the decoder over sources until none goes on: `next` is given row, step and the log
    /// probabilities of all pieces, and says what the row is given next, if it goes on.
    pub(crate) fn roll(
        &mut self,
        weights: &mut Buffer,
        sources: &[&Source],
        mut next: impl FnMut(usize, usize, &[f32]) -> Option<u32>,
    ) -> Result<(), Error> {
        let read = self.reader.read(weights, sources)?;
        self.step.begin(&read, 1, self.places);
        let mut open = vec![true; sources.len()];
        let mut at = 0;
        while open.contains(&true) {
            let found = self.step.run(weights, None)?;
            for (row, open) in open.iter_mut().enumerate().filter(|(_, open)| **open) {
                match next(row, at, found.of_row(row)) {
                    Some(piece) => self.step.follow(&found, row, row, piece),
                    None => *open = false,
                }
            }
            at += 1;
        }
        Ok(())
    }
}

/// A piece by the log probabilities of all.
pub(crate) fn draw(log_probabilities: &[f32], rng: &mut impl Rng) -> u32 {
    let mut at: f64 = rng.random();
    let drawn = log_probabilities.iter().position(|&log| {
        at -= f64::from(log).exp();
        at < 0.0
    });
    // Rounding can leave nothing; the last piece is as good as any then.
    let drawn = drawn.unwrap_or(log_probabilities.len() - 1);
    u32::try_from(drawn).expect("a vocabulary has fewer than 2^32 pieces")
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn pieces_are_drawn_as_often_as_they_are_likely() {
        let logs = [0.5_f32, 0.3, 0.2].map(f32::ln);
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let mut found = [0_i32; 3];
        (0..10_000).for_each(|_| found[draw(&logs, &mut rng) as usize] += 1);
        for (piece, wanted) in [(0, 5000), (1, 3000), (2, 2000)] {
            assert!((found[piece] - wanted).abs() < 250, "{piece}: {}", found[piece]);
        }
    }
}
