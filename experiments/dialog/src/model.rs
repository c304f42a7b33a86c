//! The end-to-end memory network and the arrays it reads.

use autodiff::{Error, Var};
use learn::{Batch, BatchVars, Field, Fields, Init, Layout};

use crate::params::Params;
use crate::text::{NULL, Vocabulary};

/// Sizes of the memory network and of the arrays it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Memories a question.
    pub(crate) memories: usize,
    /// Words a memory.
    pub(crate) memory_words: usize,
    /// Words a question.
    pub(crate) question_words: usize,
    /// Attention hops.
    pub(crate) hops: usize,
}

/// The end-to-end memory network (section 4.1): one embedding `A` of `[words, d]` for question,
/// memories, answers and replies, no matrix between hops.
pub(crate) struct MemoryNetwork<'g> {
    embedding: Var<'g>,
    hops: usize,
}

/// Embedded answers to choose from.
#[derive(Clone, Copy)]
pub(crate) struct Answers<'g> {
    /// `[answers, d]`.
    pub(crate) embedded: Var<'g>,
    /// The logarithm of how many answers each one stands for, `[answers]`; `None` for one each.
    pub(crate) log_weight: Option<Var<'g>>,
}

impl<'g> Answers<'g> {
    /// Scores `u . y + log weight`, `[b, answers]`, of states `[b, d]`.
    pub(crate) fn scores(&self, state: Var<'g>) -> Result<Var<'g>, Error> {
        let scores = state.matmul(self.embedded.transpose(0, 1)?)?;
        match self.log_weight {
            Some(weight) => scores.add(weight),
            None => Ok(scores),
        }
    }
}

/// Score of a memory that is not there.
pub(crate) const ABSENT: f32 = -1e30;

impl<'g> MemoryNetwork<'g> {
    pub(crate) fn new(embedding: Var<'g>, hops: usize) -> Self {
        Self { embedding, hops }
    }

    /// The embedding of every word.
    pub(crate) fn embedding(&self) -> Var<'g> {
        self.embedding
    }

    /// Sums of word embeddings: `[.., words]` to `[.., d]`.
    pub(crate) fn bag(&self, words: Var<'g>) -> Result<Var<'g>, Error> {
        self.embedding.embedding_bag(words, Some(NULL))
    }

    /// The state after the last hop, `[b, d]`.
    pub(crate) fn state(&self, story: &StoryVars<'g>) -> Result<Var<'g>, Error> {
        Ok(self.hop(story)?.0)
    }

    /// The state after the last hop, `[b, d]`, and what each hop attended to, `[b, memories]`:
    /// `p_i = softmax_i(u . m_i + mask_i)`, `u <- u + sum_i p_i m_i`.
    pub(crate) fn hop(&self, story: &StoryVars<'g>) -> Result<(Var<'g>, Vec<Var<'g>>), Error> {
        let memories = self.bag(story.memories)?;
        let mut state = self.bag(story.question)?;
        let (batch, dimension) = (state.shape()[0], state.shape()[1]);
        let mut attended = Vec::with_capacity(self.hops);
        for _ in 0..self.hops {
            let scores = memories
                .matmul(state.reshape(&[batch, dimension, 1])?)?
                .reshape(&story.mask.shape())?
                .add(story.mask)?;
            let attention = scores.softmax(1)?;
            let weights = attention.reshape(&[batch, 1, scores.shape()[1]])?;
            let output = weights.matmul(memories)?.reshape(&[batch, dimension])?;
            state = state.add(output)?;
            attended.push(attention);
        }
        Ok((state, attended))
    }

    /// Embedded answers, `[answers, d]`.
    pub(crate) fn answers(
        &self,
        vocabulary: &Vocabulary,
        answers: &[&str],
    ) -> Result<Var<'g>, Error> {
        let encoded: Vec<Vec<u32>> = answers.iter().map(|a| vocabulary.encode(a)).collect();
        let words = encoded.iter().map(Vec::len).max().unwrap_or(1).max(1);
        let mut padded = vec![NULL; answers.len() * words];
        padded.chunks_mut(words).zip(&encoded).for_each(|(to, answer)| write_words(answer, to));
        self.bag(self.embedding.graph().index_constant(&padded, &[answers.len(), words])?)
    }
}

/// Writes `words`, followed by null words, into `to`.
pub(crate) fn write_words(words: &[u32], to: &mut [u32]) {
    let padded = words.iter().copied().chain(std::iter::repeat(NULL));
    to.iter_mut().zip(padded).for_each(|(to, word)| *to = word);
}

/// The arrays that hold a batch of questions.
#[derive(Clone, Copy)]
pub(crate) struct StoryVars<'g> {
    /// Word indices `[b, memories, words]`.
    pub(crate) memories: Var<'g>,
    /// 0 for a memory that is there, [`ABSENT`] for padding, `[b, memories]`.
    pub(crate) mask: Var<'g>,
    /// Word indices `[b, words]`.
    pub(crate) question: Var<'g>,
}

impl Shape {
    /// The parameters: the embedding and the vector that marks the answer given.
    pub(crate) fn layout(words: usize, params: &Params) -> Layout {
        let normal = Init::Normal { std: params.init_std };
        let layout = Layout::new().with("embedding", &[words, params.dimension], normal);
        let beta = params.learner.predicts() && params.beta;
        if beta { layout.with("beta", &[params.dimension], normal) } else { layout }
    }

    /// Declares the arrays of `rows` questions.
    pub(crate) fn declare(&self, rows: usize, fields: &mut Fields) -> StoryFields {
        StoryFields {
            rows,
            memory_words: self.memory_words,
            memories: fields.index("memories", &[rows, self.memories, self.memory_words]),
            mask: fields.float("mask", &[rows, self.memories]),
            question: fields.index("question", &[rows, self.question_words]),
        }
    }
}

/// The arrays of a batch of questions, as [`StoryVars`] has them.
#[derive(Clone, Copy)]
pub(crate) struct StoryFields {
    rows: usize,
    memory_words: usize,
    memories: Field<u32>,
    mask: Field<f32>,
    question: Field<u32>,
}

impl StoryFields {
    /// The arrays in a trace.
    pub(crate) fn vars<'g>(&self, batch: &BatchVars<'g>) -> StoryVars<'g> {
        StoryVars {
            memories: batch[self.memories],
            mask: batch[self.mask],
            question: batch[self.question],
        }
    }

    /// Writes the words of what is remembered and of a question into row `row`.
    pub(crate) fn write(
        &self,
        row: usize,
        memories: impl ExactSizeIterator<Item: AsRef<[u32]>>,
        question: &[u32],
        batch: &mut Batch,
    ) {
        let count = memories.len();
        let (there, absent) = row_of(&mut batch[self.mask], row, self.rows).split_at_mut(count);
        there.fill(0.0);
        absent.fill(ABSENT);
        let to = row_of(&mut batch[self.memories], row, self.rows);
        let (there, absent) = to.split_at_mut(count * self.memory_words);
        let each = there.chunks_mut(self.memory_words).zip(memories);
        each.for_each(|(to, memory)| write_words(memory.as_ref(), to));
        absent.fill(NULL);
        write_words(question, row_of(&mut batch[self.question], row, self.rows));
    }
}

/// Row `row` of an array with `rows` rows.
pub(crate) fn row_of<T>(values: &mut [T], row: usize, rows: usize) -> &mut [T] {
    let len = values.len() / rows;
    &mut values[row * len..(row + 1) * len]
}
