//! The loss of each learner, and the batch arrays that all kinds of data share.

use autodiff::{Error, Var};
use learn::{Batch, BatchInput};

use crate::forward_prediction::{CandidateReplies, ReplyVars, reply_loss, reply_scores};
use crate::model::{Answers, MemoryNetwork, Shape, StoryVars};
use crate::params::Params;

// Positions of a batch's arrays.
pub(crate) const MEMORIES: usize = 0;
pub(crate) const MASK: usize = 1;
pub(crate) const QUESTION: usize = 2;
const ANSWER: usize = 3;
const ANSWERED: usize = 4;
const IMITATION_WEIGHT: usize = 5;
const REPLY_WEIGHT: usize = 6;
/// Where the arrays that only one kind of data has begin.
pub(crate) const REST: usize = 7;

/// The arrays of a batch that every kind of data has.
pub(crate) fn inputs(params: &Params, shape: &Shape) -> Vec<BatchInput> {
    let batch = params.batch;
    let mut inputs = Vec::from(shape.inputs(batch));
    inputs.extend([
        BatchInput::index("answer", &[batch]),
        BatchInput::float("answered", &[batch]),
        BatchInput::float("imitation weight", &[batch]),
        BatchInput::float("reply weight", &[batch]),
    ]);
    inputs
}

/// The answer of a turn, an index into the embedded answers, and what came of it.
#[derive(Clone, Copy)]
pub(crate) struct Answered {
    /// `None` where the turn has none.
    pub(crate) answer: Option<u32>,
    /// Whether there is an answer that can be imitated here.
    pub(crate) imitable: bool,
    /// Whether it was rewarded.
    pub(crate) rewarded: bool,
}

/// Fills row `row` of the arrays about the answer.
pub(crate) fn fill_answer(params: &Params, row: usize, turn: Answered, batch: &mut Batch) {
    let learner = params.learner;
    let imitated = learner.imitates() && (turn.rewarded || !learner.needs_reward());
    batch.indices_mut(ANSWER)[row] = turn.answer.unwrap_or(0);
    batch.floats_mut(ANSWERED)[row] = f32::from(turn.answer.is_some());
    batch.floats_mut(IMITATION_WEIGHT)[row] = f32::from(imitated && turn.imitable);
}

/// Says whether row `row` has a reply to predict.
pub(crate) fn fill_replied(row: usize, replied: bool, batch: &mut Batch) {
    batch.floats_mut(REPLY_WEIGHT)[row] = f32::from(replied);
}

/// Row `row` of an array with `rows` rows.
pub(crate) fn row_of<T>(values: &mut [T], row: usize, rows: usize) -> &mut [T] {
    let len = values.len() / rows;
    &mut values[row * len..(row + 1) * len]
}

/// The loss of the chosen learner (section 4), summed over the batch; `replies` is there for learners
/// that predict them.
pub(crate) fn loss<'g>(
    params: &Params,
    network: &MemoryNetwork<'g>,
    answers: &Answers<'g>,
    beta: Option<Var<'g>>,
    replies: Option<CandidateReplies<'g>>,
    batch: &[Var<'g>],
) -> Result<Var<'g>, Error> {
    let story =
        StoryVars { memories: batch[MEMORIES], mask: batch[MASK], question: batch[QUESTION] };
    let state = network.state(&story)?;
    let learner = params.learner;
    let mut loss = state.graph().scalar(0.0);
    if learner.imitates() {
        let surprise = answers.scores(state)?.cross_entropy(batch[ANSWER])?;
        loss = loss.add(surprise.mul(batch[IMITATION_WEIGHT])?.sum_all())?;
    }
    if let Some(replies) = replies {
        let vars = ReplyVars { answer: batch[ANSWER], answered: batch[ANSWERED], replies };
        let scores = reply_scores(network, state, answers, beta, &vars)?;
        let surprise = reply_loss(scores, &vars.replies)?;
        let weight = if learner.imitates() { params.fp_weight } else { 1.0 };
        let total = surprise.mul(batch[REPLY_WEIGHT])?.sum_all().mul_scalar(weight);
        loss = loss.add(total)?;
    }
    Ok(loss)
}
