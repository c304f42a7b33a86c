//! The teacher's reply to an answer in each of the ten regimes.

use rand::{Rng, RngExt};

use super::types::{Regime, Reply, Request, Story, Turn};
use super::vocabulary::{NEGATIVE, PLACES, POSITIVE, REQUEST, area};

/// What answers a question: the last move of the actor asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact<'a> {
    /// `Mary moved to the bathroom.`
    pub statement: &'a str,
    /// Its place, one of [`PLACES`].
    pub place: &'static str,
}

/// What answers question number `turn` of a story; nothing where no statement before it says where
/// the one asked about went.
pub fn supporting_fact(story: &Story, turn: usize) -> Option<Fact<'_>> {
    let asked = story.turns.get(turn)?.question.strip_prefix("Where is ")?.strip_suffix('?')?;
    let told = story.turns[..=turn].iter().rev();
    let statement = told
        .flat_map(|turn| turn.statements.iter().rev())
        .find(|statement| statement.split(' ').next() == Some(asked))?;
    let place = statement.strip_suffix('.')?.rsplit(' ').next()?;
    let place = PLACES.into_iter().find(|known| *known == place)?;
    Some(Fact { statement, place })
}

/// Whether the student answers a question of this regime as an expert, whom nobody comments on.
pub fn is_expert(regime: Regime, rng: &mut impl Rng) -> bool {
    match regime {
        Regime::ImitatingExpert => true,
        Regime::ImitationMixture => rng.random_bool(0.5),
        _ => false,
    }
}

/// The statements and question of `told` with the answer of a student, `None` for an expert's, and
/// the teacher's reply to it.
pub fn answered(
    told: &Turn,
    regime: Regime,
    fact: &Fact<'_>,
    answer: Option<&str>,
    rng: &mut impl Rng,
) -> Turn {
    Turn {
        statements: told.statements.clone(),
        question: told.question.clone(),
        answer: answer.unwrap_or(fact.place).into(),
        question_reward: answer.is_none(),
        reply: answer.map(|answer| reply(regime, fact, answer, rng)),
    }
}

fn reply(regime: Regime, fact: &Fact<'_>, answer: &str, rng: &mut impl Rng) -> Reply {
    if answer == fact.place { praise(regime, rng) } else { correction(regime, fact, answer, rng) }
}

/// The reply to a right answer.
fn praise(regime: Regime, rng: &mut impl Rng) -> Reply {
    let text = one(&POSITIVE, rng).into();
    let reward = match regime {
        Regime::NoFeedback => false,
        Regime::PartialRewards => rng.random_bool(0.5),
        _ => true,
    };
    Reply { text, reward, request: None }
}

/// The reply to a wrong answer.
fn correction(regime: Regime, fact: &Fact<'_>, answer: &str, rng: &mut impl Rng) -> Reply {
    let Fact { statement, place } = fact;
    let told = |text: String| Reply { text, reward: false, request: None };
    match regime {
        Regime::ImitatingExpert | Regime::PositiveNegative | Regime::ImitationMixture => {
            told(one(&NEGATIVE, rng).into())
        }
        Regime::AnswersSupplied | Regime::PartialRewards | Regime::NoFeedback => {
            told(format!("No, the answer is {place}."))
        }
        Regime::Hints => told(hint(answer, place)),
        Regime::SupportingFacts => told(format!("No, because {statement}")),
        Regime::AskForAnswer => asked((*place).into(), rng),
        Regime::AskForSupportingFact => asked(format!("A relevant fact is {statement}"), rng),
    }
}

fn hint(answer: &str, place: &str) -> String {
    let wanted = area(place).expect("a place has an area");
    let near = if area(answer) == Some(wanted) { "Almost" } else { "No" };
    format!("{near}, they are {wanted}.")
}

fn asked(help: String, rng: &mut impl Rng) -> Reply {
    let request = Some(Request { text: REQUEST.into(), help });
    Reply { text: one(&NEGATIVE, rng).into(), reward: false, request }
}

pub(super) fn one<'a>(among: &[&'a str], rng: &mut impl Rng) -> &'a str {
    among[rng.random_range(0..among.len())]
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::babi_dialog::generate;

    #[test]
    fn hints_name_the_area_and_say_when_the_answer_was_near() {
        assert_eq!(hint("bedroom", "bathroom"), "Almost, they are upstairs.");
        assert_eq!(hint("garden", "kitchen"), "No, they are downstairs.");
    }

    #[test]
    fn a_supporting_fact_is_what_a_teacher_who_names_it_says() {
        let stories = generate(Regime::SupportingFacts, 0.0, 50, ChaCha8Rng::seed_from_u64);
        let mut wrong = 0;
        for story in &stories {
            for (at, turn) in story.turns.iter().enumerate() {
                let fact = supporting_fact(story, at).unwrap();
                let reply = turn.reply.as_ref().unwrap();
                assert_eq!(turn.answer == fact.place, reply.reward);
                if !reply.reward {
                    assert_eq!(reply.text, format!("No, because {}", fact.statement));
                    wrong += 1;
                }
            }
        }
        assert!(wrong > 150, "{wrong}");
    }

    #[test]
    fn another_answer_gets_another_reply() {
        let story = generate(Regime::AnswersSupplied, 0.5, 1, ChaCha8Rng::seed_from_u64).remove(0);
        let fact = supporting_fact(&story, 2).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let mut say =
            |answer| answered(&story.turns[2], Regime::AnswersSupplied, &fact, answer, &mut rng);
        let wrong = PLACES.into_iter().find(|place| *place != fact.place).unwrap();
        let turn = say(Some(wrong));
        assert_eq!((&turn.statements, turn.answer.as_str()), (&story.turns[2].statements, wrong));
        let text = format!("No, the answer is {}.", fact.place);
        assert_eq!(turn.reply, Some(Reply { text, reward: false, request: None }));
        assert!(say(Some(fact.place)).reply.unwrap().reward);
        let expert = say(None);
        assert!(expert.question_reward && expert.reply.is_none() && expert.answer == fact.place);
    }

    #[test]
    fn what_nobody_was_told_has_no_fact() {
        let mut story = generate(Regime::Hints, 0.5, 1, ChaCha8Rng::seed_from_u64).remove(0);
        story.turns[0].question = "Where is Bill?".into();
        assert_eq!(supporting_fact(&story, 0), None);
        assert_eq!(supporting_fact(&story, 9), None);
    }
}
