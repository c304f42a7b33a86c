//! A small knowledge base is learned and asked about.

use std::collections::BTreeSet;

use autodiff::DType;
use datasets::babi_dialog::Regime;
use datasets::movieqa::generate;
use experiment::{DataPaths, Device, MemorySink, Run, RunContext, RunId};
use learn::{Groups, KeptModel, Optimizer, Schedule, Training};

use super::*;
use crate::answer::Answer;
use crate::model::ABSENT;
use crate::params::{Learner, MovieQa};
use crate::stored::Talker;
use crate::task::DialogTask;

fn knowledge() -> KnowledgeBase {
    let mut text = String::new();
    for movie in 0..40 {
        let (director, year) = (movie % 13, 1900 + movie % 7);
        let (one, other) = (movie % 11, (movie + 5) % 11);
        text += &format!("1 Movie {movie} directed_by Person {director}\n");
        text += &format!("2 Movie {movie} release_year {year}\n");
        text += &format!("3 Movie {movie} starred_actors Actor {one}, Actor {other}\n\n");
    }
    KnowledgeBase::read("movies", text.as_bytes()).unwrap()
}

/// What is learned from, and every question that it has an exchange about.
fn asked(params: &Params) -> (Movies, Vec<Question>) {
    let movieqa = MovieQa {
        memories: 8,
        memory_words: 4,
        candidates: 40,
        retrieved_candidates: 3,
        competing: params.movieqa.competing,
        ..MovieQa::default()
    };
    let params = Params { batch: 8, movieqa, ..params.clone() };
    let knowledge = knowledge();
    let regime = Regime::from_number(params.regime).unwrap();
    let stream = Stream::new(0, "exchanges");
    let policy = params.policy_accuracy;
    let exchanges = generate(&knowledge, &[], regime, policy, |index| stream.rng(index));
    let dev = exchanges.iter().map(|exchange| exchange.question.clone()).collect();
    (Movies::new(&params, knowledge, exchanges), dev)
}

fn movies(params: &Params) -> Movies {
    asked(params).0
}

#[test]
fn candidates_are_distinct_and_hold_what_was_given_but_nothing_asked_about() {
    let movies = movies(&Params::default());
    for index in 0..50 {
        let turns: Vec<&Turn> =
            movies.train.iter().skip(3 * index % 90).step_by(7).take(8).collect();
        let mut rng = Stream::new(1, "candidates").rng(index as u64);
        let candidates = movies.candidates(&turns, &mut rng);
        let distinct: BTreeSet<Entity> = candidates.order.iter().copied().collect();
        assert_eq!((candidates.order.len(), distinct.len()), (40, 40));
        let given: BTreeSet<Entity> = turns.iter().filter_map(|turn| turn.answer).collect();
        assert!(given.is_subset(&distinct));
        let asked = turns.iter().map(|turn| turn.topic);
        assert!(
            asked.into_iter().all(|topic| given.contains(&topic) || !distinct.contains(&topic))
        );
    }
}

#[test]
fn only_retrieved_and_given_answers_compete_where_that_is_asked_for() {
    let movieqa = MovieQa { competing: Ranked::Retrieved, ..MovieQa::default() };
    let movies = movies(&Params { movieqa, ..Params::default() });
    let mut batch = Batch::new(&movies.frame.fields, DType::F32).unwrap();
    let mut closed = 0;
    for index in 0..20 {
        let turns: Vec<&Turn> = movies.train.iter().skip(5 * index).step_by(3).take(8).collect();
        let candidates = movies.candidates(&turns, &mut Stream::new(1, "candidates").rng(0));
        movies.fill_candidates(&candidates, &turns, &mut batch);
        for (weights, turn) in batch[movies.candidates.weight].chunks(40).zip(turns) {
            let retrieved = movies.language.retrieved(turn.topic);
            for (&weight, entity) in weights.iter().zip(&candidates.order) {
                let open = turn.answer == Some(*entity) || retrieved.contains(entity);
                assert_eq!(weight == 0.0, open);
                assert_eq!(weight == ABSENT, !open);
                closed += usize::from(!open);
            }
        }
    }
    assert!(closed > 1000);
}

/// Trains on a small knowledge base and a student that is right with probability
/// `policy_accuracy`; the final accuracy, and what was kept.
fn trained(learner: Learner, regime: u8, policy_accuracy: f64) -> (f64, MemorySink) {
    trained_for(3000, learner, regime, policy_accuracy)
}

fn trained_for(
    steps: u64,
    learner: Learner,
    regime: u8,
    policy_accuracy: f64,
) -> (f64, MemorySink) {
    let params = Params { learner, regime, policy_accuracy, ..Params::default() };
    let (movies, dev) = asked(&params);
    let mut task = DialogTask::new((movies, [dev, Vec::new()])).unwrap();
    let mut sink = MemorySink::default();
    let context = RunContext {
        id: RunId::of("test"),
        seed: 0,
        threads: 1,
        device: Device::Cpu,
        data: DataPaths::default(),
    };
    let settings = Training {
        steps,
        evaluate_every: 1000,
        optimizer: Optimizer::default(),
        groups: Groups::default(),
        learning_rate: 0.05,
        schedule: Schedule::LinearDecay { from: 0.5 },
        clip: Some(40.0),
        selection: None,
    };
    let mut run = Run::new(context, &mut sink);
    let trained = learn::train(&mut task, &settings, &mut run).unwrap();
    task.keep(&trained.params, &mut run).unwrap();
    (trained.metrics[0].1, sink)
}

#[test]
fn an_expert_teaches_the_knowledge_base_and_so_do_supplied_answers() {
    let accuracy = |learner, regime, policy| trained(learner, regime, policy).0;
    assert!(accuracy(Learner::Imitation, 1, 0.5) >= 95.0);
    assert!(accuracy(Learner::RbiFp, 3, 0.5) >= 90.0);
    // Nothing is rewarded: only the words of the replies teach, which name the answer where the
    // student is wrong.
    assert!(accuracy(Learner::Fp, 7, 0.1) >= 90.0);
    assert!(accuracy(Learner::Rbi, 7, 0.1) <= 40.0);
}

/// A short training on the processor and on the device of plain loops: they drift apart by rounding
/// alone.
#[test]
fn devices_agree() {
    for (learner, regime) in [(Learner::Imitation, 1), (Learner::RbiFp, 3), (Learner::Fp, 7)] {
        let train = || trained_for(30, learner, regime, 0.5).1.metrics;
        let (cpu, plain) = (train(), reference::device().scope(train));
        assert_eq!((cpu.len(), plain.len()), (3, 3));
        for ((step, name, found), (_, _, wanted)) in cpu.iter().zip(&plain) {
            // Percentages jump by questions.
            let bound = if name.contains("accuracy") { 2.0 } else { 1e-3 * (1.0 + wanted.abs()) };
            assert!((found - wanted).abs() <= bound, "{name} at {step}: {found}, {wanted}");
        }
    }
}

#[test]
fn a_stored_model_answers_questions() {
    let (_, sink) = trained(Learner::Imitation, 1, 0.5);
    let kept = |name: &str| Ok(sink.artifacts[name].clone());
    let description = Description::open(&kept).unwrap();
    let mut model = StoredMovies::with(knowledge(), &description, &kept).unwrap();
    let answer = model.ask("who directed Movie 3?").unwrap();
    assert_eq!(answer.answers[0].0, "Person 3");
    let (fact, _) = &answer.memories[0];
    assert_eq!(fact, "Movie 3 directed_by Person 3");
    assert!(answer.replies.is_empty(), "an imitator expects no reply");
    let told = |said: Result<Answer, Error>| said.unwrap_err().chain();
    let unknown = told(model.ask("who directed Casablanca?"));
    assert!(unknown.contains("names a movie"), "{unknown}");
    let statement = model.tell("Movie 3 is good").unwrap_err().chain();
    assert!(statement.contains("wanted a question ending in ?"), "{statement}");
}

#[test]
fn the_best_candidate_is_never_what_was_asked_about() {
    let scores = [5.0, 1.0, 3.0, 3.0];
    let chosen = |candidates: &[u32], topic| {
        best(&scores, candidates.iter().map(|&c| Entity(c)), Entity(topic)).0
    };
    assert_eq!(chosen(&[0, 1, 2, 3], 0), 2);
    assert_eq!(chosen(&[0, 1, 2, 3], 1), 0);
    assert_eq!(chosen(&[1], 0), 1);
    assert_eq!(chosen(&[], 3), 3);
}
