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

/// Forward prediction (section 4.3): how surprising the teacher's reply is, `[b]`.
///
/// With the state `u` after the hops and embedded answers `y`,
/// `o = sum_a softmax_a(u . y) (y_a + beta* 1[a given])`, and the reply is scored by
/// `softmax((o + u) . r)` over the candidate replies `r`. `beta` is `None` in the ablation without
/// the mark.
pub(crate) fn reply_loss<'g>(
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
            let scores = replies
                .matmul(next.reshape(&[batch, dimension, 1])?)?
                .reshape(&[batch, replies.shape()[1]])?;
            let first = state.graph().index_constant(&vec![0; batch], &[batch])?;
            scores.cross_entropy(first)
        }
        CandidateReplies::Shared { words, log_weight, said } => {
            let scores = next.matmul(network.bag(words)?.transpose(0, 1)?)?.add(log_weight)?;
            scores.cross_entropy(said)
        }
    }
}
