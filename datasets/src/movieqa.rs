//! Dialog-based Language Learning on MovieQA: the released knowledge base and questions, and a
//! generator of the dialogues to learn from.
//!
//! * A [`KnowledgeBase`] holds every [`Entity`] (a movie, a person, a year, a topic ...; names of
//!   several words are one entity) and every [`Fact`]: a movie, a [`Relation`] and its objects. It is
//!   its own retrieval index: [`KnowledgeBase::about`] finds the facts that name an entity by one
//!   look-up in a hash table.
//! * A [`Question`] is a phrasing with a gap for the one entity it is about, and the right answers.
//! * An [`Exchange`] is a question, a student's answer and what the teacher says to it, [`Says`].
//!
//! The released lines, with `→` for a tab, are
//!
//! ```text
//! 1 Kismet directed_by William Dieterle               knowledge base; an empty line between movies
//! 2 Kismet starred_actors Marlene Dietrich, Edward Arnold
//! 1 what films did Lily Tomlin act in?→All of Me, Big Business               dev and test
//! ```
//!
//! The training dialogues are made by [`generate`] from the knowledge base and from phrasings that
//! occur in the dev questions.

mod exchange;
mod generate;
mod knowledge;
mod phrasing;
mod question;

use crate::babi_dialog::Split;
use crate::error::Error;
use crate::store::Store;

pub use exchange::{Exchange, Part, Says};
pub use generate::{GENERATOR_VERSION, generate, possible_replies};
pub use knowledge::{Entity, Fact, KnowledgeBase, Relation};
pub use phrasing::{Ask, Aspect, Phrasing, phrasings};
pub use question::Question;

/// The name of the released files' manifest.
pub const DATASET: &str = "movieqa-dialog";

/// The knowledge base's file.
pub const KNOWLEDGE_BASE: &str = "movie_kb.txt";

/// The released knowledge base: 16,427 movie titles among 43,234 entities.
///
/// # Errors
/// What [`Store::open`] says, or a [`ReadError`](crate::babi_dialog::ReadError).
pub fn knowledge_base(store: &Store) -> Result<KnowledgeBase, Error> {
    let bytes = store.open(DATASET)?.read(KNOWLEDGE_BASE)?;
    Ok(KnowledgeBase::read(KNOWLEDGE_BASE, &bytes)?)
}

/// The released questions of a split: 9,968 for dev, 9,952 for test. There is none for training.
///
/// # Errors
/// What [`Store::open`] says, [`Error::NoFile`] for the training split, or a
/// [`ReadError`](crate::babi_dialog::ReadError).
pub fn questions(
    store: &Store,
    knowledge: &KnowledgeBase,
    split: Split,
) -> Result<Vec<Question>, Error> {
    let file = format!("movieqa1_p0.5_rl3_with_ans_{}.txt", split.code());
    let bytes = store.open(DATASET)?.read(&file)?;
    Ok(Question::read_all(&file, &bytes, knowledge)?)
}
