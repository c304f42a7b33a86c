//! Stories of bAbI: questions about where people are.

use std::collections::BTreeSet;

use autodiff::{Buffer, Error as TraceError, Var};
use datasets::Store;
use datasets::babi_dialog::{self, PLACES, Split, Story};
use experiment::{Error, Run, Stream};
use learn::{Batch, BatchVars, Field};
use rand::RngExt;
use serde::Serialize;
use serde_json::Value;

use crate::corpus::{Corpus, Frame};
use crate::disguise::disguise;
use crate::examples::{Example, examples, longest_memory, texts};
use crate::forward_prediction::CandidateReplies;
use crate::judge::{Judge, best};
use crate::model::{Answers, MemoryNetwork, Shape, StoryFields, row_of, write_words};
use crate::online::Rounds;
use crate::params::{Data, Params};
use crate::replies::Replies;
use crate::stored::Description;
use crate::text::{NULL, Vocabulary};

/// Stories of each split in the released files; the generator makes as many.
const STORIES: [(Split, usize); 3] = [(Split::Train, 200), (Split::Dev, 20), (Split::Test, 200)];

/// Examples to learn from, and the arrays that they fill.
pub(crate) struct Stories {
    frame: Frame,
    vocabulary: Vocabulary,
    /// Candidate replies of each question, `[b, replies, words]`, where they are predicted.
    candidates: Option<Field<u32>>,
    train: Vec<Example>,
    replies: Replies,
    online: Option<Rounds>,
    /// The distinct replies in order, where learning is on-line.
    possible: Vec<String>,
}

/// One test question, as the table `answers` lists it.
#[derive(Serialize)]
struct Row {
    question: usize,
    answer: &'static str,
    right: &'static str,
    correct: bool,
}

/// Training, development and test stories.
fn stories(params: &Params, run: &Run<'_>) -> Result<[Vec<Story>; 3], Error> {
    let regime = params.regime();
    let mut splits = [const { Vec::new() }; 3];
    for ((split, released), stories) in STORIES.into_iter().zip(&mut splits) {
        let count = match split {
            Split::Train => params.stories.unwrap_or(released),
            Split::Dev | Split::Test => released,
        };
        *stories = match params.data {
            Data::Released => {
                let paths = run.data();
                let store = Store::new(&paths.cache, paths.mirror.as_deref(), paths.offline);
                babi_dialog::released(&store, regime, params.policy_accuracy, split)
                    .map_err(|e| Error::data(babi_dialog::DATASET, e))?
            }
            Data::Generated | Data::MovieQa => {
                // Development and test questions are answered by an expert in every regime.
                let accuracy = if split == Split::Train { params.policy_accuracy } else { 1.0 };
                let stream = Stream::new(params.data_seed, &format!("stories {split:?}"));
                babi_dialog::generate(regime, accuracy, count, |story| stream.rng(story))
            }
        };
    }
    Ok(splits)
}

impl Stories {
    /// Reads or draws the stories; the development and test questions.
    pub(crate) fn open(params: &Params, run: &Run<'_>) -> Result<(Self, [Vec<Example>; 2]), Error> {
        let mut splits = stories(params, run)?;
        disguise(&mut splits[0], params.replies, &mut run.rng("disguise", 0));
        let online = match &params.online {
            Some(settings) => {
                let (regime, student) = (params.regime(), run.stream("student"));
                Some(Rounds::new(settings.clone(), regime, &splits[0], student)?)
            }
            None => None,
        };
        let possible = online.as_ref().map(Rounds::possible).unwrap_or_default();
        let told = || splits.iter().chain([&possible]);
        let longest = told().map(|stories| longest_memory(stories)).max().unwrap_or(0);
        let all = told().flat_map(|stories| texts(stories)).chain(PLACES);
        let vocabulary = Vocabulary::new(all, longest);
        let read = |stories: &[Story]| examples(stories, &vocabulary, params);
        let [train, dev, test] = &splits;
        let (train, mut dev, mut test, possible) =
            (read(train)?, read(dev)?, read(test)?, read(&possible)?);

        let shape = shape(params, train.iter().chain(&dev).chain(&test).chain(&possible));
        let mut frame = Frame::new(params, vocabulary.len(), shape);
        let of = if online.is_some() { &possible } else { &train };
        let said: Vec<Option<&str>> = of.iter().map(|e| e.reply.as_deref()).collect();
        let words = |text: &&str| vocabulary.encode(text);
        let replies = Replies::new(&said, words, params.negatives, params.negative_count);
        let candidates = params.learner.predicts().then(|| {
            let shape = [params.batch, replies.candidates(), replies.longest()];
            frame.fields.index("replies", &shape)
        });
        let mut possible: Vec<String> = possible.into_iter().filter_map(|e| e.reply).collect();
        possible.sort_unstable();
        possible.dedup();
        dev.retain(|example| example.answer.is_some());
        test.retain(|example| example.answer.is_some());
        let none = Vec::new();
        let mut stories =
            Self { frame, vocabulary, candidates, train: none, replies, online, possible };
        stories.learn_from(train);
        Ok((stories, [dev, test]))
    }

    /// The test questions of `asking`, as a stored model reads them.
    pub(crate) fn of_model(
        model: Description,
        asking: &Params,
        run: &Run<'_>,
    ) -> Result<(Self, [Vec<Example>; 2]), Error> {
        let Description { params, vocabulary, times, .. } = model;
        let vocabulary = Vocabulary::from_words(vocabulary, times);
        let [_, _, test] = stories(asking, run)?;
        let mut test = examples(&test, &vocabulary, &params)?;
        let frame = Frame::new(&params, vocabulary.len(), shape(&params, test.iter()));
        test.retain(|example| example.answer.is_some());
        let words = |text: &&str| vocabulary.encode(text);
        let replies = Replies::new(&[], words, params.negatives, params.negative_count);
        let (candidates, online) = (None, None);
        let (train, possible) = (Vec::new(), Vec::new());
        let stories = Self { frame, vocabulary, candidates, train, replies, online, possible };
        Ok((stories, [Vec::new(), test]))
    }

    /// Takes up the examples of a round.
    fn learn_from(&mut self, train: Vec<Example>) {
        if self.online.is_some() {
            let number = |reply: &String| self.possible.binary_search(reply).ok();
            let said = train.iter().map(|e| e.reply.as_ref().and_then(number)).collect();
            self.replies.answer_to(said);
        }
        self.train = train;
    }
}

/// Sizes that hold all examples.
fn shape<'a>(params: &Params, all: impl Iterator<Item = &'a Example> + Clone) -> Shape {
    let memories = all.clone().flat_map(|example| &example.memories);
    Shape {
        memories: all.clone().map(|example| example.memories.len()).max().unwrap_or(0).max(1),
        memory_words: memories.map(Vec::len).max().unwrap_or(0).max(1),
        question_words: all.map(|example| example.question.len()).max().unwrap_or(0).max(1),
        hops: params.hops(),
    }
}

impl Corpus for Stories {
    type Question = Example;
    const CHUNK: usize = 100;

    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn questions(&self) -> usize {
        self.train.len()
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        let mut rng = stream.rng(index);
        let Frame { params, turns, .. } = &self.frame;
        for row in 0..params.batch {
            let number = rng.random_range(0..self.train.len());
            let drawn = &self.train[number];
            turns.story.write(row, drawn.memories.iter(), &drawn.question, batch);
            turns.write_answer(row, drawn.answer, (drawn.imitable, drawn.rewarded), batch);
            let Some(field) = self.candidates else { continue };
            let replies = self.replies.draw(number, &mut rng);
            turns.write_replied(row, replies.is_some(), batch);
            let to = row_of(&mut batch[field], row, params.batch);
            to.fill(NULL);
            let rows = to.chunks_mut(self.replies.longest()).zip(replies.into_iter().flatten());
            rows.for_each(|(to, reply)| write_words(reply, to));
        }
    }

    fn answers<'g>(
        &self,
        network: &MemoryNetwork<'g>,
        _: &BatchVars<'g>,
    ) -> Result<Answers<'g>, TraceError> {
        Ok(Answers { embedded: self.all_answers(network)?, log_weight: None })
    }

    fn replies<'g>(&self, batch: &BatchVars<'g>) -> Option<CandidateReplies<'g>> {
        self.candidates.map(|field| CandidateReplies::Own(batch[field]))
    }

    fn all_answers<'g>(&self, network: &MemoryNetwork<'g>) -> Result<Var<'g>, TraceError> {
        network.answers(&self.vocabulary, &PLACES)
    }

    fn write(&self, asked: &Example, to: &StoryFields, row: usize, batch: &mut Batch) {
        to.write(row, asked.memories.iter(), &asked.question, batch);
    }

    fn choose(&self, _: &Example, scores: &[f32]) -> u32 {
        best(scores)
    }

    fn right(&self, asked: &Example) -> Vec<u32> {
        asked.answer.into_iter().collect()
    }

    fn row(&self, table: &str, at: usize, asked: &Example, answer: u32) -> Option<Value> {
        // Only the answers of the last model are listed.
        let right = asked.answer.filter(|_| table == "answers")?;
        let (answer, right) = (PLACES[answer as usize], PLACES[right as usize]);
        let row = Row { question: at, answer, right, correct: answer == right };
        Some(serde_json::to_value(row).expect("a row is JSON"))
    }

    fn describe(&self) -> Description {
        let said = self.train.iter().filter_map(|example| example.reply.as_ref());
        let replies: BTreeSet<&String> = said.chain(&self.possible).collect();
        Description {
            params: self.frame.params.clone(),
            vocabulary: self.vocabulary.words().to_vec(),
            times: self.vocabulary.times(),
            memories: self.frame.shape.memories,
            replies: replies.into_iter().cloned().collect(),
        }
    }

    fn evaluated(&mut self, judge: &mut Judge, params: &mut Buffer) -> Result<Option<f64>, Error> {
        let Some(mut online) = self.online.take() else { return Ok(None) };
        let train = online.count_epoch().then(|| {
            let student = |asked: &[Example]| {
                judge
                    .answers(params, self, asked)
                    .map_err(|e| Error::other("answering the training questions", e))
            };
            online.round(student, &self.vocabulary, &self.frame.params)
        });
        let train = train.transpose()?;
        let accuracy = online.accuracy();
        self.online = Some(online);
        train.into_iter().for_each(|train| self.learn_from(train));
        Ok(Some(accuracy))
    }

    fn state(&self) -> Vec<u8> {
        self.online.as_ref().map(Rounds::state).unwrap_or_default()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        let Some(online) = &mut self.online else { return Ok(()) };
        if let Some(train) = online.restore(state, &self.vocabulary, &self.frame.params)? {
            self.learn_from(train);
        }
        Ok(())
    }
}
