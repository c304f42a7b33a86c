//! Generates stories by the rules measured in the released files.

use rand::{Rng, RngExt};

use super::teacher::{Fact, answered, is_expert, one};
use super::types::{Regime, Story, Turn};
use super::vocabulary::{ACTORS, PLACES, VERBS};

/// Grows whenever the same generators would give other stories; part of a run's identity.
pub const GENERATOR_VERSION: u32 = 1;

const TURNS: usize = 5;
const STATEMENTS: usize = 2;
/// A question is about the actor of one of so many latest statements, each as likely.
const ASKED: usize = 5;

/// Makes `stories` stories of `regime` by the rules measured in the released files.
///
/// * An actor drawn uniformly goes, by a verb drawn uniformly, to a place drawn uniformly among those
///   where it is not already.
/// * A question is about the actor of one of the last five statements, drawn uniformly.
/// * The student answers rightly with probability `policy_accuracy`, else with a place drawn
///   uniformly from all six.
///
/// The released dev and test files are a student of `policy_accuracy` 1: every answer is right, and
/// the teacher replies as in training.
///
/// Story `i` is a function of `rng(i)` alone. Its statements and questions are drawn before anything
/// else, so regimes and policies share their stories where `rng` is the same, as the released files
/// do.
///
/// # Panics
/// When `policy_accuracy` is not within 0 and 1.
pub fn generate<R: Rng>(
    regime: Regime,
    policy_accuracy: f64,
    stories: usize,
    mut rng: impl FnMut(u64) -> R,
) -> Vec<Story> {
    assert!((0.0..=1.0).contains(&policy_accuracy), "policy_accuracy: {policy_accuracy}");
    (0..stories as u64).map(|index| story(regime, policy_accuracy, &mut rng(index))).collect()
}

fn story(regime: Regime, policy_accuracy: f64, rng: &mut impl Rng) -> Story {
    let scenes = scenes(rng);
    let turns = scenes.into_iter().map(|scene| scene.played(regime, policy_accuracy, rng));
    Story { turns: turns.collect() }
}

#[derive(Clone, Copy)]
struct Move {
    actor: &'static str,
    verb: &'static str,
    place: &'static str,
}

impl Move {
    fn statement(&self) -> String {
        format!("{} {} the {}.", self.actor, self.verb, self.place)
    }
}

/// Two moves and a question, before anybody answers.
struct Scene {
    moves: [Move; STATEMENTS],
    /// The last move of the actor who is asked about.
    fact: Move,
}

fn scenes(rng: &mut impl Rng) -> Vec<Scene> {
    let mut moves: Vec<Move> = Vec::with_capacity(TURNS * STATEMENTS);
    let mut scenes = Vec::with_capacity(TURNS);
    for _ in 0..TURNS {
        let told = [(); STATEMENTS].map(|()| {
            let next = step(&moves, rng);
            moves.push(next);
            next
        });
        let latest = &moves[moves.len().saturating_sub(ASKED)..];
        let asked = latest[rng.random_range(0..latest.len())].actor;
        let fact = last(&moves, asked).expect("the actor moved");
        scenes.push(Scene { moves: told, fact });
    }
    scenes
}

fn step(moves: &[Move], rng: &mut impl Rng) -> Move {
    let actor = one(&ACTORS, rng);
    let verb = one(&VERBS, rng);
    let place = loop {
        let place = one(&PLACES, rng);
        if last(moves, actor).is_none_or(|before| before.place != place) {
            break place;
        }
    };
    Move { actor, verb, place }
}

fn last(moves: &[Move], actor: &str) -> Option<Move> {
    moves.iter().rev().find(|told| told.actor == actor).copied()
}

impl Scene {
    fn played(&self, regime: Regime, policy_accuracy: f64, rng: &mut impl Rng) -> Turn {
        let told = Turn {
            statements: self.moves.iter().map(Move::statement).collect(),
            question: format!("Where is {}?", self.fact.actor),
            answer: String::new(),
            question_reward: false,
            reply: None,
        };
        let expert = is_expert(regime, rng);
        let knows = expert || rng.random_bool(policy_accuracy);
        let answer = if knows { self.fact.place } else { one(&PLACES, rng) };
        let fact = Fact { statement: &self.fact.statement(), place: self.fact.place };
        answered(&told, regime, &fact, (!expert).then_some(answer), rng)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::Digest;
    use crate::babi_dialog::write;

    fn seeded(index: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(index)
    }

    #[test]
    fn a_story_depends_on_its_index_alone() {
        let many = generate(Regime::Hints, 0.5, 20, seeded);
        let one = generate(Regime::Hints, 0.5, 1, |_| seeded(17));
        assert_eq!(many[17], one[0]);
    }

    #[test]
    fn regimes_and_policies_share_statements_and_questions() {
        let told = |regime, policy_accuracy| -> Vec<_> {
            generate(regime, policy_accuracy, 20, seeded)
                .into_iter()
                .flat_map(|story| story.turns)
                .map(|turn| (turn.statements, turn.question))
                .collect()
        };
        let expert = told(Regime::ImitatingExpert, 1.0);
        for regime in Regime::ALL {
            assert_eq!(told(regime, 0.01), expert);
        }
    }

    /// Other sums mean that [`GENERATOR_VERSION`] must grow.
    #[test]
    fn the_version_pins_the_stories() {
        let sums: Vec<_> = Regime::ALL
            .into_iter()
            .map(|regime| Digest::of(write(&generate(regime, 0.5, 50, seeded)).as_bytes()))
            .map(|sum| sum.to_string())
            .collect();
        insta::assert_snapshot!(format!("version {GENERATOR_VERSION}\n{}", sums.join("\n")));
    }
}
