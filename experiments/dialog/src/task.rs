//! Training on bAbI dialogues: batches, loss and evaluation.

use std::collections::BTreeSet;

use autodiff::{Buffer, Error as TraceError, Var};
use datasets::babi_dialog::PLACES;
use experiment::{Error, Stream};
use learn::{Batch, BatchInput, Layout, Metrics, Objective, Task};
use rand::RngExt;

use crate::examples::Example;
use crate::forward_prediction::CandidateReplies;
use crate::judge::{Judge, Questions};
use crate::loss::{self, Answered, MASK, MEMORIES, QUESTION, REST, row_of};
use crate::model::{Answers, MemoryNetwork, Shape, write_words};
use crate::online::{Rounds, Student};
use crate::params::Params;
use crate::replies::Replies;
use crate::stored::Description;
use crate::text::{NULL, Vocabulary};

/// Learning from one set of dialogues: the loss of the chosen learner, and its judge.
pub(crate) struct DialogTask {
    params: Params,
    vocabulary: Vocabulary,
    shape: Shape,
    layout: Layout,
    inputs: Vec<BatchInput>,
    train: Vec<Example>,
    replies: Replies,
    judge: Judge,
    dev: Questions,
    /// Test questions whose belief is recorded.
    watched: Option<Questions>,
    online: Option<Rounds>,
    /// The distinct replies in order, where learning is on-line.
    possible: Vec<String>,
}

/// What a task is about.
pub(crate) struct Examples {
    pub(crate) train: Vec<Example>,
    pub(crate) dev: Vec<Example>,
    pub(crate) test: Vec<Example>,
    /// Every kind of example that on-line learning can come to; empty without it.
    pub(crate) possible: Vec<Example>,
}

impl DialogTask {
    pub(crate) fn new(
        params: Params,
        vocabulary: Vocabulary,
        examples: Examples,
        online: Option<Rounds>,
    ) -> Result<Self, TraceError> {
        let Examples { train, dev, test, possible } = examples;
        let all = || train.iter().chain(&dev).chain(&test).chain(&possible);
        let memories = || all().flat_map(|example| &example.memories);
        let shape = Shape {
            memories: all().map(|example| example.memories.len()).max().unwrap_or(0).max(1),
            memory_words: memories().map(Vec::len).max().unwrap_or(0).max(1),
            question_words: all().map(|example| example.question.len()).max().unwrap_or(0).max(1),
            hops: params.hops(),
        };
        let layout = Shape::layout(vocabulary.len(), &params);
        let of = if online.is_some() { &possible } else { &train };
        let said: Vec<Option<&str>> = of.iter().map(|e| e.reply.as_deref()).collect();
        let words = |text: &&str| vocabulary.encode(text);
        let replies = Replies::new(&said, words, params.negatives, params.negative_count);
        let mut inputs = loss::inputs(&params, &shape);
        if params.learner.predicts() {
            let words = [params.batch, replies.candidates(), replies.longest()];
            inputs.push(BatchInput::index("replies", &words));
        }
        let judge = Judge::new(&layout, &vocabulary, shape.clone())?;
        let dev = judge.questions(&dev)?;
        let watched = params.record_belief.then(|| judge.questions(&test)).transpose()?;
        let mut known: Vec<String> = Vec::new();
        if online.is_some() {
            known.extend(possible.into_iter().filter_map(|example| example.reply));
            known.sort_unstable();
            known.dedup();
        }
        let mut task = Self {
            params,
            vocabulary,
            shape,
            layout,
            inputs,
            train: Vec::new(),
            replies,
            judge,
            dev,
            watched,
            online,
            possible: known,
        };
        task.learn_from(train);
        Ok(task)
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

    /// Steps an epoch.
    pub(crate) fn steps_per_epoch(&self) -> u64 {
        (self.train.len() / self.params.batch).max(1) as u64
    }

    /// What a stored model of this task is.
    pub(crate) fn describe(&self) -> Description {
        let said = self.train.iter().filter_map(|example| example.reply.as_ref());
        let replies: BTreeSet<&String> = said.chain(&self.possible).collect();
        Description {
            params: self.params.clone(),
            vocabulary: self.vocabulary.words().to_vec(),
            times: self.vocabulary.times(),
            memories: self.shape.memories,
            replies: replies.into_iter().cloned().collect(),
        }
    }

    /// Answers, and right answers, to the questions of a test set.
    pub(crate) fn answer(
        &mut self,
        params: &mut Buffer,
        test: &[Example],
    ) -> Result<(Vec<u32>, Vec<u32>), TraceError> {
        let mut questions = self.judge.questions(test)?;
        let answers = self.judge.answer(params, &mut questions)?;
        Ok((answers, questions.right().to_vec()))
    }

    fn fill_row(&self, row: usize, example: usize, rng: &mut impl rand::Rng, batch: &mut Batch) {
        let rows = self.params.batch;
        let drawn = &self.train[example];
        let memory_words = self.shape.memory_words;
        drawn.write_memories(memory_words, row_of(batch.indices_mut(MEMORIES), row, rows));
        drawn.write_mask(row_of(batch.floats_mut(MASK), row, rows));
        write_words(&drawn.question, row_of(batch.indices_mut(QUESTION), row, rows));
        let answered =
            Answered { answer: drawn.answer, imitable: drawn.imitable, rewarded: drawn.rewarded };
        loss::fill_answer(&self.params, row, answered, batch);
        if self.params.learner.predicts() {
            self.fill_replies(row, self.replies.draw(example, rng), batch);
        }
    }

    /// Fills row `row` of the replies; `None` where the teacher said nothing.
    fn fill_replies(&self, row: usize, drawn: Option<Vec<&[u32]>>, batch: &mut Batch) {
        loss::fill_replied(row, drawn.is_some(), batch);
        let to = row_of(batch.indices_mut(REST), row, self.params.batch);
        match drawn {
            None => to.fill(NULL),
            Some(drawn) => to
                .chunks_mut(self.replies.longest())
                .zip(drawn)
                .for_each(|(to, reply)| write_words(reply, to)),
        }
    }
}

impl Objective for DialogTask {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn inputs(&self) -> &[BatchInput] {
        &self.inputs
    }

    fn loss<'g>(&self, params: &[Var<'g>], batch: &[Var<'g>]) -> Result<Var<'g>, TraceError> {
        let network = MemoryNetwork::new(params[0], self.shape.hops);
        let embedded = network.answers(&self.vocabulary, &PLACES)?;
        let answers = Answers { embedded, log_weight: None };
        let replies = batch.get(REST).copied().map(CandidateReplies::Own);
        loss::loss(&self.params, &network, &answers, params.get(1).copied(), replies, batch)
    }

    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch) {
        let mut rng = stream.rng(index);
        for row in 0..self.params.batch {
            let example = rng.random_range(0..self.train.len());
            self.fill_row(row, example, &mut rng, batch);
        }
    }
}

impl Task for DialogTask {
    fn evaluate(&mut self, params: &mut Buffer) -> Result<Metrics, Error> {
        let accuracy = self
            .judge
            .accuracy(params, &mut self.dev)
            .map_err(|e| Error::other("answering the development questions", e))?;
        let mut metrics = vec![("dev_accuracy", accuracy)];
        if let Some(watched) = &mut self.watched {
            let belief = self
                .judge
                .belief(params, watched)
                .map_err(|e| Error::other("asking the test questions", e))?;
            metrics.push(("true_answer_probability", belief));
        }
        if let Some(online) = &mut self.online {
            let mut train = None;
            if online.count_epoch() {
                let student = Student::Model(&mut self.judge, params);
                train = Some(online.round(student, &self.vocabulary, &self.params)?);
            }
            metrics.push(("student_accuracy", online.accuracy()));
            train.into_iter().for_each(|train| self.learn_from(train));
        }
        Ok(metrics)
    }

    fn state(&self) -> Vec<f64> {
        self.online.as_ref().map(Rounds::state).unwrap_or_default()
    }

    fn restore(&mut self, state: &[f64]) -> Result<(), Error> {
        let Some(online) = &mut self.online else { return Ok(()) };
        if let Some(train) = online.restore(state, &self.vocabulary, &self.params)? {
            self.learn_from(train);
        }
        Ok(())
    }
}
