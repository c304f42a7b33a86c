use autodiff::{Buffer, Error as TraceError, Var};
use datasets::movieqa::{Entity, Exchange, KnowledgeBase, Question, Says};
use experiment::{Error, Stream};
use learn::{Batch, BatchInput, Layout, Metrics, Objective, Task};
use rand::{Rng, RngExt};

use super::judge::Judge;
use super::language::Language;
use super::sample::Sample;
use super::turn::{Turn, turns};
use crate::forward_prediction::CandidateReplies;
use crate::loss::{self, Answered, MASK, MEMORIES, QUESTION, REST, row_of};
use crate::model::{ABSENT, Answers, MemoryNetwork, Shape, write_words};
use crate::params::{Params, Ranked};
use crate::replies::Replies;
use crate::stored::Description;
use crate::text::{NULL, index};

/// Learning from exchanges about the knowledge base.
pub(crate) struct MovieTask {
    params: Params,
    language: Language,
    shape: Shape,
    layout: Layout,
    inputs: Vec<BatchInput>,
    train: Vec<Turn>,
    replies: Replies,
    judge: Judge,
    dev: Vec<Question>,
}

impl MovieTask {
    pub(crate) fn new(
        params: Params,
        knowledge: &KnowledgeBase,
        exchanges: Vec<Exchange>,
        dev: Vec<Question>,
    ) -> Result<Self, TraceError> {
        let language = Language::new(knowledge, &params.movieqa);
        let (train, said) = turns(exchanges, &language, knowledge, params.corrections);
        let words = |says: &Says| language.says(*says, knowledge);
        let replies = Replies::new(&said, words, params.negatives, params.negative_count);
        let shape = shape(&params);
        let layout = Shape::layout(language.len(), &params);
        let mut inputs = loss::inputs(&params, &shape);
        inputs.push(BatchInput::index("candidates", &[params.movieqa.candidates]));
        let weights = match params.movieqa.competing {
            Ranked::All => &[params.movieqa.candidates][..],
            Ranked::Retrieved => &[params.batch, params.movieqa.candidates],
        };
        inputs.push(BatchInput::float("candidate weight", weights));
        if params.learner.predicts() {
            let candidates = params.movieqa.replies;
            inputs.push(BatchInput::index("replies", &[candidates, replies.longest()]));
            inputs.push(BatchInput::float("reply candidate weight", &[candidates]));
            inputs.push(BatchInput::index("said", &[params.batch]));
        }
        let judge = Judge::new(&layout, &language, &params)?;
        Ok(Self { params, language, shape, layout, inputs, train, replies, judge, dev })
    }

    /// Steps an epoch; a second turn of an exchange is no question of its own.
    pub(crate) fn steps_per_epoch(&self) -> u64 {
        let questions = self.train.iter().filter(|turn| turn.answer.is_some()).count();
        (questions / self.params.batch).max(1) as u64
    }

    /// What a stored model of this task is.
    pub(crate) fn describe(&self) -> Description {
        Description {
            params: self.params.clone(),
            vocabulary: self.language.words().to_vec(),
            times: 0,
            memories: self.shape.memories,
            replies: Vec::new(),
        }
    }

    /// The answer to each question.
    pub(crate) fn answer(
        &mut self,
        params: &mut Buffer,
        questions: &[Question],
    ) -> Result<Vec<Entity>, TraceError> {
        self.judge.answer(params, &self.language, questions)
    }

    /// The candidate answers of a batch: those given, entities among the facts retrieved, then any;
    /// none of them an entity asked about unless it was given.
    fn candidates(&self, turns: &[&Turn], rng: &mut impl Rng) -> Sample<Entity> {
        let mut candidates = Sample::default();
        turns.iter().filter_map(|turn| turn.answer).for_each(|answer| candidates.choose(answer));
        let asked = |entity: Entity| turns.iter().any(|turn| turn.topic == entity);
        for turn in turns {
            let mut retrieved = self.language.retrieved(turn.topic);
            retrieved.retain(|&entity| !asked(entity));
            for taken in 0..retrieved.len().min(self.params.movieqa.retrieved_candidates) {
                let other = rng.random_range(taken..retrieved.len());
                retrieved.swap(taken, other);
                candidates.choose(retrieved[taken]);
            }
        }
        let all = index(self.language.entities());
        candidates.fill(self.params.movieqa.candidates, rng, |rng| {
            Some(Entity(rng.random_range(0..all))).filter(|&entity| !asked(entity))
        });
        candidates
    }

    /// Writes candidate answers.
    fn fill_candidates(&self, candidates: &Sample<Entity>, turns: &[&Turn], batch: &mut Batch) {
        let words = candidates.order.iter().map(|&entity| self.language.entity(entity));
        let to = batch.indices_mut(CANDIDATES);
        to.iter_mut().zip(words.chain(std::iter::repeat(NULL))).for_each(|(to, word)| *to = word);
        let weights = batch.floats_mut(CANDIDATE_WEIGHT);
        match self.params.movieqa.competing {
            Ranked::All => candidates.write_log_weights(self.language.entities(), weights),
            Ranked::Retrieved => {
                weights.fill(ABSENT);
                let rows = weights.chunks_mut(self.params.movieqa.candidates);
                for (weights, turn) in rows.zip(turns) {
                    let retrieved = self.language.retrieved(turn.topic);
                    for entity in retrieved.into_iter().chain(turn.answer) {
                        if let Some(place) = candidates.place(entity) {
                            weights[place as usize] = 0.0;
                        }
                    }
                }
            }
        }
    }

    /// Draws and writes candidate replies: those of the batch, then any.
    fn fill_replies(&self, examples: &[usize], rng: &mut impl Rng, batch: &mut Batch) {
        let mut candidates = Sample::default();
        let said: Vec<Option<usize>> =
            examples.iter().map(|&example| self.replies.said(example)).collect();
        said.iter().flatten().for_each(|&reply| candidates.choose(reply));
        let all = self.replies.distinct();
        if all > 0 {
            candidates.fill(self.params.movieqa.replies, rng, |rng| Some(rng.random_range(0..all)));
        }
        for (row, reply) in said.into_iter().enumerate() {
            loss::fill_replied(row, reply.is_some(), batch);
            let place = reply.and_then(|reply| candidates.place(reply));
            batch.indices_mut(SAID)[row] = place.unwrap_or(0);
        }
        let words = candidates.order.iter().map(|&reply| self.replies.words(reply));
        batch
            .indices_mut(REPLIES)
            .chunks_mut(self.replies.longest())
            .zip(words.chain(std::iter::repeat(&[][..])))
            .for_each(|(to, reply)| write_words(reply, to));
        candidates.write_log_weights(all, batch.floats_mut(REPLY_CANDIDATE_WEIGHT));
    }
}

// Positions of the batch's arrays that only MovieQA has.
const CANDIDATES: usize = REST;
const CANDIDATE_WEIGHT: usize = REST + 1;
const REPLIES: usize = REST + 2;
const REPLY_CANDIDATE_WEIGHT: usize = REST + 3;
const SAID: usize = REST + 4;

/// The sizes of the network.
pub(super) fn shape(params: &Params) -> Shape {
    Shape {
        memories: params.movieqa.memories,
        memory_words: params.movieqa.memory_words,
        question_words: LONGEST_QUESTION,
        hops: params.hops(),
    }
}

/// Words of the longest question, its entity and a reply that is part of it included.
const LONGEST_QUESTION: usize = 20;

impl Objective for MovieTask {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn inputs(&self) -> &[BatchInput] {
        &self.inputs
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &[Var<'g>]) -> Result<Var<'g>, TraceError> {
        let network = MemoryNetwork::new(params[0], self.shape.hops);
        let answers = Answers {
            embedded: params[0].gather(batch[CANDIDATES])?,
            log_weight: Some(batch[CANDIDATE_WEIGHT]),
        };
        let replies = self.params.learner.predicts().then(|| CandidateReplies::Shared {
            words: batch[REPLIES],
            log_weight: batch[REPLY_CANDIDATE_WEIGHT],
            said: batch[SAID],
        });
        loss::loss(&self.params, &network, &answers, params.get(1).copied(), replies, batch)
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        let mut rng = stream.rng(index);
        let rows = self.params.batch;
        let drawn: Vec<usize> = (0..rows).map(|_| rng.random_range(0..self.train.len())).collect();
        let turns: Vec<&Turn> = drawn.iter().map(|&example| &self.train[example]).collect();
        let candidates = self.candidates(&turns, &mut rng);
        self.fill_candidates(&candidates, &turns, batch);
        for (row, turn) in turns.iter().enumerate() {
            let memories = row_of(batch.indices_mut(MEMORIES), row, rows);
            self.language.write_memories(turn.topic, memories);
            self.language.write_mask(turn.topic, row_of(batch.floats_mut(MASK), row, rows));
            write_words(&turn.question, row_of(batch.indices_mut(QUESTION), row, rows));
            let answer = turn.answer.and_then(|answer| candidates.place(answer));
            let imitable = answer.is_some();
            let answered = Answered { answer, imitable, rewarded: turn.rewarded };
            loss::fill_answer(&self.params, row, answered, batch);
        }
        if self.params.learner.predicts() {
            self.fill_replies(&drawn, &mut rng, batch);
        }
    }
}

impl Task for MovieTask {
    #[expect(clippy::cast_precision_loss, reason = "a test set has fewer than 2^52 questions")]
    fn evaluate(&mut self, params: &mut Buffer) -> Result<Metrics, Error> {
        let answers = self
            .judge
            .answer(params, &self.language, &self.dev)
            .map_err(|e| Error::other("answering the development questions", e))?;
        let correct = self.dev.iter().zip(&answers).filter(|(q, a)| q.answers.contains(a)).count();
        Ok(vec![("dev_accuracy", 100.0 * correct as f64 / self.dev.len() as f64)])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use datasets::babi_dialog::Regime;
    use datasets::movieqa::generate;
    use experiment::{DataPaths, Device, MemorySink, Run, RunContext, RunId};
    use learn::{Groups, Optimizer, Schedule, Training};

    use super::super::stored::StoredMovies;
    use super::*;
    use crate::answer::Answer;
    use crate::params::{Learner, MovieQa};
    use crate::stored::Talker;

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

    fn task(params: &Params) -> MovieTask {
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
        MovieTask::new(params, &knowledge, exchanges, dev).unwrap()
    }

    #[test]
    fn candidates_are_distinct_and_hold_what_was_given_but_nothing_asked_about() {
        let task = task(&Params::default());
        for index in 0..50 {
            let turns: Vec<&Turn> =
                task.train.iter().skip(3 * index % 90).step_by(7).take(8).collect();
            let mut rng = Stream::new(1, "candidates").rng(index as u64);
            let candidates = task.candidates(&turns, &mut rng);
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
        let task = task(&Params { movieqa, ..Params::default() });
        let mut batch = Batch::new(task.inputs());
        let mut closed = 0;
        for index in 0..20 {
            let turns: Vec<&Turn> = task.train.iter().skip(5 * index).step_by(3).take(8).collect();
            let candidates = task.candidates(&turns, &mut Stream::new(1, "candidates").rng(0));
            task.fill_candidates(&candidates, &turns, &mut batch);
            for (weights, turn) in batch.floats(CANDIDATE_WEIGHT).chunks(40).zip(turns) {
                let retrieved = task.language.retrieved(turn.topic);
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
        let params = Params { learner, regime, policy_accuracy, ..Params::default() };
        let mut task = task(&params);
        let mut sink = MemorySink::default();
        let context = RunContext {
            id: RunId::of("test"),
            seed: 0,
            threads: 1,
            device: Device::Cpu,
            data: DataPaths::default(),
        };
        let settings = Training {
            steps: 3000,
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
        let weights: Vec<f32> = trained.params.iter().map(|&value| value as f32).collect();
        task.describe().keep(task.layout(), &weights, &mut run).unwrap();
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

    #[test]
    fn a_stored_model_answers_questions() {
        let (_, sink) = trained(Learner::Imitation, 1, 0.5);
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in &sink.artifacts {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let description = Description::open(folder.path()).unwrap();
        let mut model = StoredMovies::with(knowledge(), &description, folder.path()).unwrap();
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
}
