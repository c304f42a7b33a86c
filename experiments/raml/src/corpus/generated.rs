//! Sentences of a small made-up language, and their translations to another one.
//!
//! Sentences are `NP verb NP` with or without `preposition NP`, and `NP` is an article, an adjective or
//! none, and a noun. In the translation adjectives follow their noun, articles and adjectives agree with its
//! gender, and the verb comes last. A noun has two translations, one of which is rare.

use datasets::parallel::Pair;
use experiment::Stream;
use rand::{Rng, RngExt, seq::IndexedRandom};

const ARTICLES: [&str; 2] = ["the", "a"];
const ADJECTIVES: [&str; 6] = ["red", "old", "small", "happy", "loud", "green"];
const NOUNS: [&str; 12] = [
    "dog", "house", "child", "tree", "river", "book", "woman", "boat", "cat", "street", "king",
    "stone",
];
const VERBS: [&str; 6] = ["sees", "likes", "finds", "paints", "follows", "knows"];
const PREPOSITIONS: [&str; 3] = ["near", "under", "behind"];
/// Endings of the three genders.
const ENDINGS: [&str; 3] = ["o", "a", "u"];
/// How often a noun has its rare translation.
const RARE: f64 = 0.1;

/// Training, development and test sentences: 3000, 200 and 200.
pub(super) fn parts(seed: u64) -> [Vec<Pair>; 3] {
    let sentences = Stream::new(seed, "sentences");
    let part = |index, count| {
        let mut rng = sentences.rng(index);
        (0..count).map(|_| pair(&mut rng)).collect()
    };
    [part(0, 3000), part(1, 200), part(2, 200)]
}

/// The translation of a word without its ending: its letters from the last to the first.
fn stem(word: &str) -> String {
    word.chars().rev().collect()
}

fn choose<'a, T>(among: &'a [T], rng: &mut impl Rng) -> &'a T {
    among.choose(rng).expect("lists of words that are not empty")
}

fn pair(rng: &mut impl Rng) -> Pair {
    let (mut source, mut target) = (Vec::new(), Vec::new());
    noun_phrase(rng, &mut source, &mut target);
    let verb = choose(&VERBS, rng);
    source.push((*verb).to_owned());
    noun_phrase(rng, &mut source, &mut target);
    if rng.random_bool(0.5) {
        let preposition = choose(&PREPOSITIONS, rng);
        source.push((*preposition).to_owned());
        target.push(stem(preposition));
        noun_phrase(rng, &mut source, &mut target);
    }
    target.push(stem(verb));
    Pair { source: source.join(" "), target: target.join(" ") }
}

fn noun_phrase(rng: &mut impl Rng, source: &mut Vec<String>, target: &mut Vec<String>) {
    let (article, noun) = (choose(&ARTICLES, rng), rng.random_range(0..NOUNS.len()));
    let ending = ENDINGS[noun % ENDINGS.len()];
    source.push((*article).to_owned());
    target.push(stem(article) + ending);
    let adjective = rng.random_bool(0.5).then(|| choose(&ADJECTIVES, rng));
    source.extend(adjective.map(|word| (*word).to_owned()));
    source.push(NOUNS[noun].to_owned());
    let rare = if rng.random_bool(RARE) { "ik" } else { "" };
    target.push(stem(NOUNS[noun]) + rare);
    target.extend(adjective.map(|word| stem(word) + ending));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_follow_the_grammar() {
        let [train, dev, test] = parts(0);
        assert_eq!((train.len(), dev.len(), test.len()), (3000, 200, 200));
        assert_ne!(parts(1)[0], train);
        for Pair { source, target } in &train {
            let (source, target): (Vec<_>, Vec<_>) =
                (source.split(' ').collect(), target.split(' ').collect());
            assert_eq!(source.len(), target.len());
            assert!((5..=11).contains(&source.len()));
            let verb = source.iter().find(|word| VERBS.contains(word)).unwrap();
            assert_eq!(*target.last().unwrap(), stem(verb));
        }
        let example = train.iter().find(|pair| pair.source.starts_with("the old dog "));
        let target = &example.unwrap().target;
        assert!(["ehto god dloo ", "ehto godik dloo "].iter().any(|of| target.starts_with(of)));
    }
}
