//! In how many ways edit scripts lead to a sequence.

use super::edits::Deletions;

/// Numbers of scripts by substitutions and insertions that lead from a reference to a sequence.
///
/// A script says of each token of the reference whether it is left alone or substituted, which with
/// [`Deletions::Counted`] may delete it, and where tokens are inserted: before a token that is left alone,
/// or at the end. Two scripts differ in which tokens they substitute or in the order of what they insert
/// and leave alone; several may lead to one sequence.
pub(super) struct Ways {
    substitutions: usize,
    insertions: usize,
    /// `[substitutions + 1, insertions + 1]`.
    counts: Vec<f64>,
}

impl Ways {
    /// Counts the scripts with up to so many substitutions and insertions.
    pub(super) fn new(
        reference: &[u32],
        sequence: &[u32],
        deletions: Deletions,
        (substitutions, insertions): (usize, usize),
    ) -> Self {
        let cells = (substitutions + 1) * (insertions + 1);
        let width = sequence.len() + 1;
        // For each beginning of the sequence the scripts of what was read of the reference that made it:
        // those that may go on in any way, and those that inserted last, which leave a token alone or end.
        let mut free = vec![0.0; width * cells];
        free[0] = 1.0;
        let mut inserted = inserting(&free, width, (substitutions, insertions));
        for &token in reference {
            let mut next = vec![0.0; width * cells];
            for made in 0..width {
                for s in 0..=substitutions {
                    for i in 0..=insertions {
                        let cell = s * (insertions + 1) + i;
                        let at = made * cells + cell;
                        let (any, both) = (free[at], free[at] + inserted[at]);
                        let said = sequence.get(made);
                        if said == Some(&token) {
                            next[at + cells] += both;
                        }
                        if s == substitutions || any == 0.0 {
                            continue;
                        }
                        let substituted = at + insertions + 1;
                        match deletions {
                            Deletions::Counted => {
                                next[substituted] += any;
                                if said.is_some_and(|said| *said != token) {
                                    next[substituted + cells] += any;
                                }
                            }
                            Deletions::Never => {
                                if said.is_some() {
                                    next[substituted + cells] += any;
                                }
                            }
                        }
                    }
                }
            }
            free = next;
            inserted = inserting(&free, width, (substitutions, insertions));
        }
        let last = (width - 1) * cells..width * cells;
        let ends = free[last.clone()].iter().zip(&inserted[last]);
        let counts = ends.map(|(free, inserted)| free + inserted).collect();
        Self { substitutions, insertions, counts }
    }

    /// How many scripts there are with so many substitutions and insertions.
    pub(super) fn of(&self, substitutions: usize, insertions: usize) -> f64 {
        if substitutions > self.substitutions || insertions > self.insertions {
            return 0.0;
        }
        self.counts[substitutions * (self.insertions + 1) + insertions]
    }
}

/// The scripts that insert one token or more after those that are given.
fn inserting(free: &[f64], width: usize, (substitutions, insertions): (usize, usize)) -> Vec<f64> {
    let cells = (substitutions + 1) * (insertions + 1);
    let mut inserted = vec![0.0; free.len()];
    for made in 1..width {
        for s in 0..=substitutions {
            for i in 1..=insertions {
                let to = made * cells + s * (insertions + 1) + i;
                let from = to - cells - 1;
                inserted[to] = free[from] + inserted[from];
            }
        }
    }
    inserted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let ways = |reference: &[u32], sequence: &[u32], deletions| {
            let ways = Ways::new(reference, sequence, deletions, (2, 2));
            move |s, i| ways.of(s, i)
        };
        // Insert a 5 before or after the 5; or delete the 5 and insert two; or nothing substituted.
        let of = ways(&[5], &[5, 5], Deletions::Counted);
        assert_eq!([of(0, 0), of(0, 1), of(1, 2), of(1, 1)], [0.0, 2.0, 1.0, 0.0]);
        // One 6 for the 5; or the 6 inserted, and the 5 deleted.
        let of = ways(&[5], &[6], Deletions::Counted);
        assert_eq!([of(1, 0), of(1, 1), of(0, 1)], [1.0, 1.0, 0.0]);
        // Delete either 5.
        let of = ways(&[5, 5], &[5], Deletions::Counted);
        assert_eq!([of(1, 0), of(2, 1), of(0, 0)], [2.0, 1.0, 0.0]);
        // Nothing is deleted, but a 5 may stand for itself.
        let of = ways(&[5, 5], &[5, 5], Deletions::Never);
        assert_eq!([of(0, 0), of(1, 0), of(2, 0), of(1, 1)], [1.0, 2.0, 1.0, 0.0]);
    }
}
