//! Byte-pair encoding (Sennrich et al. 2016, algorithm 1): which pairs of pieces become one, learned from
//! how often words occur.

use std::collections::{BTreeMap, HashMap, HashSet};

/// Two pieces that follow one another.
pub(super) type Two = (u32, u32);

/// What is learned from: words as pieces, and how often each occurs.
struct Words {
    words: Vec<(Vec<u32>, u64)>,
    counts: HashMap<Two, u64>,
    /// Which words have had a pair.
    places: HashMap<Two, HashSet<usize>>,
}

/// Learns merges: the pair that is most frequent becomes a piece with the next number from `first` on, until
/// there are `count` of them or no pair occurs twice. Of equally frequent pairs the one with the lowest
/// numbers comes first.
pub(super) fn learn(words: BTreeMap<Vec<u32>, u64>, first: u32, count: usize) -> Vec<Two> {
    let mut known = Words {
        words: words.into_iter().collect(),
        counts: HashMap::new(),
        places: HashMap::new(),
    };
    for at in 0..known.words.len() {
        known.count(at, true);
    }
    let mut merges = Vec::new();
    for piece in (first..).take(count) {
        let best =
            known.counts.iter().max_by_key(|&(&pair, &count)| (count, std::cmp::Reverse(pair)));
        let Some((&pair, &count)) = best else { break };
        if count < 2 {
            break;
        }
        merges.push(pair);
        known.merge(pair, piece);
    }
    merges
}

impl Words {
    /// Adds the pairs of a word, or takes them away.
    fn count(&mut self, at: usize, add: bool) {
        let (word, times) = &self.words[at];
        for pair in word.windows(2).map(|two| (two[0], two[1])) {
            let count = self.counts.entry(pair).or_default();
            if add {
                *count += times;
                self.places.entry(pair).or_default().insert(at);
            } else {
                *count -= times;
                if *count == 0 {
                    self.counts.remove(&pair);
                }
            }
        }
    }

    /// Makes a piece of a pair wherever it is.
    fn merge(&mut self, pair: Two, piece: u32) {
        for at in self.places.remove(&pair).unwrap_or_default() {
            self.count(at, false);
            merge(&mut self.words[at].0, pair, piece);
            self.count(at, true);
        }
    }
}

/// Makes a piece of a pair in a word, from the left to the right.
pub(super) fn merge(word: &mut Vec<u32>, pair: Two, piece: u32) {
    let (mut from, mut to) = (0, 0);
    while from < word.len() {
        let found = word[from] == pair.0 && word.get(from + 1) == Some(&pair.1);
        word[to] = if found { piece } else { word[from] };
        from += 1 + usize::from(found);
        to += 1;
    }
    word.truncate(to);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_pairs_are_merged_first() {
        // "aab" five times, "ab" thrice, "aaa" twice.
        let words = BTreeMap::from([(vec![0, 0, 1], 5), (vec![0, 1], 3), (vec![0, 0, 0], 2)]);
        // ab: 8, aa: 5 + 4; then a + aab... aa takes the first of three.
        assert_eq!(learn(words.clone(), 10, 1), [(0, 0)]);
        // aa b: 5, a b: 3, aa a: 2.
        assert_eq!(learn(words.clone(), 10, 9), [(0, 0), (10, 1), (0, 1), (10, 0)]);
        let mut word = vec![0, 0, 0, 0, 0];
        merge(&mut word, (0, 0), 10);
        assert_eq!(word, [10, 10, 0]);
    }
}
