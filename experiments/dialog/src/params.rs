use datasets::babi_dialog::{POLICY_ACCURACIES, Regime};
use experiment::ParamError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
}

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
            dev_questions: 2000,
        }
    }
}

impl MovieQa {
    fn validate(&self, batch: usize) -> Result<(), ParamError> {
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
        check(self.dev_questions >= 1, "movieqa.dev_questions", "1 or more", self.dev_questions)
    }
}

/// Parameters of the dialog experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Where the stories come from.
    pub data: Data,
    /// Feedback regime, 1 to 10 (section 3).
    pub regime: u8,
    /// Probability that the student whose dialogues are learned from answers on purpose correctly.
    pub policy_accuracy: f64,
    /// What the learner does with a dialogue.
    pub learner: Learner,
    /// Length of an embedding.
    pub dimension: usize,
    /// Number of attention hops; `null` for 3 with imitation and rbi, 1 with fp, 2 with rbi+fp.
    pub hops: Option<usize>,
    /// Whether a memory carries a token that tells its distance from the question.
    pub time_features: bool,
    /// Whether the teacher's replies are remembered like statements.
    pub replies_in_memory: bool,
    /// Whether forward prediction marks the answer that was given with the vector beta*.
    pub beta: bool,
    /// Weight of the forward-prediction loss beside reward-based imitation.
    pub fp_weight: f64,
    /// Number of replies that compete with the true one.
    pub negative_count: usize,
    /// How they are drawn.
    pub negatives: Negatives,
    /// What is predicted where the teacher says nothing.
    pub no_reply: NoReply,
    /// How regimes 9 and 10 are read.
    pub corrections: Corrections,
    /// Standard deviation of the initial embeddings.
    pub init_std: f64,
    /// Learning rate of plain gradient descent on the loss summed over a batch.
    pub learning_rate: f64,
    /// Fraction of the steps after which the learning rate falls linearly to 0; 1 for never.
    pub decay_from: f64,
    /// Largest global norm of a gradient.
    pub clip: f64,
    /// Questions a batch, drawn with replacement.
    pub batch: usize,
    /// Number of epochs of `training questions / batch` steps; `null` for 60, and for 80 with fp in
    /// regimes 2, 8, 9 and 10, where learning sits on a plateau first.
    pub epochs: Option<u64>,
    /// Seed of generated stories and exchanges; every seed of a run sees the same ones.
    pub data_seed: u64,
    /// Whether the trained model is kept as an artifact, for `regimen dialog ask`.
    pub keep_model: bool,
    /// Settings that only MovieQA has.
    pub movieqa: MovieQa,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            data: Data::default(),
            regime: 1,
            policy_accuracy: 0.5,
            learner: Learner::default(),
            dimension: 20,
            hops: None,
            time_features: true,
            replies_in_memory: true,
            beta: true,
            fp_weight: 0.3,
            negative_count: 5,
            negatives: Negatives::default(),
            no_reply: NoReply::default(),
            corrections: Corrections::default(),
            init_std: 0.1,
            learning_rate: 0.01,
            decay_from: 0.75,
            clip: 40.0,
            batch: 32,
            epochs: None,
            data_seed: 0,
            keep_model: false,
            movieqa: MovieQa::default(),
        }
    }
}

impl Params {
    /// Checks every value.
    pub(crate) fn validate(&self) -> Result<(), ParamError> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let unit = |value: f64| (0.0..=1.0).contains(&value);
        let check = |holds, path, wanted, found: &dyn std::fmt::Display| {
            ParamError::check(holds, path, wanted, found)
        };
        check(Regime::from_number(self.regime).is_some(), "regime", "1 to 10", &self.regime)?;
        let accuracy = self.policy_accuracy;
        check(unit(accuracy), "policy_accuracy", "a probability", &accuracy)?;
        if self.data == Data::Released {
            let known = POLICY_ACCURACIES.contains(&accuracy);
            check(known, "policy_accuracy", "0.5, 0.1 or 0.01 for released data", &accuracy)?;
        }
        let weight = self.fp_weight.is_finite() && self.fp_weight >= 0.0;
        check((1..=4096).contains(&self.dimension), "dimension", "1 to 4096", &self.dimension)?;
        check(self.hops() <= 16, "hops", "at most 16", &self.hops())?;
        let count = self.negative_count;
        check((1..=1000).contains(&count), "negative_count", "1 to 1000", &count)?;
        check(weight, "fp_weight", "0 or more", &self.fp_weight)?;
        check(positive(self.init_std), "init_std", "above 0", &self.init_std)?;
        check(positive(self.learning_rate), "learning_rate", "above 0", &self.learning_rate)?;
        check(unit(self.decay_from), "decay_from", "0 to 1", &self.decay_from)?;
        check(positive(self.clip), "clip", "above 0", &self.clip)?;
        check((1..=1000).contains(&self.batch), "batch", "1 to 1000", &self.batch)?;
        check(self.epochs() >= 1, "epochs", "1 or more", &self.epochs())?;
        match self.data {
            Data::MovieQa => self.movieqa.validate(self.batch),
            Data::Released | Data::Generated => Ok(()),
        }
    }

    /// Number of hops, by learner where it is not given.
    pub(crate) fn hops(&self) -> usize {
        self.hops.unwrap_or(match self.learner {
            Learner::Imitation | Learner::Rbi => 3,
            Learner::Fp => 1,
            Learner::RbiFp => 2,
        })
    }

    /// Number of epochs, by learner and regime where it is not given.
    pub(crate) fn epochs(&self) -> u64 {
        let plateau = self.learner == Learner::Fp && matches!(self.regime, 2 | 8 | 9 | 10);
        self.epochs.unwrap_or(if plateau { 80 } else { 60 })
    }

    /// The regime; parameters were validated.
    pub(crate) fn regime(&self) -> Regime {
        Regime::from_number(self.regime).expect("a validated regime")
    }
}
