//! Edit distances near the diagonal, and which words they align.

/// How far from the diagonal distances are computed.
const BEAM: usize = 25;
/// The distance of cells that are not computed.
const FAR: u32 = u32::MAX / 2;

/// What makes the words of a candidate's beginning those of the reference's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Undefined,
    Same,
    Substitute,
    Insert,
    Delete,
}

/// The table of edit distances between a candidate and a reference.
#[derive(Debug)]
pub(super) struct Table<'a> {
    words: &'a [u32],
    reference: &'a [u32],
    /// Row-major, a row for each number of words of the candidate.
    cells: Vec<(u32, Step)>,
}

impl<'a> Table<'a> {
    pub(super) fn new(words: &'a [u32], reference: &'a [u32]) -> Self {
        let width = reference.len() + 1;
        let mut cells = vec![(FAR, Step::Undefined); (words.len() + 1) * width];
        for (cell, inserted) in cells[..width].iter_mut().zip(0..) {
            *cell = (inserted, Step::Insert);
        }
        fill(&mut cells, words, reference, 0);
        Self { words, reference, cells }
    }

    /// The distance.
    pub(super) fn distance(&self) -> usize {
        self.cells[self.cells.len() - 1].0 as usize
    }

    /// The distance of the same words in another order.
    pub(super) fn again(&self, words: &[u32]) -> usize {
        let same = words.iter().zip(self.words).take_while(|(a, b)| a == b).count();
        let width = self.reference.len() + 1;
        let mut cells = vec![(FAR, Step::Undefined); self.cells.len()];
        // Where all are the same, the last row stands for itself.
        cells[..(same + 1) * width].copy_from_slice(&self.cells[..(same + 1) * width]);
        fill(&mut cells, words, self.reference, same);
        cells[cells.len() - 1].0 as usize
    }

    /// Which word each word of the reference is aligned to, and which are wrong.
    pub(super) fn alignment(&self) -> Alignment {
        let width = self.reference.len() + 1;
        let (mut i, mut j) = (self.words.len(), self.reference.len());
        let mut steps = Vec::with_capacity(i + j);
        while i > 0 || j > 0 {
            let step = self.cells[i * width + j].1;
            steps.push(step);
            i -= usize::from(matches!(step, Step::Same | Step::Substitute | Step::Delete));
            j -= usize::from(matches!(step, Step::Same | Step::Substitute | Step::Insert));
            assert!(step != Step::Undefined, "a path stays where distances are computed");
        }
        let mut alignment =
            Alignment { aligned: Vec::new(), wrong: Vec::new(), wrong_reference: Vec::new() };
        let mut word = -1;
        for step in steps.into_iter().rev() {
            let wrong = step != Step::Same;
            if step != Step::Insert {
                word += 1;
                alignment.wrong.push(wrong);
            }
            if step != Step::Delete {
                alignment.aligned.push(word);
                alignment.wrong_reference.push(wrong);
            }
        }
        alignment
    }
}

/// Computes the rows from `done + 1` on.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of words stay far below 2^52 and are not negative"
)]
fn fill(cells: &mut [(u32, Step)], words: &[u32], reference: &[u32], done: usize) {
    let (rows, width) = (words.len(), reference.len() + 1);
    let ratio = reference.len() as f64 / rows.max(1) as f64;
    let beam = if (BEAM as f64) < ratio / 2.0 {
        (ratio / 2.0 + BEAM as f64).ceil() as usize
    } else {
        BEAM
    };
    for i in done + 1..=rows {
        let diagonal = (i as f64 * ratio).floor() as usize;
        let end = if i == rows { width } else { width.min(diagonal + beam) };
        for j in diagonal.saturating_sub(beam)..end {
            let at = i * width + j;
            let above = (cells[at - width].0.saturating_add(1), Step::Delete);
            if j == 0 {
                cells[at] = above;
                continue;
            }
            let same = words[i - 1] == reference[j - 1];
            let step = if same { Step::Same } else { Step::Substitute };
            let across = (cells[at - width - 1].0.saturating_add(u32::from(!same)), step);
            let left = (cells[at - 1].0.saturating_add(1), Step::Insert);
            for way in [across, above, left] {
                if way.0 < cells[at].0 {
                    cells[at] = way;
                }
            }
        }
    }
}

/// Which word each word of a reference is aligned to.
#[derive(Debug)]
pub(super) struct Alignment {
    /// Of each word of the reference the last word that was read for it; -1 before the first.
    aligned: Vec<isize>,
    wrong: Vec<bool>,
    wrong_reference: Vec<bool>,
}

impl Alignment {
    /// What a word of the reference is aligned to.
    pub(super) fn of(&self, reference: usize) -> Option<isize> {
        self.aligned.get(reference).copied()
    }

    /// Whether moving a block to where the reference has it can help: some of its words are wrong, so are
    /// some of the reference there, and it does not lie there already.
    pub(super) fn is_worth(&self, from: usize, of_reference: usize, length: usize) -> bool {
        let block = from.cast_signed()..(from + length).cast_signed();
        self.wrong[from..from + length].contains(&true)
            && self.wrong_reference[of_reference..of_reference + length].contains(&true)
            && !block.contains(&self.aligned[of_reference])
    }
}
