//! Forward prediction of the teacher's reply (section 4.3): scores and loss.

use autodiff::{Error, Var};

use crate::model::{Answers, MemoryNetwork};

/// The arrays that forward prediction reads beside the question.
#[derive(Clone, Copy)]
pub(crate) struct ReplyVars<'g> {
    /// The answer given, an index into the answers, `[b]`.
    pub(crate) answer: Var<'g>,
    /// 1 where an answer was given, 0 where the turn has none, `[b]`.
    pub(crate) answered: Var<'g>,
    /// What the reply was, and what else it could have been.
    pub(crate) replies: CandidateReplies<'g>,
}

/// Candidate replies as word indices.
#[derive(Clone, Copy)]
pub(crate) enum CandidateReplies<'g> {
    /// Those of each question, `[b, replies, words]`; the true one comes first.
    Own(Var<'g>),
    /// The same for all questions.
    Shared {
        /// `[replies, words]`.
        words: Var<'g>,
        /// The logarithm of how many replies each one stands for, `[replies]`.
        log_weight: Var<'g>,
        /// The true one of each question, an index, `[b]`.
        said: Var<'g>,
    },
}

/// Forward prediction (section 4.3): scores of candidate replies, `[b, replies]`.
///
/// With the state `u` after the hops and embedded answers `y`,
/// `o = sum_a softmax_a(u . y) (y_a + beta* 1[a given])`, and a reply `r` has the score
/// `(o + u) . r`. `beta` is `None` in the ablation without the mark.
pub(crate) fn reply_scores<'g>(
    network: &MemoryNetwork<'g>,
    state: Var<'g>,
    answers: &Answers<'g>,
    beta: Option<Var<'g>>,
    vars: &ReplyVars<'g>,
) -> Result<Var<'g>, Error> {
    let (batch, dimension) = (state.shape()[0], state.shape()[1]);
    let belief = answers.scores(state)?.softmax(1)?;
    let mut output = belief.matmul(answers.embedded)?;
    if let Some(beta) = beta {
        let given = belief.pick(vars.answer)?.mul(vars.answered)?.reshape(&[batch, 1])?;
        output = output.add(given.matmul(beta.reshape(&[1, dimension])?)?)?;
    }
    let next = output.add(state)?;
    match vars.replies {
        CandidateReplies::Own(words) => {
            let replies = network.bag(words)?;
            replies
                .matmul(next.reshape(&[batch, dimension, 1])?)?
                .reshape(&[batch, replies.shape()[1]])
        }
        CandidateReplies::Shared { words, log_weight, .. } => {
            next.matmul(network.bag(words)?.transpose(0, 1)?)?.add(log_weight)
        }
    }
}

/// How surprising the true replies are, `[b]`: cross-entropy of their [`reply_scores`].
pub(crate) fn reply_loss<'g>(
    scores: Var<'g>,
    replies: &CandidateReplies<'g>,
) -> Result<Var<'g>, Error> {
    match replies {
        CandidateReplies::Own(_) => {
            let batch = scores.shape()[0];
            scores.cross_entropy(scores.graph().index_constant(&vec![0; batch], &[batch])?)
        }
        CandidateReplies::Shared { said, .. } => scores.cross_entropy(*said),
    }
}
