//! The released MovieQA files, and the exchanges generated from them.

use std::collections::{BTreeMap, HashSet};

use datasets::Store;
use datasets::babi_dialog::{Regime, Split};
use datasets::movieqa::{self, Aspect, KnowledgeBase, Question, Relation, generate, phrasings};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tempfile::TempDir;

use crate::mirror::mirror;

/// How many questions each meaning answers.
type Asked = BTreeMap<(Relation, Aspect), usize>;

/// The knowledge base, the dev and the test questions of the mirror.
fn opened(test: &str) -> Option<(KnowledgeBase, Vec<Question>, Vec<Question>)> {
    let mirror = mirror(test)?;
    let cache = TempDir::new().unwrap();
    let store = Store::new(cache.path(), Some(&mirror), true);
    let knowledge = movieqa::knowledge_base(&store).unwrap();
    let dev = movieqa::questions(&store, &knowledge, Split::Dev).unwrap();
    let test = movieqa::questions(&store, &knowledge, Split::Test).unwrap();
    assert!(movieqa::questions(&store, &knowledge, Split::Train).is_err());
    Some((knowledge, dev, test))
}

#[test]
fn the_phrasings_are_those_of_the_dev_questions_and_cover_the_test() {
    let Some((knowledge, dev, test)) = opened("movieqa phrasings") else { return };
    assert_eq!((knowledge.entities(), knowledge.facts().len()), (43_234, 84_459));
    assert_eq!((dev.len(), test.len()), (9968, 9952));
    // What a phrasing asks is what most often gives its questions' answers.
    let mut seen: BTreeMap<&str, (usize, Asked)> = BTreeMap::new();
    for question in &dev {
        let (count, asks) = seen.entry(&question.phrasing).or_default();
        *count += 1;
        let wanted: HashSet<_> = question.answers.iter().collect();
        for relation in Relation::ALL {
            for aspect in [Aspect::Objects, Aspect::Subjects] {
                let answers = knowledge.answers(question.topic, relation, aspect);
                if wanted == answers.iter().collect() {
                    *asks.entry((relation, aspect)).or_default() += 1;
                }
            }
        }
    }
    let mut found: Vec<(&str, (Relation, Aspect))> = Vec::new();
    for (phrasing, (count, asks)) in seen {
        if count >= 3 {
            found.push((phrasing, *asks.iter().max_by_key(|(_, count)| **count).unwrap().0));
        }
    }
    let mut table: Vec<_> =
        phrasings().iter().map(|p| (p.text, (p.ask.relation, p.ask.aspect))).collect();
    table.sort_unstable_by_key(|(text, _)| *text);
    assert_eq!(table, found);
    let covered = test.iter().filter(|question| question.ask().is_some()).count();
    assert_eq!(covered, test.len());
}

#[test]
fn training_exchanges_ask_what_dev_and_test_do_not() {
    let Some((knowledge, dev, test)) = opened("movieqa exchanges") else { return };
    let held_out = [dev, test].concat();
    let exchanges = generate(&knowledge, &held_out, Regime::AnswersSupplied, 0.5, |index| {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        rng.set_stream(index);
        rng
    });
    assert_eq!(exchanges.len(), 92_416);
    let asked: HashSet<_> = held_out.iter().map(|q| (q.topic, q.ask())).collect();
    assert!(exchanges.iter().all(|e| !asked.contains(&(e.question.topic, e.question.ask()))));
    let right = exchanges.iter().filter(|e| e.question.answers.contains(&e.answer)).count();
    let share = right as f64 / exchanges.len() as f64;
    assert!((share - 0.5).abs() < 0.01, "{share}");
}
