//! Parameters that apply to MovieQA only.

use experiment::ParamError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which entities can be an answer when a model of MovieQA is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ranked {
    /// Every entity but the one asked about.
    #[default]
    All,
    /// Those among the facts retrieved, as in the released code.
    Retrieved,
}

/// Settings that only MovieQA has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MovieQa {
    /// Most facts retrieved for a question; of more, evenly spaced ones are taken.
    pub memories: usize,
    /// Most words of a fact: the movie, the relation and the first objects.
    pub memory_words: usize,
    /// Candidate answers of a training batch: those given, some of the entities retrieved, and
    /// others drawn uniformly.
    pub candidates: usize,
    /// Most entities among a question's facts that become candidates in training.
    pub retrieved_candidates: usize,
    /// Candidate replies of a training batch: those of the batch, and others drawn from the distinct
    /// replies of the training set.
    pub replies: usize,
    /// Which entities can be an answer when a model is judged.
    pub ranked: Ranked,
    /// Which entities can be an answer, besides the one given, in training.
    pub competing: Ranked,
    /// Training questions, evenly spaced among all; `null` for all.
    pub questions: Option<usize>,
    /// Development questions that choose among epochs.
    pub dev_questions: usize,
}

impl Default for MovieQa {
    fn default() -> Self {
        Self {
            memories: 20,
            memory_words: 8,
            candidates: 512,
            retrieved_candidates: 10,
            replies: 256,
            ranked: Ranked::default(),
            competing: Ranked::default(),
            questions: None,
            dev_questions: 2000,
        }
    }
}

impl MovieQa {
    pub(super) fn validate(&self, batch: usize) -> Result<(), ParamError> {
        let check =
            |holds, path, wanted: &str, found: usize| ParamError::check(holds, path, wanted, found);
        let some = |value| (1..=1000).contains(&value);
        check(some(self.memories), "movieqa.memories", "1 to 1000", self.memories)?;
        let words = self.memory_words;
        check((3..=1000).contains(&words), "movieqa.memory_words", "3 to 1000", words)?;
        let least = batch * (1 + self.retrieved_candidates);
        let wanted =
            format!("at least {least}, a given and the retrieved ones for each of a batch");
        let enough = (least..=1_000_000).contains(&self.candidates);
        check(enough, "movieqa.candidates", &wanted, self.candidates)?;
        let replies = (batch..=100_000).contains(&self.replies);
        check(
            replies,
            "movieqa.replies",
            &format!("at least {batch}, one a question"),
            self.replies,
        )?;
        let questions = self.questions.unwrap_or(batch);
        check(questions >= batch, "movieqa.questions", &format!("at least {batch}"), questions)?;
        check(self.dev_questions >= 1, "movieqa.dev_questions", "1 or more", self.dev_questions)
    }
}
