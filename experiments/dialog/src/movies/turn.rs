//! Splits MovieQA exchanges into the turns that a learner sees.

use datasets::movieqa::{Entity, Exchange, KnowledgeBase, Says};

use super::language::Language;
use crate::params::Corrections;

/// What a learner sees of an exchange.
pub(super) struct Turn {
    pub(super) topic: Entity,
    pub(super) question: Vec<u32>,
    pub(super) answer: Option<Entity>,
    pub(super) rewarded: bool,
}

/// The turns of exchanges, and the reply to each.
pub(super) fn turns(
    exchanges: Vec<Exchange>,
    language: &Language,
    knowledge: &KnowledgeBase,
    corrections: Corrections,
) -> (Vec<Turn>, Vec<Option<Says>>) {
    let (mut turns, mut replies) = (Vec::<Turn>::new(), Vec::new());
    for exchange in exchanges {
        let Exchange { question, answer, rewarded, reply, help } = exchange;
        let topic = question.topic;
        let words = language.question(&question);
        turns.push(Turn { topic, question: words, answer: Some(answer), rewarded });
        replies.push(reply);
        let (Some(reply), Some(help)) = (reply, help) else { continue };
        if corrections != Corrections::First {
            let mut question = Vec::new();
            if corrections == Corrections::History {
                question.clone_from(&turns[turns.len() - 1].question);
            }
            question.extend(language.says(reply, knowledge));
            turns.push(Turn { topic, question, answer: None, rewarded: false });
            replies.push(Some(help));
        }
    }
    (turns, replies)
}
