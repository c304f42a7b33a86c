//! How far the paper's distribution is from the exact one.

use rand::Rng;

use super::exact::{Around, TooManyStates};
use super::{Alphabet, Edits, Exact, Temperature};

/// Total variations between draws by the paper's count of edit scripts and the payoff distribution itself,
/// both with up to the same number of edits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Apart {
    /// Over the numbers of edits that are drawn, before any sequence is.
    pub edits: f64,
    /// Over sequences, estimated.
    pub sequences: f64,
    /// The standard error of that estimate.
    pub error: f64,
}

impl Apart {
    /// Around a reference. Over sequences it is `E[max(0, 1 - q(y) / p(y))]` for draws y by the paper's
    /// count, whose probability p is known from all scripts that lead to y.
    ///
    /// # Errors
    /// [`TooManyStates`] where the exact count would need too much memory.
    ///
    /// # Panics
    /// Without draws.
    pub fn around(
        reference: &[u32],
        (alphabet, temperature): (Alphabet, Temperature),
        most: u8,
        draws: u32,
        rng: &mut impl Rng,
    ) -> Result<Self, TooManyStates> {
        assert!(draws > 0, "wanted draws");
        let length = reference.len();
        let paper = Edits::new(alphabet, temperature, length, |m| usize::from(most).min(2 * m));
        let exact = Exact::new(alphabet, temperature, most).around(reference)?;
        let pairs = exact.probabilities();
        let counted = paper.probabilities(length);
        let edits = pairs
            .iter()
            .enumerate()
            .map(|(e, exact)| (exact - counted.get(e).copied().unwrap_or(0.0)).abs() / 2.0);
        let (mut sum, mut squares) = (0.0, 0.0);
        let mut out = Vec::new();
        for _ in 0..draws {
            paper.sample(reference, rng, &mut out);
            let missing = missing(&paper, &exact, reference, &out);
            (sum, squares) = (sum + missing, squares + missing * missing);
        }
        let count = f64::from(draws);
        let mean = sum / count;
        let error = ((squares / count - mean * mean).max(0.0) / count).sqrt();
        Ok(Self { edits: edits.sum(), sequences: mean, error })
    }
}

/// The share of a sequence's probability by the paper's count that it does not have by the exact one.
fn missing(paper: &Edits, exact: &Around, reference: &[u32], sequence: &[u32]) -> f64 {
    let exact = exact.log_probability(crate::metric::edits::distance(sequence, reference));
    (1.0 - (exact - paper.log_probability(reference, sequence)).exp()).max(0.0)
}
