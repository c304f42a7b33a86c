//! What the network computes for a single question: answers, attention, expected replies.

use autodiff::{Buffer, DType, Error, Graph, Var};
use learn::{Evaluator, Fields, Layout};

use crate::forward_prediction::{CandidateReplies, ReplyVars, reply_scores};
use crate::judge::best;
use crate::model::{ABSENT, Answers, MemoryNetwork, StoryVars, write_words};
use crate::params::Params;

/// A question with everything that could be answered and replied, as word indices of each.
pub(crate) struct Asked {
    pub(crate) memories: Vec<Vec<u32>>,
    pub(crate) question: Vec<u32>,
    /// At least one.
    pub(crate) answers: Vec<Vec<u32>>,
    pub(crate) replies: Vec<Vec<u32>>,
}

/// Probabilities and attention of one forward pass.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thought {
    /// Probability of each answer.
    pub(crate) answers: Vec<f32>,
    /// What each hop attends to: one weight a memory.
    pub(crate) attention: Vec<Vec<f32>>,
    /// Probability of each reply to the most probable answer; empty where the network was not taught
    /// to predict replies.
    pub(crate) replies: Vec<f32>,
}

impl Asked {
    /// Asks the network whose parameters are `weights`.
    pub(crate) fn think(
        &self,
        params: &Params,
        layout: &Layout,
        weights: &mut Buffer,
    ) -> Result<Thought, Error> {
        let mut answering = Evaluator::new(layout, Fields::none(), DType::F32, |views, _| {
            let graph = views[0].graph();
            let network = MemoryNetwork::new(views[0], params.hops());
            let (state, attended) = network.hop(&self.story(graph)?)?;
            let belief = self.answers(&network)?.scores(state)?.softmax(1)?;
            Ok([vec![belief], attended].concat())
        })?;
        let found = answering.run(weights, &mut answering.batch()?)?;
        let answers = found[0].to_vec::<f32>()?;
        let attention = (1..=params.hops()).map(|hop| {
            let mut attention = found[hop].to_vec::<f32>()?;
            attention.truncate(self.memories.len());
            Ok(attention)
        });
        let attention = attention.collect::<Result<_, Error>>()?;
        let mut replies = Vec::new();
        if params.learner.predicts() && !self.replies.is_empty() {
            let answer = best(&answers);
            let mut replying = Evaluator::new(layout, Fields::none(), DType::F32, |views, _| {
                let graph = views[0].graph();
                let network = MemoryNetwork::new(views[0], params.hops());
                let state = network.state(&self.story(graph)?)?;
                let (answers, vars) = (self.answers(&network)?, self.replies_to(answer, graph)?);
                let beta = views.get(1).copied();
                Ok(vec![reply_scores(&network, state, &answers, beta, &vars)?.softmax(1)?])
            })?;
            replies = replying.run(weights, &mut replying.batch()?)?[0].to_vec::<f32>()?;
        }
        Ok(Thought { answers, attention, replies })
    }

    /// The answers, embedded.
    fn answers<'g>(&self, network: &MemoryNetwork<'g>) -> Result<Answers<'g>, Error> {
        let words = words(network.embedding().graph(), &self.answers)?;
        Ok(Answers { embedded: network.bag(words)?, log_weight: None })
    }

    /// Everything that could be replied to an answer.
    fn replies_to<'g>(&self, answer: u32, graph: &'g Graph) -> Result<ReplyVars<'g>, Error> {
        let count = self.replies.len();
        Ok(ReplyVars {
            answer: graph.index_constant(&[answer], &[1])?,
            answered: graph.constant(&[1.0], &[1])?,
            replies: CandidateReplies::Shared {
                words: words(graph, &self.replies)?,
                log_weight: graph.constant(&vec![0.0; count], &[count])?,
                said: graph.index_constant(&[0], &[1])?,
            },
        })
    }

    /// The memories and the question; a memory that is not there where there is none.
    fn story<'g>(&self, graph: &'g Graph) -> Result<StoryVars<'g>, Error> {
        let (memories, mask) = match self.memories.len() {
            0 => (words(graph, &[Vec::new()])?, vec![f64::from(ABSENT)]),
            count => (words(graph, &self.memories)?, vec![0.0; count]),
        };
        let shape = [1, memories.shape()[0], memories.shape()[1]];
        let question = words(graph, std::slice::from_ref(&self.question))?;
        Ok(StoryVars {
            memories: memories.reshape(&shape)?,
            mask: graph.constant(&mask, &[1, mask.len()])?,
            question,
        })
    }
}

/// Texts as a constant, `[texts, words]`, padded with null words.
fn words<'g>(graph: &'g Graph, texts: &[Vec<u32>]) -> Result<Var<'g>, Error> {
    let longest = texts.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let mut padded = vec![0; texts.len() * longest];
    padded.chunks_mut(longest).zip(texts).for_each(|(to, text)| write_words(text, to));
    graph.index_constant(&padded, &[texts.len(), longest])
}
