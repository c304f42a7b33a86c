//! The distinct replies of a training set, and negatives drawn from them.

use std::collections::BTreeMap;

use rand::{Rng, RngExt};

use crate::params::Negatives;

/// The replies of a training set, from which competitors of the true one are drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replies {
    /// Word indices of each distinct text, in the order of what is said.
    words: Vec<Vec<u32>>,
    /// How often each occurs, as a list of indices with repeats.
    occurrences: Vec<usize>,
    /// Index of each example's reply.
    of_example: Vec<Option<usize>>,
    negatives: Negatives,
    count: usize,
}

impl Replies {
    /// Collects the replies of a training set, one an example; at most `count` compete with the true
    /// one, and `words` gives the word indices of each.
    pub(crate) fn new<T: Ord>(
        replies: &[Option<T>],
        words: impl Fn(&T) -> Vec<u32>,
        negatives: Negatives,
        count: usize,
    ) -> Self {
        let said = || replies.iter().flatten();
        let mut indices: BTreeMap<&T, usize> = said().map(|reply| (reply, 0)).collect();
        for (at, index) in indices.values_mut().enumerate() {
            *index = at;
        }
        let words: Vec<Vec<u32>> = indices.keys().map(|reply| words(reply)).collect();
        let others = words.len().saturating_sub(1);
        let of_example: Vec<Option<usize>> =
            replies.iter().map(|reply| Some(indices[reply.as_ref()?])).collect();
        Self {
            occurrences: of_example.iter().copied().flatten().collect(),
            of_example,
            negatives,
            count: if negatives == Negatives::Distinct { count.min(others) } else { count },
            words,
        }
    }

    /// Candidates a question: the true reply and its competitors.
    pub(crate) fn candidates(&self) -> usize {
        1 + self.count
    }

    /// Words of the longest reply, at least 1.
    pub(crate) fn longest(&self) -> usize {
        self.words.iter().map(Vec::len).max().unwrap_or(0).max(1)
    }

    /// Word indices of an example's true reply and of its drawn competitors; `None` where the
    /// teacher said nothing.
    pub(crate) fn draw(&self, example: usize, rng: &mut impl Rng) -> Option<Vec<&[u32]>> {
        let true_reply = self.of_example[example]?;
        let mut drawn = vec![true_reply];
        while drawn.len() < self.candidates() {
            let candidate = match self.negatives {
                Negatives::Pooled => self.occurrences[rng.random_range(0..self.occurrences.len())],
                Negatives::Distinct => rng.random_range(0..self.words.len()),
            };
            if self.negatives == Negatives::Pooled || !drawn.contains(&candidate) {
                drawn.push(candidate);
            }
        }
        Some(drawn.into_iter().map(|index| self.words[index].as_slice()).collect())
    }

    /// Takes other examples up, whose replies have these numbers among the distinct ones.
    pub(crate) fn answer_to(&mut self, of_example: Vec<Option<usize>>) {
        self.occurrences = of_example.iter().copied().flatten().collect();
        self.of_example = of_example;
    }

    /// The number of an example's true reply among the distinct ones.
    pub(crate) fn said(&self, example: usize) -> Option<usize> {
        self.of_example[example]
    }

    /// Number of distinct replies.
    pub(crate) fn distinct(&self) -> usize {
        self.words.len()
    }

    /// Word indices of a distinct reply.
    pub(crate) fn words(&self, number: usize) -> &[u32] {
        &self.words[number]
    }
}

#[cfg(test)]
mod tests {
    use experiment::Stream;

    use super::*;
    use crate::text::Vocabulary;

    fn replies(said: &[Option<&str>], negatives: Negatives) -> Replies {
        let vocabulary = Vocabulary::new(["a b c"].into_iter(), 0);
        Replies::new(said, |text| vocabulary.encode(text), negatives, 5)
    }

    #[test]
    fn distinct_competitors_are_never_the_true_reply_nor_each_other() {
        let said = [Some("a"), Some("b"), None, Some("a"), Some("c")];
        let replies = replies(&said, Negatives::Distinct);
        assert_eq!(replies.candidates(), 3, "only two others exist");
        for index in 0..20 {
            let mut rng = Stream::new(1, "test").rng(index);
            let mut drawn = replies.draw(3, &mut rng).unwrap();
            assert_eq!(drawn[0], [1]);
            drawn.sort_unstable();
            assert_eq!(drawn, [[1], [2], [3]]);
        }
        assert_eq!(replies.draw(2, &mut Stream::new(1, "test").rng(0)), None);
    }

    #[test]
    fn pooled_competitors_follow_their_frequency() {
        let said = [Some("a"), Some("a"), Some("a"), Some("b")];
        let replies = replies(&said, Negatives::Pooled);
        let mut counts = [0, 0];
        for index in 0..400 {
            let mut rng = Stream::new(1, "test").rng(index);
            for drawn in &replies.draw(3, &mut rng).unwrap()[1..] {
                counts[drawn[0] as usize - 1] += 1;
            }
        }
        assert_eq!(counts[0] + counts[1], 2000);
        assert!((1400..1600).contains(&counts[0]), "{counts:?}");
    }

    #[test]
    fn a_set_without_replies_has_none_to_draw() {
        let replies = replies(&[None], Negatives::Pooled);
        assert_eq!((replies.longest(), replies.candidates()), (1, 6));
        assert_eq!(replies.draw(0, &mut Stream::new(1, "test").rng(0)), None);
    }
}
