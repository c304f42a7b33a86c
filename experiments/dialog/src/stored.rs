use std::fs;
use std::path::Path;

use autodiff::{Buffer, Device};
use datasets::babi_dialog::PLACES;
use experiment::{Error, Run};
use learn::{Layout, Objective};
use serde::{Deserialize, Serialize};

use crate::examples::{Example, encode_memories};
use crate::judge::Judge;
use crate::model::Shape;
use crate::params::Params;
use crate::task::DialogTask;
use crate::text::{Vocabulary, words};

const WEIGHTS: &str = "model.safetensors";
const DESCRIPTION: &str = "model.json";

/// What a stored model is, beside its weights.
#[derive(Serialize, Deserialize)]
struct Description {
    params: Params,
    vocabulary: Vec<String>,
    times: usize,
    memories: usize,
}

/// Keeps a trained model as two artifacts of the run.
pub(crate) fn keep(
    task: &DialogTask,
    params: &Params,
    weights: &[f32],
    run: &mut Run<'_>,
) -> Result<(), Error> {
    let description = Description {
        params: params.clone(),
        vocabulary: task.vocabulary().words().to_vec(),
        times: task.vocabulary().times(),
        memories: task.shape().memories,
    };
    let text = serde_json::to_string_pretty(&description)
        .map_err(|e| Error::other("describing the model", e))?;
    let file = task
        .layout()
        .to_safetensors(weights)
        .map_err(|e| Error::other("laying out the model", e))?;
    run.artifact(DESCRIPTION, text.as_bytes())?;
    run.artifact(WEIGHTS, &file)
}

/// A stored model that answers questions about lines it was told.
pub(crate) struct StoredModel {
    params: Params,
    vocabulary: Vocabulary,
    shape: Shape,
    layout: Layout,
    weights: Buffer,
    said: Vec<String>,
}

/// Words a told line or a question may have.
const LONGEST_LINE: usize = 32;

impl StoredModel {
    /// Opens the artifacts of a run.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(|e| Error::other(format!("reading {}", path.display()), e))
        };
        let description: Description = serde_json::from_slice(&read(DESCRIPTION)?)
            .map_err(|e| Error::Checkpoint(format!("{DESCRIPTION}: {e}")))?;
        let Description { params, vocabulary, times, memories } = description;
        let vocabulary = Vocabulary::from_words(vocabulary, times);
        let layout = Shape::layout(vocabulary.len(), &params);
        let weights = layout
            .from_safetensors(&read(WEIGHTS)?)
            .map_err(|e| Error::Checkpoint(format!("{WEIGHTS}: {e}")))?;
        let shape = Shape {
            memories,
            memory_words: LONGEST_LINE,
            question_words: LONGEST_LINE,
            hops: params.hops(),
        };
        let weights = Buffer::from_slice(Device::cpu(), &weights);
        Ok(Self { params, vocabulary, shape, layout, weights, said: Vec::new() })
    }

    /// Remembers a line.
    ///
    /// # Errors
    /// A line with a word the model never saw, or too long a line.
    pub(crate) fn tell(&mut self, line: &str) -> Result<(), Error> {
        self.check(line)?;
        self.said.push(line.to_owned());
        Ok(())
    }

    /// Forgets what was told.
    pub(crate) fn forget(&mut self) {
        self.said.clear();
    }

    /// Answers a question from the newest lines that fit into memory.
    ///
    /// # Errors
    /// As [`tell`](Self::tell).
    pub(crate) fn ask(&mut self, question: &str) -> Result<&'static str, Error> {
        self.check(question)?;
        let oldest = self.said.len().saturating_sub(self.shape.memories);
        let said: Vec<&str> = self.said[oldest..].iter().map(String::as_str).collect();
        let example = Example {
            memories: encode_memories(&said, &self.vocabulary, self.params.time_features),
            question: self.vocabulary.encode(question),
            answer: Some(0),
            rewarded: false,
            reply: None,
        };
        let failed = |e| Error::other("answering", e);
        let mut judge =
            Judge::new(&self.layout, &self.vocabulary, self.shape.clone()).map_err(failed)?;
        let mut questions = judge.questions(&[example]);
        let answers = judge.answer(&mut self.weights, &mut questions).map_err(failed)?;
        Ok(PLACES[answers[0] as usize])
    }

    fn check(&self, line: &str) -> Result<(), Error> {
        let unknown = words(line).find(|word| self.vocabulary.words().binary_search(word).is_err());
        if let Some(word) = unknown {
            return Err(Error::Checkpoint(format!("the model never saw the word {word:?}")));
        }
        if words(line).count() >= LONGEST_LINE {
            return Err(Error::Checkpoint(format!(
                "wanted fewer than {LONGEST_LINE} words a line"
            )));
        }
        Ok(())
    }
}
