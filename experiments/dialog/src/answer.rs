//! An answer with its alternatives, attention and expected replies, printed for people.

use std::fmt::{self, Display, Formatter};

use crate::thought::Thought;

/// Alternatives that are shown.
const SHOWN: usize = 3;

/// An answer to a question, and how a model came to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// The best answers with their probabilities, best first.
    pub(crate) answers: Vec<(String, f32)>,
    /// What was remembered, each with the attention of every hop.
    pub(crate) memories: Vec<(String, Vec<f32>)>,
    /// The replies most expected to the best answer, with their probabilities; empty where the model
    /// was not taught to predict replies.
    pub(crate) replies: Vec<(String, f32)>,
}

impl Answer {
    /// Names the answers, memories and replies of a thought, which are in the same order.
    pub(crate) fn new(
        thought: &Thought,
        answers: impl Fn(usize) -> String,
        memories: Vec<String>,
        replies: impl Fn(usize) -> String,
    ) -> Self {
        let attention = |memory: usize| thought.attention.iter().map(|hop| hop[memory]).collect();
        Self {
            answers: best(&thought.answers, answers),
            memories: memories
                .into_iter()
                .enumerate()
                .map(|(memory, text)| (text, attention(memory)))
                .collect(),
            replies: best(&thought.replies, replies),
        }
    }
}

fn best(probabilities: &[f32], name: impl Fn(usize) -> String) -> Vec<(String, f32)> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    order.truncate(SHOWN);
    order.into_iter().map(|at| (name(at), probabilities[at])).collect()
}

impl Display for Answer {
    /// The answer alone on the first line; percentages of the best answers, of the attention to each
    /// memory and of the replies on indented ones.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.answers.first().map_or("", |(answer, _)| answer))?;
        writeln!(f, "  answers: {}", listed(&self.answers))?;
        if let Some((_, hops)) = self.memories.first().filter(|(_, hops)| !hops.is_empty()) {
            let head: Vec<String> = (1..=hops.len()).map(|hop| format!("hop {hop}")).collect();
            writeln!(f, "  attention, %: {}", head.join(", "))?;
        }
        for (memory, hops) in &self.memories {
            let hops: Vec<String> = hops.iter().map(|p| format!("{:5.1}", 100.0 * p)).collect();
            writeln!(f, "   {} {memory}", hops.join(" "))?;
        }
        if !self.replies.is_empty() {
            writeln!(f, "  expected reply: {}", listed(&self.replies))?;
        }
        Ok(())
    }
}

fn listed(alternatives: &[(String, f32)]) -> String {
    let one = |(text, p): &(String, f32)| format!("{text:?} {:.1} %", 100.0 * p);
    alternatives.iter().map(one).collect::<Vec<_>>().join(", ")
}
