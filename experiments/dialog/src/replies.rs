use std::collections::BTreeMap;

use rand::{Rng, RngExt};

use crate::examples::Example;
use crate::params::Negatives;
use crate::text::Vocabulary;

/// The replies of a training set, from which competitors of the true one are drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replies {
    /// Word indices of each distinct text, in alphabetical order of the texts.
    words: Vec<Vec<u32>>,
    /// How often each occurs, as a list of indices with repeats.
    occurrences: Vec<usize>,
    /// Index of each example's reply.
    of_example: Vec<Option<usize>>,
    negatives: Negatives,
    count: usize,
}

impl Replies {
    /// Collects the replies of a training set; at most `count` compete with the true one.
    pub(crate) fn new(
        examples: &[Example],
        vocabulary: &Vocabulary,
        negatives: Negatives,
        count: usize,
    ) -> Self {
        let texts = || examples.iter().filter_map(|example| example.reply.as_deref());
        let mut indices: BTreeMap<&str, usize> = texts().map(|text| (text, 0)).collect();
        for (at, index) in indices.values_mut().enumerate() {
            *index = at;
        }
        let words: Vec<Vec<u32>> = indices.keys().map(|text| vocabulary.encode(text)).collect();
        let others = words.len().saturating_sub(1);
        Self {
            occurrences: texts().map(|text| indices[text]).collect(),
            of_example: examples
                .iter()
                .map(|example| example.reply.as_deref().map(|text| indices[text]))
                .collect(),
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
}

#[cfg(test)]
mod tests {
    use experiment::Stream;

    use super::*;

    fn examples(replies: &[Option<&str>]) -> Vec<Example> {
        let example = |reply: &Option<&str>| Example {
            memories: vec![],
            question: vec![],
            answer: Some(0),
            rewarded: false,
            reply: reply.map(str::to_owned),
        };
        replies.iter().map(example).collect()
    }

    #[test]
    fn distinct_competitors_are_never_the_true_reply_nor_each_other() {
        let examples = examples(&[Some("a"), Some("b"), None, Some("a"), Some("c")]);
        let vocabulary = Vocabulary::new(["a b c"].into_iter(), 0);
        let replies = Replies::new(&examples, &vocabulary, Negatives::Distinct, 5);
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
        let examples = examples(&[Some("a"), Some("a"), Some("a"), Some("b")]);
        let vocabulary = Vocabulary::new(["a b"].into_iter(), 0);
        let replies = Replies::new(&examples, &vocabulary, Negatives::Pooled, 5);
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
        let replies = Replies::new(
            &examples(&[None]),
            &Vocabulary::new(["a"].into_iter(), 0),
            Negatives::Pooled,
            5,
        );
        assert_eq!((replies.longest(), replies.candidates()), (1, 6));
        assert_eq!(replies.draw(0, &mut Stream::new(1, "test").rng(0)), None);
    }
}
