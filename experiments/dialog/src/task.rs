use autodiff::{Buffer, Error as TraceError, Var};
use datasets::babi_dialog::PLACES;
use experiment::{Error, Stream};
use learn::{Batch, BatchInput, Layout, Metrics, Objective, Task};
use rand::RngExt;

use crate::examples::Example;
use crate::forward_prediction::{ReplyVars, reply_loss};
use crate::judge::{Judge, Questions};
use crate::model::{MemoryNetwork, Shape, StoryVars, write_words};
use crate::params::Params;
use crate::replies::Replies;
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
}

// Positions of the batch's arrays.
const MEMORIES: usize = 0;
const MASK: usize = 1;
const QUESTION: usize = 2;
const ANSWER: usize = 3;
const ANSWERED: usize = 4;
const IMITATION_WEIGHT: usize = 5;
const REPLY_WEIGHT: usize = 6;
const REPLIES: usize = 7;

impl DialogTask {
    pub(crate) fn new(
        params: Params,
        vocabulary: Vocabulary,
        train: Vec<Example>,
        dev: &[Example],
        test: &[Example],
    ) -> Result<Self, TraceError> {
        let all = || train.iter().chain(dev).chain(test);
        let memories = || all().flat_map(|example| &example.memories);
        let shape = Shape {
            memories: all().map(|example| example.memories.len()).max().unwrap_or(0).max(1),
            memory_words: memories().map(Vec::len).max().unwrap_or(0).max(1),
            question_words: all().map(|example| example.question.len()).max().unwrap_or(0).max(1),
            hops: params.hops(),
        };
        let layout = Shape::layout(
            &vocabulary,
            params.dimension,
            params.init_std,
            params.learner.predicts() && params.beta,
        );
        let replies = Replies::new(&train, &vocabulary, params.negatives, params.negative_count);
        let batch = params.batch;
        let mut inputs = Vec::from(shape.inputs(batch));
        inputs.extend([
            BatchInput::index("answer", &[batch]),
            BatchInput::float("answered", &[batch]),
            BatchInput::float("imitation weight", &[batch]),
            BatchInput::float("reply weight", &[batch]),
        ]);
        if params.learner.predicts() {
            let words = [batch, replies.candidates(), replies.longest()];
            inputs.push(BatchInput::index("replies", &words));
        }
        let judge = Judge::new(&layout, &vocabulary, shape.clone())?;
        let dev = judge.questions(dev);
        Ok(Self { params, vocabulary, shape, layout, inputs, train, replies, judge, dev })
    }

    /// Steps an epoch.
    pub(crate) fn steps_per_epoch(&self) -> u64 {
        (self.train.len() / self.params.batch).max(1) as u64
    }

    /// The vocabulary.
    pub(crate) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The sizes of the network.
    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Answers, and right answers, to the questions of a test set.
    pub(crate) fn answer(
        &mut self,
        params: &mut Buffer,
        test: &[Example],
    ) -> Result<(Vec<u32>, Vec<u32>), TraceError> {
        let mut questions = self.judge.questions(test);
        let answers = self.judge.answer(params, &mut questions)?;
        Ok((answers, questions.right().to_vec()))
    }

    /// 1 where the learner imitates the example's answer, else 0.
    fn imitation_weight(&self, example: &Example) -> f32 {
        let learner = self.params.learner;
        let wanted = learner.imitates() && (example.rewarded || !learner.needs_reward());
        f32::from(wanted && example.answer.is_some())
    }

    fn fill_row(&self, row: usize, example: usize, rng: &mut impl rand::Rng, batch: &mut Batch) {
        let rows = self.params.batch;
        let drawn = &self.train[example];
        let memory_words = self.shape.memory_words;
        drawn.write_memories(memory_words, row_of(batch.indices_mut(MEMORIES), row, rows));
        drawn.write_mask(row_of(batch.floats_mut(MASK), row, rows));
        write_words(&drawn.question, row_of(batch.indices_mut(QUESTION), row, rows));
        batch.indices_mut(ANSWER)[row] = drawn.answer.unwrap_or(0);
        batch.floats_mut(ANSWERED)[row] = f32::from(drawn.answer.is_some());
        batch.floats_mut(IMITATION_WEIGHT)[row] = self.imitation_weight(drawn);
        if !self.params.learner.predicts() {
            return;
        }
        let replies = self.replies.draw(example, rng);
        batch.floats_mut(REPLY_WEIGHT)[row] = f32::from(replies.is_some());
        let to = row_of(batch.indices_mut(REPLIES), row, rows);
        match replies {
            None => to.fill(NULL),
            Some(replies) => to
                .chunks_mut(self.replies.longest())
                .zip(replies)
                .for_each(|(to, reply)| write_words(reply, to)),
        }
    }
}

/// Row `row` of an array with `rows` rows.
fn row_of<T>(values: &mut [T], row: usize, rows: usize) -> &mut [T] {
    let len = values.len() / rows;
    &mut values[row * len..(row + 1) * len]
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
        let story =
            StoryVars { memories: batch[MEMORIES], mask: batch[MASK], question: batch[QUESTION] };
        let state = network.state(&story)?;
        let answers = network.answers(&self.vocabulary, &PLACES)?;
        let learner = self.params.learner;
        let mut loss = state.graph().scalar(0.0);
        if learner.imitates() {
            let scores = state.matmul(answers.transpose(0, 1)?)?;
            let surprise = scores.cross_entropy(batch[ANSWER])?;
            loss = loss.add(surprise.mul(batch[IMITATION_WEIGHT])?.sum_all())?;
        }
        if learner.predicts() {
            let vars = ReplyVars {
                answer: batch[ANSWER],
                answered: batch[ANSWERED],
                replies: batch[REPLIES],
            };
            let surprise = reply_loss(&network, state, answers, params.get(1).copied(), &vars)?;
            let weight = if learner.imitates() { self.params.fp_weight } else { 1.0 };
            let total = surprise.mul(batch[REPLY_WEIGHT])?.sum_all().mul_scalar(weight);
            loss = loss.add(total)?;
        }
        Ok(loss)
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
        Ok(vec![("dev_accuracy", accuracy)])
    }
}
