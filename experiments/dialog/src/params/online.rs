//! Parameters of on-line learning.

use experiment::ParamError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Learning on-line: the student whose dialogues are learned from is the model being trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Online {
    /// Probability that the student answers with a place drawn uniformly and not with the answer
    /// that the model holds best.
    pub epsilon: f64,
    /// Epochs between one round of answers and the next. The first round is the student's of
    /// `policy_accuracy`.
    pub every: u64,
}

impl Default for Online {
    fn default() -> Self {
        Self { epsilon: 0.5, every: 1 }
    }
}

impl Online {
    pub(super) fn validate(&self) -> Result<(), ParamError> {
        let probability = (0.0..=1.0).contains(&self.epsilon);
        ParamError::check(probability, "online.epsilon", "a probability", self.epsilon)?;
        ParamError::check(self.every >= 1, "online.every", "1 or more", self.every)
    }
}
