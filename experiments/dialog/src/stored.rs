//! A trained model stored as artifacts of its run, and read back to answer questions.

use autodiff::Buffer;
use datasets::babi_dialog::PLACES;
use experiment::Error;
use learn::{Artifacts, KeptModel, Layout, kept_weights, placed};
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::examples::encode_memories;
use crate::model::Shape;
use crate::params::Params;
use crate::text::{Vocabulary, words};
use crate::thought::Asked;

/// What a stored model is, beside its weights.
#[derive(Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) params: Params,
    /// The words, in the order of their indices; those of entities are the knowledge base's.
    pub(crate) vocabulary: Vec<String>,
    /// Time tokens.
    pub(crate) times: usize,
    /// Most memories a question.
    pub(crate) memories: usize,
    /// The distinct replies it learned from; empty where the knowledge base gives them.
    #[serde(default)]
    pub(crate) replies: Vec<String>,
}

impl KeptModel for Description {}

impl Description {
    /// How the weights are laid out.
    pub(crate) fn layout(&self) -> Layout {
        let indices = 1 + self.vocabulary.len() + self.times;
        Shape::layout(indices, &self.params)
    }
}

/// Why a line cannot be taken.
pub(crate) fn not_understood(reason: String) -> Error {
    Error::other("not understood", reason)
}

/// A model one can talk to.
pub(crate) trait Talker {
    /// Remembers a line.
    ///
    /// # Errors
    /// A line with a word the model never saw, too long a line, or a model that is told nothing.
    fn tell(&mut self, line: &str) -> Result<(), Error>;

    /// Forgets what was told.
    fn forget(&mut self);

    /// Answers a question.
    ///
    /// # Errors
    /// As [`tell`](Self::tell).
    fn ask(&mut self, question: &str) -> Result<Answer, Error>;
}

/// A stored model that answers questions about lines it was told.
pub(crate) struct StoredModel {
    params: Params,
    vocabulary: Vocabulary,
    /// Most memories a question.
    memories: usize,
    replies: Vec<String>,
    layout: Layout,
    weights: Buffer,
    said: Vec<String>,
}

/// Words a told line or a question may have.
const LONGEST_LINE: usize = 32;

impl StoredModel {
    /// Opens the artifacts of a run.
    pub(crate) fn open(description: Description, kept: Artifacts<'_>) -> Result<Self, Error> {
        let Description { params, vocabulary, times, memories, replies } = description;
        let vocabulary = Vocabulary::from_words(vocabulary, times);
        let layout = Shape::layout(vocabulary.len(), &params);
        let weights = placed(&kept_weights(&layout, kept)?)?;
        Ok(Self { params, vocabulary, memories, replies, layout, weights, said: Vec::new() })
    }

    fn check(&self, line: &str) -> Result<(), Error> {
        let unknown = words(line).find(|word| self.vocabulary.words().binary_search(word).is_err());
        if let Some(word) = unknown {
            return Err(not_understood(format!("the model never saw the word {word:?}")));
        }
        if words(line).count() >= LONGEST_LINE {
            return Err(not_understood(format!("wanted fewer than {LONGEST_LINE} words a line")));
        }
        Ok(())
    }
}

impl Talker for StoredModel {
    fn tell(&mut self, line: &str) -> Result<(), Error> {
        self.check(line)?;
        self.said.push(line.to_owned());
        Ok(())
    }

    fn forget(&mut self) {
        self.said.clear();
    }

    /// Answers from the newest lines that fit into memory.
    fn ask(&mut self, question: &str) -> Result<Answer, Error> {
        self.check(question)?;
        let oldest = self.said.len().saturating_sub(self.memories);
        let said: Vec<&str> = self.said[oldest..].iter().map(String::as_str).collect();
        let encode = |text: &str| self.vocabulary.encode(text);
        let asked = Asked {
            memories: encode_memories(&said, &self.vocabulary, self.params.time_features),
            question: encode(question),
            answers: PLACES.iter().copied().map(encode).collect(),
            replies: self.replies.iter().map(|reply| encode(reply)).collect(),
        };
        let thought = asked
            .think(&self.params, &self.layout, &mut self.weights)
            .map_err(|e| Error::other("answering", e))?;
        let said = said.into_iter().map(str::to_owned).collect();
        let replies = |at: usize| self.replies[at].clone();
        Ok(Answer::new(&thought, |at| PLACES[at].to_owned(), said, replies))
    }
}
