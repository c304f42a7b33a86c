//! Parameters with a fixed set of values: data, learner, negatives, corrections, disguise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where the stories come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Data {
    /// The released files of bAbI task 1.
    Released,
    /// Stories drawn by the rules measured in the released files.
    #[default]
    Generated,
    /// Questions about the released MovieQA knowledge base.
    MovieQa,
}

/// What the learner does with a dialogue (section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Learner {
    /// Imitates every answer, right or wrong.
    #[default]
    Imitation,
    /// Reward-based imitation: imitates rewarded answers only.
    Rbi,
    /// Forward prediction: predicts the teacher's reply.
    Fp,
    /// Both losses on shared weights.
    #[serde(rename = "rbi+fp")]
    RbiFp,
}

impl Learner {
    /// Whether answers are imitated.
    pub(crate) fn imitates(self) -> bool {
        self != Self::Fp
    }

    /// Whether only rewarded answers are imitated.
    pub(crate) fn needs_reward(self) -> bool {
        matches!(self, Self::Rbi | Self::RbiFp)
    }

    /// Whether replies are predicted.
    pub(crate) fn predicts(self) -> bool {
        matches!(self, Self::Fp | Self::RbiFp)
    }
}

/// How the replies that compete with the true one are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Negatives {
    /// Uniformly from the distinct replies of the training set, the true one left out.
    #[default]
    Distinct,
    /// Uniformly from all replies of the training set, repeats and the true text included, as in
    /// the released code.
    Pooled,
}

/// What is predicted where the teacher says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoReply {
    /// Nothing: the turn has no forward-prediction term.
    #[default]
    Skip,
    /// The next line of the story, as in the released code.
    NextLine,
}

/// How the two-step corrections of regimes 9 and 10 are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Corrections {
    /// The teacher's first reply is predicted; the help that follows is remembered.
    #[default]
    First,
    /// In addition the first reply is a question of its own whose reply is the help, without a
    /// chosen answer, as in the released code.
    SecondTurn,
    /// In addition the help is predicted from the question followed by the first reply.
    History,
    /// The help is predicted in place of the first reply, as the reply to the answer given.
    Help,
    /// The first reply and the help are both predicted, each as the reply to the answer given.
    Both,
}

/// What becomes of the teacher's replies before anything is learned from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disguise {
    /// Nothing.
    #[default]
    AsSaid,
    /// They are dealt out again over the questions that have one; rewards stay where they are.
    Shuffled,
    /// Those that say right are replaced with ones that say wrong and the other way round; a `No`
    /// or `Yes` before a comma becomes the other.
    Swapped,
    /// Each text is replaced with a word of its own that occurs nowhere else.
    Tokens,
    /// Places are struck out of them.
    AnswerRemoved,
}

/// The regimes by their numbers, for the schema: what the teacher does.
pub(super) fn regimes() -> Vec<Value> {
    [
        "every answer is right and rewarded; nobody replies",
        "the reply says right, with reward, or wrong",
        "a wrong answer is told the right one",
        "a wrong answer is told whether the right one is upstairs, downstairs or outside",
        "a wrong answer is told the statement that holds the right one",
        "as 3, but half of the right answers get no reward",
        "as 3, but nothing is ever rewarded",
        "half of the turns as 1, half as 2",
        "after a wrong answer the student asks, and is told the right one",
        "after a wrong answer the student asks, and is told the statement that holds the right one",
    ]
    .into_iter()
    .zip(1..)
    .map(|(description, number): (&str, u8)| json!({"const": number, "description": description}))
    .collect()
}
