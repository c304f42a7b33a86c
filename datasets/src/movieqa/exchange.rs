//! Exchanges between student and teacher about a movie question, and what a teacher can say.

use super::knowledge::{Entity, KnowledgeBase, Relation};
use super::phrasing::{Ask, Aspect};
use super::question::Question;
use crate::babi_dialog::{NEGATIVE, POSITIVE};

/// A question, a student's answer and what a teacher makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The question, with all right answers.
    pub question: Question,
    /// The student's answer, which may be wrong.
    pub answer: Entity,
    /// Whether the answer is rewarded, on the question's own line or with the reply.
    pub rewarded: bool,
    /// The teacher's reply, if any.
    pub reply: Option<Says>,
    /// The help the student asks for after the reply, if it does.
    pub help: Option<Says>,
}

/// What a teacher can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Says {
    /// One of the [`POSITIVE`] replies.
    Right(usize),
    /// One of the [`NEGATIVE`] replies.
    Wrong(usize),
    /// `No, the answer is ENTITY.`
    AnswerIs(Entity),
    /// What kind of thing the answer to such a question is: `No, it is a director.`
    Hint(Ask),
    /// `No, because FACT.`
    Because(u32),
    /// An entity and nothing else.
    Answer(Entity),
    /// `A relevant fact is FACT.`
    RelevantFact(u32),
}

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// Words.
    Words(&'a str),
    /// An entity, which counts as one word.
    Entity(Entity),
}

impl Says {
    /// The pieces of the text; a text ends in a full stop where its words do not end a sentence.
    pub fn parts(self, knowledge: &KnowledgeBase) -> Vec<Part<'static>> {
        let with = |words, more: Vec<Part<'static>>| [vec![Part::Words(words)], more].concat();
        let fact = |number: u32| {
            let fact = &knowledge.facts()[number as usize];
            let mut parts = vec![Part::Entity(fact.subject), Part::Words(fact.relation.code())];
            parts.extend(fact.objects.iter().map(|&object| Part::Entity(object)));
            parts
        };
        match self {
            Self::Right(which) => vec![Part::Words(POSITIVE[which])],
            Self::Wrong(which) => vec![Part::Words(NEGATIVE[which])],
            Self::AnswerIs(answer) => with("No, the answer is", vec![Part::Entity(answer)]),
            Self::Hint(ask) => with("No, it is a", vec![Part::Words(kind(ask))]),
            Self::Because(number) => with("No, because", fact(number)),
            Self::Answer(answer) => vec![Part::Entity(answer)],
            Self::RelevantFact(number) => with("A relevant fact is", fact(number)),
        }
    }

    /// The text.
    pub fn text(self, knowledge: &KnowledgeBase) -> String {
        let parts = self.parts(knowledge);
        let mut text = String::new();
        for (at, part) in parts.iter().enumerate() {
            let entities = |part: Option<&Part<'_>>| matches!(part, Some(Part::Entity(_)));
            let listed = at > 0 && entities(parts.get(at - 1)) && entities(Some(part));
            text.push_str(if listed {
                ", "
            } else if at > 0 {
                " "
            } else {
                ""
            });
            text.push_str(match part {
                Part::Words(words) => words,
                Part::Entity(entity) => knowledge.name(*entity),
            });
        }
        if parts.len() > 1 {
            text.push('.');
        }
        text
    }
}

/// What kind of thing answers a question.
fn kind(ask: Ask) -> &'static str {
    match (ask.aspect, ask.relation) {
        (Aspect::Subjects, _) => "movie",
        (Aspect::Objects, Relation::DirectedBy) => "director",
        (Aspect::Objects, Relation::WrittenBy) => "writer",
        (Aspect::Objects, Relation::StarredActors) => "actor",
        (Aspect::Objects, Relation::ReleaseYear) => "year",
        (Aspect::Objects, Relation::InLanguage) => "language",
        (Aspect::Objects, Relation::HasGenre) => "genre",
        (Aspect::Objects, Relation::HasTags) => "topic",
        (Aspect::Objects, Relation::HasImdbRating | Relation::HasImdbVotes) => "rating",
    }
}
