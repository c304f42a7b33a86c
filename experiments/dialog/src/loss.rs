//! The loss of each learner, and the arrays of a batch that it reads.

use autodiff::{Error, Var};
use learn::{Batch, BatchVars, Field, Fields};

use crate::forward_prediction::{CandidateReplies, ReplyVars, reply_loss, reply_scores};
use crate::model::{Answers, MemoryNetwork, Shape, StoryFields};
use crate::params::{Learner, Params};

/// The arrays of a batch that every corpus has.
pub(crate) struct TurnFields {
    pub(crate) story: StoryFields,
    learner: Learner,
    fp_weight: f64,
    answer: Field<u32>,
    /// 1 where an answer was given, 0 where the turn has none.
    answered: Field<f32>,
    /// 1 where the answer is imitated.
    imitation_weight: Field<f32>,
    /// 1 where there is a reply to predict.
    reply_weight: Field<f32>,
}

impl TurnFields {
    /// Declares them.
    pub(crate) fn declare(params: &Params, shape: &Shape, fields: &mut Fields) -> Self {
        let rows = params.batch;
        Self {
            story: shape.declare(rows, fields),
            learner: params.learner,
            fp_weight: params.fp_weight,
            answer: fields.index("answer", &[rows]),
            answered: fields.float("answered", &[rows]),
            imitation_weight: fields.float("imitation weight", &[rows]),
            reply_weight: fields.float("reply weight", &[rows]),
        }
    }

    /// Writes the answer of row `row`, an index into the embedded answers: whether it can be imitated
    /// here, and whether it was rewarded. `None` where the turn has none.
    pub(crate) fn write_answer(
        &self,
        row: usize,
        answer: Option<u32>,
        (imitable, rewarded): (bool, bool),
        batch: &mut Batch,
    ) {
        let imitated = self.learner.imitates() && (rewarded || !self.learner.needs_reward());
        batch[self.answer][row] = answer.unwrap_or(0);
        batch[self.answered][row] = f32::from(answer.is_some());
        batch[self.imitation_weight][row] = f32::from(imitated && imitable);
    }

    /// Says whether row `row` has a reply to predict.
    pub(crate) fn write_replied(&self, row: usize, replied: bool, batch: &mut Batch) {
        batch[self.reply_weight][row] = f32::from(replied);
    }

    /// The loss of the chosen learner (section 4), summed over the batch; `replies` is there for
    /// learners that predict them.
    pub(crate) fn loss<'g>(
        &self,
        network: &MemoryNetwork<'g>,
        answers: &Answers<'g>,
        beta: Option<Var<'g>>,
        replies: Option<CandidateReplies<'g>>,
        batch: &BatchVars<'g>,
    ) -> Result<Var<'g>, Error> {
        let state = network.state(&self.story.vars(batch))?;
        let mut loss = state.graph().scalar(0.0);
        let (answer, answered) = (batch[self.answer], batch[self.answered]);
        if self.learner.imitates() {
            let surprise = answers.scores(state)?.cross_entropy(answer)?;
            loss = loss.add(surprise.mul(batch[self.imitation_weight])?.sum_all())?;
        }
        if let Some(replies) = replies {
            let vars = ReplyVars { answer, answered, replies };
            let scores = reply_scores(network, state, answers, beta, &vars)?;
            let surprise = reply_loss(scores, &vars.replies)?;
            let weight = if self.learner.imitates() { self.fp_weight } else { 1.0 };
            let total = surprise.mul(batch[self.reply_weight])?.sum_all().mul_scalar(weight);
            loss = loss.add(total)?;
        }
        Ok(loss)
    }
}
