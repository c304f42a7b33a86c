//! Counts of n-grams that two sequences share.

/// What two sequences have of one order of n-grams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shared {
    /// In both, each as often as the sequence that has fewer of it.
    pub(super) matches: u64,
    /// In the candidate.
    pub(super) candidate: u64,
    /// In the reference.
    pub(super) reference: u64,
}

/// Room for the n-grams of two sequences.
#[derive(Debug, Default)]
pub(super) struct Grams {
    candidate: Vec<u128>,
    reference: Vec<u128>,
}

impl Grams {
    /// The n-grams of `order` tokens, each token as `bits` bits; `order * bits` is 128 at most.
    pub(super) fn shared(
        &mut self,
        candidate: &[u32],
        reference: &[u32],
        (order, bits): (usize, u32),
    ) -> Shared {
        fill(&mut self.candidate, candidate, order, bits);
        fill(&mut self.reference, reference, order, bits);
        let (mut a, mut b) = (self.candidate.iter().peekable(), self.reference.iter().peekable());
        let mut matches = 0;
        while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
            let order = left.cmp(right);
            matches += u64::from(order.is_eq());
            if order.is_le() {
                a.next();
            }
            if order.is_ge() {
                b.next();
            }
        }
        let (candidate, reference) = (self.candidate.len() as u64, self.reference.len() as u64);
        Shared { matches, candidate, reference }
    }
}

/// The sorted n-grams of a sequence.
fn fill(grams: &mut Vec<u128>, tokens: &[u32], order: usize, bits: u32) {
    grams.clear();
    let gram = |window: &[u32]| window.iter().fold(0, |gram, &of| gram << bits | u128::from(of));
    grams.extend(tokens.windows(order).map(gram));
    grams.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grams_are_clipped() {
        let shared = |order| Grams::default().shared(&[7, 7, 7, 1], &[7, 7, 2, 1], (order, 32));
        assert_eq!(shared(1), Shared { matches: 3, candidate: 4, reference: 4 });
        assert_eq!(shared(2), Shared { matches: 1, candidate: 3, reference: 3 });
        assert_eq!(shared(5), Shared::default());
    }
}
