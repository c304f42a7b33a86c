//! Generates exchanges from the knowledge base in each of the ten regimes.

use std::collections::HashSet;

use rand::{Rng, RngExt};

use super::exchange::{Exchange, Says};
use super::knowledge::{Entity, KnowledgeBase};
use super::phrasing::{Ask, Phrasing, phrasings};
use super::question::Question;
use crate::babi_dialog::{NEGATIVE, POSITIVE, Regime};

/// Grows whenever the same generators would give other exchanges; part of a run's identity.
pub const GENERATOR_VERSION: u32 = 1;

/// Makes one exchange of `regime` for everything the knowledge base can be asked and `held_out` does
/// not ask: each entity and each [`Ask`] that has an answer.
///
/// * The phrasing is drawn uniformly among those of the ask.
/// * One right answer is drawn uniformly; it is what the teacher supplies, and what the student
///   answers with probability `policy_accuracy`. Otherwise the student answers with an entity drawn
///   uniformly from all.
/// * Positive and negative replies are drawn uniformly from those of the bAbI files. A hint tells
///   what kind of thing the answer is; a supporting fact is the line that holds the supplied answer.
///
/// A question that is held out in an unknown phrasing takes everything about its entity with it.
/// Exchange `i` is a function of `rng(i)` alone, and its question and supplied answer are the same
/// for every regime and policy where `rng` is.
///
/// # Panics
/// When `policy_accuracy` is not within 0 and 1.
pub fn generate<R: Rng>(
    knowledge: &KnowledgeBase,
    held_out: &[Question],
    regime: Regime,
    policy_accuracy: f64,
    mut rng: impl FnMut(u64) -> R,
) -> Vec<Exchange> {
    assert!((0.0..=1.0).contains(&policy_accuracy), "policy_accuracy: {policy_accuracy}");
    let asks = asks();
    let known: HashSet<(Entity, Ask)> =
        held_out.iter().filter_map(|question| Some((question.topic, question.ask()?))).collect();
    let unknown = held_out.iter().filter(|question| question.ask().is_none());
    let unknown: HashSet<Entity> = unknown.map(|question| question.topic).collect();
    let mut exchanges = Vec::new();
    let mut index = 0;
    for topic in (0..knowledge.entities()).map(|topic| Entity(topic as u32)) {
        for (ask, ways) in &asks {
            let answers = knowledge.answers(topic, ask.relation, ask.aspect);
            if answers.is_empty() {
                continue;
            }
            let teacher = Teacher { knowledge, regime, ask: *ask };
            if !known.contains(&(topic, *ask)) && !unknown.contains(&topic) {
                let mut rng = rng(index);
                let phrasing = ways[rng.random_range(0..ways.len())].text.into();
                let question = Question { phrasing, topic, answers };
                exchanges.push(teacher.exchange(question, policy_accuracy, &mut rng));
            }
            index += 1;
        }
    }
    exchanges
}

/// Everything a teacher of `regime` can reply to an answer about whose topic `facts` are known and
/// which could have been one of `answers`; help that a student asked for included.
pub fn possible_replies(regime: Regime, facts: &[u32], answers: &[Entity]) -> Vec<Says> {
    let answers = || answers.iter().copied();
    let facts = || facts.iter().copied();
    let wrong = (0..NEGATIVE.len()).map(Says::Wrong);
    let told: Vec<Says> = match regime {
        Regime::ImitatingExpert => return Vec::new(),
        Regime::AnswersSupplied | Regime::PartialRewards | Regime::NoFeedback => {
            answers().map(Says::AnswerIs).collect()
        }
        Regime::Hints => asks().into_iter().map(|(ask, _)| Says::Hint(ask)).collect(),
        Regime::SupportingFacts => facts().map(Says::Because).collect(),
        Regime::AskForAnswer => wrong.chain(answers().map(Says::Answer)).collect(),
        Regime::AskForSupportingFact => wrong.chain(facts().map(Says::RelevantFact)).collect(),
        Regime::PositiveNegative | Regime::ImitationMixture => wrong.collect(),
    };
    (0..POSITIVE.len()).map(Says::Right).chain(told).collect()
}

/// The known phrasings by what they ask.
fn asks() -> Vec<(Ask, Vec<Phrasing>)> {
    let mut asks: Vec<(Ask, Vec<Phrasing>)> = Vec::new();
    for phrasing in phrasings() {
        match asks.iter_mut().find(|(ask, _)| *ask == phrasing.ask) {
            Some((_, ways)) => ways.push(*phrasing),
            None => asks.push((phrasing.ask, vec![*phrasing])),
        }
    }
    asks
}

struct Teacher<'a> {
    knowledge: &'a KnowledgeBase,
    regime: Regime,
    ask: Ask,
}

impl Teacher<'_> {
    fn exchange(&self, question: Question, policy: f64, rng: &mut impl Rng) -> Exchange {
        let supplied = question.answers[rng.random_range(0..question.answers.len())];
        let regime = self.regime;
        let expert = match regime {
            Regime::ImitatingExpert => true,
            Regime::ImitationMixture => rng.random_bool(0.5),
            _ => false,
        };
        if expert {
            return Exchange {
                question,
                answer: supplied,
                rewarded: true,
                reply: None,
                help: None,
            };
        }
        let answer = if rng.random_bool(policy) {
            supplied
        } else {
            Entity(rng.random_range(0..self.knowledge.entities() as u32))
        };
        if question.answers.contains(&answer) {
            let reply = Some(Says::Right(rng.random_range(0..POSITIVE.len())));
            let rewarded = match regime {
                Regime::NoFeedback => false,
                Regime::PartialRewards => rng.random_bool(0.5),
                _ => true,
            };
            return Exchange { question, answer, rewarded, reply, help: None };
        }
        let wrong = Says::Wrong(rng.random_range(0..NEGATIVE.len()));
        let fact = || self.fact(question.topic, supplied);
        let (reply, help) = match regime {
            Regime::AnswersSupplied | Regime::PartialRewards | Regime::NoFeedback => {
                (Says::AnswerIs(supplied), None)
            }
            Regime::Hints => (Says::Hint(self.ask), None),
            Regime::SupportingFacts => (Says::Because(fact()), None),
            Regime::AskForAnswer => (wrong, Some(Says::Answer(supplied))),
            Regime::AskForSupportingFact => (wrong, Some(Says::RelevantFact(fact()))),
            Regime::ImitatingExpert | Regime::PositiveNegative | Regime::ImitationMixture => {
                (wrong, None)
            }
        };
        Exchange { question, answer, rewarded: false, reply: Some(reply), help }
    }

    /// The first fact of the asked relation that names both entities.
    fn fact(&self, topic: Entity, answer: Entity) -> u32 {
        let holds = |number: &u32| {
            let fact = &self.knowledge.facts()[*number as usize];
            let names = |entity| fact.subject == entity || fact.objects.contains(&entity);
            fact.relation == self.ask.relation && names(answer) && names(topic)
        };
        let facts = self.knowledge.about(topic);
        facts.iter().copied().find(holds).expect("an answer comes from a fact")
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::super::knowledge::tests::SMALL;
    use super::*;

    fn made(knowledge: &KnowledgeBase, regime: Regime, policy: f64) -> Vec<Exchange> {
        generate(knowledge, &[], regime, policy, ChaCha8Rng::seed_from_u64)
    }

    #[test]
    fn every_reply_that_is_made_is_possible() {
        let knowledge = KnowledgeBase::read("kb", SMALL.as_bytes()).unwrap();
        let all: Vec<Entity> = (0..knowledge.entities() as u32).map(Entity).collect();
        for number in 1..=10 {
            let regime = Regime::from_number(number).unwrap();
            for exchange in made(&knowledge, regime, 0.3) {
                let facts = knowledge.about(exchange.question.topic);
                let possible = possible_replies(regime, facts, &all);
                let said = exchange.reply.into_iter().chain(exchange.help);
                said.for_each(|says| assert!(possible.contains(&says), "{regime:?}: {says:?}"));
            }
        }
        assert!(possible_replies(Regime::ImitatingExpert, &[], &all).is_empty());
    }

    #[test]
    fn everything_is_asked_once_and_what_is_held_out_is_not() {
        let knowledge = KnowledgeBase::read("kb", SMALL.as_bytes()).unwrap();
        let all = made(&knowledge, Regime::AnswersSupplied, 0.5);
        // Kismet 4, Love, Marilyn 2, Morocco 1, five people (one of two movies), two topics.
        assert_eq!(all.len(), 4 + 2 + 1 + 5 + 2);
        let asked: Vec<Question> = all.iter().map(|exchange| exchange.question.clone()).collect();
        let held_out = generate(
            &knowledge,
            &asked[..3],
            Regime::AnswersSupplied,
            0.5,
            ChaCha8Rng::seed_from_u64,
        );
        assert_eq!(held_out, all[3..]);
        let unknown = Question { phrasing: "tell me of *".into(), ..asked[0].clone() };
        let none_of_it =
            generate(&knowledge, &[unknown], Regime::Hints, 0.5, ChaCha8Rng::seed_from_u64);
        assert!(none_of_it.iter().all(|exchange| exchange.question.topic != asked[0].topic));
        assert_eq!(none_of_it.len(), all.len() - 4);
    }

    #[test]
    fn every_regime_replies_as_it_should() {
        let knowledge = KnowledgeBase::read("kb", SMALL.as_bytes()).unwrap();
        for regime in Regime::ALL {
            let (right, wrong) = (made(&knowledge, regime, 1.0), made(&knowledge, regime, 0.0));
            for (right, wrong) in right.iter().zip(&wrong) {
                assert_eq!(right.question, wrong.question);
                assert!(right.question.answers.contains(&right.answer));
                assert_eq!(right.help, None);
                if regime == Regime::ImitatingExpert {
                    assert_eq!((right, right.rewarded, right.reply), (wrong, true, None));
                }
                if regime == Regime::NoFeedback {
                    assert!(!right.rewarded);
                }
                // The student may hit upon a right answer by chance, and an expert may answer.
                if wrong.question.answers.contains(&wrong.answer) {
                    continue;
                }
                assert!(!wrong.rewarded);
                let text = |says: Option<Says>| says.map(|says| says.text(&knowledge));
                let (reply, help) = (text(wrong.reply).unwrap(), text(wrong.help));
                let names_answer = |text: &str| {
                    wrong.question.answers.iter().any(|&a| text.contains(knowledge.name(a)))
                };
                match regime {
                    Regime::AnswersSupplied | Regime::PartialRewards | Regime::NoFeedback => {
                        assert!(reply.starts_with("No, the answer is ") && names_answer(&reply));
                    }
                    Regime::Hints => assert!(reply.starts_with("No, it is a ")),
                    Regime::SupportingFacts => {
                        assert!(reply.starts_with("No, because ") && names_answer(&reply));
                    }
                    Regime::AskForAnswer => assert!(names_answer(&help.unwrap())),
                    Regime::AskForSupportingFact => {
                        let help = help.unwrap();
                        assert!(help.starts_with("A relevant fact is ") && names_answer(&help));
                    }
                    _ => assert!(NEGATIVE.contains(&reply.as_str())),
                }
            }
        }
    }

    #[test]
    fn facts_are_quoted_as_they_stand() {
        let knowledge = KnowledgeBase::read("kb", SMALL.as_bytes()).unwrap();
        assert_eq!(
            Says::RelevantFact(1).text(&knowledge),
            "A relevant fact is Kismet starred_actors Marlene Dietrich, Edward Arnold."
        );
        assert_eq!(Says::Answer(knowledge.named("1944").unwrap()).text(&knowledge), "1944");
        assert_eq!(Says::Right(2).text(&knowledge), "Yes!");
    }
}
