//! A trained model stored as artifacts of its run, and read back to answer questions.

use autodiff::{Buffer, Device};
use datasets::babi_dialog::PLACES;
use experiment::{Error, Needed, Run};
use learn::Layout;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::examples::encode_memories;
use crate::model::Shape;
use crate::params::Params;
use crate::text::{Vocabulary, words};
use crate::thought::Asked;

const WEIGHTS: &str = "model.safetensors";
pub(crate) const DESCRIPTION: &str = "model.json";

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

impl Description {
    /// Keeps a trained model as two artifacts of the run.
    pub(crate) fn keep(
        &self,
        layout: &Layout,
        weights: &[f32],
        run: &mut Run<'_>,
    ) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| Error::other("describing the model", e))?;
        let file =
            layout.to_safetensors(weights).map_err(|e| Error::other("laying out the model", e))?;
        run.artifact(DESCRIPTION, text.as_bytes())?;
        run.artifact(WEIGHTS, &file)
    }

    /// Reads the description among a run's artifacts.
    pub(crate) fn open(kept: Kept<'_>) -> Result<Self, Error> {
        serde_json::from_slice(&kept(DESCRIPTION)?)
            .map_err(|e| Error::Checkpoint(format!("{DESCRIPTION}: {e}")))
    }

    /// Reads the description of the model that a run kept.
    pub(crate) fn of(needed: &Needed) -> Result<Self, Error> {
        if !needed.artifacts().any(|name| name == DESCRIPTION) {
            let what = "it kept no model: `keep_model: true` in its configuration keeps one";
            return Err(Error::other(format!("run {}", needed.id().short()), what));
        }
        serde_json::from_slice(&needed.read(DESCRIPTION)?)
            .map_err(|e| Error::Checkpoint(format!("{DESCRIPTION}: {e}")))
    }

    /// How the weights are laid out.
    pub(crate) fn layout(&self) -> Layout {
        let indices = 1 + self.vocabulary.len() + self.times;
        Shape::layout(indices, &self.params)
    }

    /// Reads the weights that a run kept.
    pub(crate) fn stored(&self, layout: &Layout, needed: &Needed) -> Result<Buffer, Error> {
        placed(layout, &needed.read(WEIGHTS)?)
    }

    /// Reads the weights among a run's artifacts.
    pub(crate) fn weights(layout: &Layout, kept: Kept<'_>) -> Result<Buffer, Error> {
        placed(layout, &kept(WEIGHTS)?)
    }
}

/// Gives the artifacts of a run by their names.
pub(crate) type Kept<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, Error>;

fn placed(layout: &Layout, file: &[u8]) -> Result<Buffer, Error> {
    let weights =
        layout.from_safetensors(file).map_err(|e| Error::Checkpoint(format!("{WEIGHTS}: {e}")))?;
    Buffer::from_slice(Device::current(), &weights)
        .map_err(|e| Error::other("placing the weights", e))
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
    pub(crate) fn open(description: Description, kept: Kept<'_>) -> Result<Self, Error> {
        let Description { params, vocabulary, times, memories, replies } = description;
        let vocabulary = Vocabulary::from_words(vocabulary, times);
        let layout = Shape::layout(vocabulary.len(), &params);
        let weights = Description::weights(&layout, kept)?;
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
