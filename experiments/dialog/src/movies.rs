//! MovieQA: questions about a knowledge base, with every entity as a possible answer.

mod candidates;
mod language;
mod sample;
mod stored;
#[cfg(test)]
mod tests;
mod turn;

use autodiff::{Error as TraceError, Var};
use datasets::Store;
use datasets::babi_dialog::Split;
use datasets::movieqa::{self, Entity, Exchange, KnowledgeBase, Question, Says};
use experiment::{Error, Run, Stream};
use learn::{Batch, BatchVars};
use rand::RngExt;
use serde::Serialize;
use serde_json::Value;

use crate::corpus::{Corpus, Frame};
use crate::forward_prediction::CandidateReplies;
use crate::model::{Answers, MemoryNetwork, Shape, StoryFields};
use crate::params::{Params, Ranked};
use crate::replies::Replies;
use crate::stored::Description;
use crate::text::index;
use candidates::CandidateFields;
use language::Language;
pub(crate) use stored::StoredMovies;
use turn::{Turn, turns};

/// Words of the longest question, its entity and a reply that is part of it included.
const LONGEST_QUESTION: usize = 20;

/// Exchanges about a knowledge base to learn from, and the arrays that they fill.
pub(crate) struct Movies {
    frame: Frame,
    knowledge: KnowledgeBase,
    language: Language,
    candidates: CandidateFields,
    train: Vec<Turn>,
    replies: Replies,
}

/// One test question, as the tables `answers` and `selected_answers` list it.
#[derive(Serialize)]
struct Row<'a> {
    question: usize,
    text: String,
    answer: &'a str,
    right: Vec<&'a str>,
    correct: bool,
}

impl Movies {
    /// Opens the released files and draws exchanges to learn from; the development and test questions.
    pub(crate) fn open(
        params: &Params,
        run: &Run<'_>,
    ) -> Result<(Self, [Vec<Question>; 2]), Error> {
        let paths = run.data();
        let store = Store::new(&paths.cache, paths.mirror.as_deref(), paths.offline);
        let failed = |e| Error::data(movieqa::DATASET, e);
        let knowledge = movieqa::knowledge_base(&store).map_err(failed)?;
        let dev = movieqa::questions(&store, &knowledge, Split::Dev).map_err(failed)?;
        let test = movieqa::questions(&store, &knowledge, Split::Test).map_err(failed)?;
        let held_out: Vec<Question> = dev.iter().chain(&test).cloned().collect();
        let stream = Stream::new(params.data_seed, "exchanges");
        let exchanges = movieqa::generate(
            &knowledge,
            &held_out,
            params.regime(),
            params.policy_accuracy,
            |index| stream.rng(index),
        );
        let exchanges = match params.movieqa.questions {
            Some(count) => evenly(&exchanges, count),
            None => exchanges,
        };
        let dev = evenly(&dev, params.movieqa.dev_questions);
        Ok((Self::new(params, knowledge, exchanges), [dev, test]))
    }

    fn new(params: &Params, knowledge: KnowledgeBase, exchanges: Vec<Exchange>) -> Self {
        let language = Language::new(&knowledge, &params.movieqa);
        let (train, said) = turns(exchanges, &language, &knowledge, params.corrections);
        let words = |says: &Says| language.says(*says, &knowledge);
        let replies = Replies::new(&said, words, params.negatives, params.negative_count);
        let shape = Shape {
            memories: params.movieqa.memories,
            memory_words: params.movieqa.memory_words,
            question_words: LONGEST_QUESTION,
            hops: params.hops(),
        };
        let mut frame = Frame::new(params, language.len(), shape);
        let candidates = CandidateFields::declare(params, replies.longest(), &mut frame.fields);
        Self { frame, knowledge, language, candidates, train, replies }
    }
}

impl Corpus for Movies {
    type Question = Question;
    const CHUNK: usize = 200;

    fn frame(&self) -> &Frame {
        &self.frame
    }

    /// A second turn of an exchange is no question of its own.
    fn questions(&self) -> usize {
        self.train.iter().filter(|turn| turn.answer.is_some()).count()
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        let mut rng = stream.rng(index);
        let Frame { params: Params { batch: rows, .. }, turns: fields, .. } = &self.frame;
        let drawn: Vec<usize> = (0..*rows).map(|_| rng.random_range(0..self.train.len())).collect();
        let turns: Vec<&Turn> = drawn.iter().map(|&example| &self.train[example]).collect();
        let candidates = self.candidates(&turns, &mut rng);
        self.fill_candidates(&candidates, &turns, batch);
        for (row, turn) in turns.iter().enumerate() {
            let memories = self.language.memories(turn.topic);
            fields.story.write(row, memories, &turn.question, batch);
            let answer = turn.answer.and_then(|answer| candidates.place(answer));
            fields.write_answer(row, answer, (answer.is_some(), turn.rewarded), batch);
        }
        self.fill_replies(&drawn, &mut rng, batch);
    }

    fn answers<'g>(
        &self,
        network: &MemoryNetwork<'g>,
        batch: &BatchVars<'g>,
    ) -> Result<Answers<'g>, TraceError> {
        self.candidates.answers(network, batch)
    }

    fn replies<'g>(&self, batch: &BatchVars<'g>) -> Option<CandidateReplies<'g>> {
        self.candidates.replies(batch)
    }

    fn all_answers<'g>(&self, network: &MemoryNetwork<'g>) -> Result<Var<'g>, TraceError> {
        network.embedding().slice(0, self.language.first_entity()..self.language.len())
    }

    fn write(&self, asked: &Question, to: &StoryFields, row: usize, batch: &mut Batch) {
        let memories = self.language.memories(asked.topic);
        to.write(row, memories, &self.language.question(asked), batch);
    }

    /// The best of the ranked entities but the one asked about.
    fn choose(&self, asked: &Question, scores: &[f32]) -> u32 {
        let topic = asked.topic;
        let chosen = match self.frame.params.movieqa.ranked {
            Ranked::All => best(scores, (0..scores.len()).map(|at| Entity(index(at))), topic),
            Ranked::Retrieved => best(scores, self.language.retrieved(topic).into_iter(), topic),
        };
        chosen.0
    }

    fn right(&self, asked: &Question) -> Vec<u32> {
        asked.answers.iter().map(|entity| entity.0).collect()
    }

    fn row(&self, _: &str, at: usize, asked: &Question, answer: u32) -> Option<Value> {
        let answer = Entity(answer);
        let row = Row {
            question: at,
            text: asked.text(&self.knowledge),
            answer: self.knowledge.name(answer),
            right: asked.answers.iter().map(|&e| self.knowledge.name(e)).collect(),
            correct: asked.answers.contains(&answer),
        };
        Some(serde_json::to_value(row).expect("a row is JSON"))
    }

    fn describe(&self) -> Description {
        Description {
            params: self.frame.params.clone(),
            vocabulary: self.language.words().to_vec(),
            times: 0,
            memories: self.frame.shape.memories,
            replies: Vec::new(),
        }
    }
}

/// The candidate with the highest score, the first among equals, that is not `topic`; `topic` itself
/// where there is no other.
fn best(scores: &[f32], candidates: impl Iterator<Item = Entity>, topic: Entity) -> Entity {
    let score = |entity: Entity| scores[entity.0 as usize];
    let mut others = candidates.filter(|&candidate| candidate != topic);
    let Some(first) = others.next() else { return topic };
    others.fold(first, |best, other| if score(other) > score(best) { other } else { best })
}

/// At most `count` of the items, evenly spaced: questions are sorted by what they ask or about.
fn evenly<T: Clone>(items: &[T], count: usize) -> Vec<T> {
    let count = count.min(items.len());
    (0..count).map(|at| items[at * items.len() / count].clone()).collect()
}
