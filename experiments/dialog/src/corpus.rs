//! What a learner learns from and is asked about.

use autodiff::{Buffer, Error as TraceError, Var};
use experiment::{Error, Stream};
use learn::{Batch, BatchVars, Fields};
use serde_json::Value;

use crate::forward_prediction::CandidateReplies;
use crate::judge::Judge;
use crate::loss::TurnFields;
use crate::model::{Answers, MemoryNetwork, Shape, StoryFields};
use crate::params::Params;
use crate::stored::Description;

/// What every corpus has.
pub(crate) struct Frame {
    pub(crate) params: Params,
    /// Number of word indices.
    pub(crate) words: usize,
    /// Sizes of the questions and of what is remembered.
    pub(crate) shape: Shape,
    /// The arrays of a batch.
    pub(crate) fields: Fields,
    /// Those among them that every corpus has.
    pub(crate) turns: TurnFields,
}

impl Frame {
    /// The frame of a corpus without arrays of its own yet.
    pub(crate) fn new(params: &Params, words: usize, shape: Shape) -> Self {
        let mut fields = Fields::new();
        let turns = TurnFields::declare(params, &shape, &mut fields);
        Self { params: params.clone(), words, shape, fields, turns }
    }
}

/// What is learned from and asked about. Answers are numbers, the places of their scores.
pub(crate) trait Corpus: Send {
    /// A question whose right answers are known.
    type Question: Send;

    /// Questions that are judged at once.
    const CHUNK: usize;

    /// What every corpus has.
    fn frame(&self) -> &Frame;

    /// Number of questions to learn from.
    fn questions(&self) -> usize;

    /// Fills batch `index`.
    fn fill(&self, stream: &Stream, index: u64, batch: &mut Batch);

    /// The answers that compete in training.
    fn answers<'g>(
        &self,
        network: &MemoryNetwork<'g>,
        batch: &BatchVars<'g>,
    ) -> Result<Answers<'g>, TraceError>;

    /// The replies that compete, where they are predicted.
    fn replies<'g>(&self, batch: &BatchVars<'g>) -> Option<CandidateReplies<'g>>;

    /// All answers, embedded, `[answers, d]`.
    fn all_answers<'g>(&self, network: &MemoryNetwork<'g>) -> Result<Var<'g>, TraceError>;

    /// Writes a question into row `row` of a batch.
    fn write(&self, asked: &Self::Question, to: &StoryFields, row: usize, batch: &mut Batch);

    /// The answer with the best of `scores` that a question can have.
    fn choose(&self, asked: &Self::Question, scores: &[f32]) -> u32;

    /// The right answers to a question.
    fn right(&self, asked: &Self::Question) -> Vec<u32>;

    /// The row of test question `at` in the table `table`; nothing if that table lists none.
    fn row(&self, table: &str, at: usize, asked: &Self::Question, answer: u32) -> Option<Value>;

    /// What a stored model is.
    fn describe(&self) -> Description;

    /// Goes on with on-line learning after an epoch; the percentage of right answers among those that
    /// are learned from. Nothing without it.
    fn evaluated(&mut self, judge: &mut Judge, params: &mut Buffer) -> Result<Option<f64>, Error> {
        let _ = (judge, params);
        Ok(None)
    }

    /// What on-line learning has changed.
    fn state(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes a [`state`](Self::state) up.
    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        let _ = state;
        Ok(())
    }
}
