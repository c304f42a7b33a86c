//! Regimes, splits, stories and turns.

use serde::{Deserialize, Serialize};

/// How the teacher supervises: the ten kinds of feedback of the paper's section 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Regime {
    /// Every answer is right and rewarded; nobody replies.
    ImitatingExpert = 1,
    /// The reply says right, with reward, or wrong.
    PositiveNegative,
    /// A wrong answer is told the right one.
    AnswersSupplied,
    /// A wrong answer is told whether the right one is upstairs, downstairs or outside.
    Hints,
    /// A wrong answer is told the statement that holds the right one.
    SupportingFacts,
    /// As [`Regime::AnswersSupplied`], but half of the right answers get no reward.
    PartialRewards,
    /// As [`Regime::AnswersSupplied`], but nothing is ever rewarded.
    NoFeedback,
    /// Half of the turns as [`Regime::ImitatingExpert`], half as [`Regime::PositiveNegative`].
    ImitationMixture,
    /// After a wrong answer the student asks, and is told the right one.
    AskForAnswer,
    /// After a wrong answer the student asks, and is told the statement that holds the right one.
    AskForSupportingFact,
}

impl Regime {
    /// The regimes in the paper's order.
    pub const ALL: [Self; 10] = [
        Self::ImitatingExpert,
        Self::PositiveNegative,
        Self::AnswersSupplied,
        Self::Hints,
        Self::SupportingFacts,
        Self::PartialRewards,
        Self::NoFeedback,
        Self::ImitationMixture,
        Self::AskForAnswer,
        Self::AskForSupportingFact,
    ];

    /// The paper's number, 1 to 10.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The regime with the paper's `number`.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|regime| regime.number() == number)
    }

    /// The regime's part of a released file's name.
    pub fn code(self) -> &'static str {
        match self {
            Self::ImitatingExpert => "rl1_pure_imitation",
            Self::PositiveNegative => "rl2_pos_neg",
            Self::AnswersSupplied => "rl3_with_ans",
            Self::Hints => "rl4_with_hints",
            Self::SupportingFacts => "rl5_told_sf",
            Self::PartialRewards => "rl6_only_some_rewards",
            Self::NoFeedback => "rl7_no_feedback",
            Self::ImitationMixture => "rl8_imitation_plus_rl",
            Self::AskForAnswer => "rl9_ask_for_answer",
            Self::AskForSupportingFact => "rl10_ask_for_sf",
        }
    }
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// To learn from: the answers are the student's.
    Train,
    /// To choose by: every answer is right.
    Dev,
    /// To judge by: every answer is right.
    Test,
}

impl Split {
    /// The splits, train first.
    pub const ALL: [Self; 3] = [Self::Train, Self::Dev, Self::Test];

    /// The split's part of a released file's name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Test => "test",
        }
    }
}

/// A conversation about one sequence of moves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Story {
    /// What happens between one question and the next, in order.
    pub turns: Vec<Turn>,
}

/// Some statements, a question, the student's answer and what the teacher makes of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Turn {
    /// What is said before the question: `Mary moved to the bathroom.`
    pub statements: Vec<String>,
    /// The teacher's question: `Where is Mary?`
    pub question: String,
    /// The student's answer, which may be wrong.
    pub answer: String,
    /// Whether the question's own line carries reward 1; then nobody replies.
    pub question_reward: bool,
    /// The teacher's reply: there exactly when `question_reward` is false.
    pub reply: Option<Reply>,
}

/// What the teacher says to an answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The words.
    pub text: String,
    /// Whether they come with reward 1.
    pub reward: bool,
    /// What the student asks for next, if anything.
    pub request: Option<Request>,
}

/// The student's request for help, and the help.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// The student's words, in the released files always [`super::REQUEST`].
    pub text: String,
    /// The teacher's words.
    pub help: String,
}

#[cfg(test)]
mod tests {
    use super::Regime;

    #[test]
    fn numbers_and_codes_agree() {
        for (regime, number) in Regime::ALL.into_iter().zip(1..) {
            assert_eq!(regime.number(), number);
            assert_eq!(Regime::from_number(number), Some(regime));
            assert!(regime.code().starts_with(&format!("rl{number}_")), "{}", regime.code());
        }
        assert_eq!([Regime::from_number(0), Regime::from_number(11)], [None, None]);
    }
}
