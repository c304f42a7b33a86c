//! Parameters of the experiment, with their defaults and checks.

mod choices;
mod movieqa;
mod online;

use datasets::babi_dialog::{POLICY_ACCURACIES, Regime};
use experiment::ParamError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use choices::{Corrections, Data, Disguise, Learner, Negatives, NoReply};
pub use movieqa::{MovieQa, Ranked};
pub use online::Online;

/// Parameters of the dialog experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Where the stories come from.
    pub data: Data,
    /// Feedback regime, 1 to 10 (section 3).
    #[schemars(extend("oneOf" = choices::regimes()))]
    pub regime: u8,
    /// Probability that the student in the training dialogues answers correctly on purpose.
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
    /// What becomes of the replies to learn from.
    pub replies: Disguise,
    /// Training stories of generated data; `null` for 200, as many as are released.
    pub stories: Option<usize>,
    /// Learning from the model's own answers; `null` for the answers of a fixed student.
    pub online: Option<Online>,
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
    /// Whether the mean probability that the model gives to the true answers of the test questions is
    /// recorded at every evaluation, as `true_answer_probability`.
    pub record_belief: bool,
    /// Whether the trained model is kept as an artifact, for `regimen dialog ask`.
    pub keep_model: bool,
    /// The run that the configuration calls so under `needs`: its kept model answers the test questions,
    /// and nothing is trained.
    pub evaluate: Option<String>,
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
            replies: Disguise::default(),
            stories: None,
            online: None,
            init_std: 0.1,
            learning_rate: 0.01,
            decay_from: 0.75,
            clip: 40.0,
            batch: 32,
            epochs: None,
            data_seed: 0,
            record_belief: false,
            keep_model: false,
            evaluate: None,
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
        if let Some(stories) = self.stories {
            check(
                self.data == Data::Generated,
                "stories",
                "null unless data is generated",
                &stories,
            )?;
            check((1..=100_000).contains(&stories), "stories", "1 to 100000", &stories)?;
        }
        if let Some(online) = &self.online {
            online.validate()?;
            let said = self.replies == Disguise::AsSaid;
            check(said, "replies", "as_said with online", &shown(&self.replies))?;
        }
        let stories = self.evaluate.is_none() || self.data != Data::MovieQa;
        check(stories, "evaluate", "null for movieqa", &shown(&self.evaluate))?;
        match self.data {
            Data::MovieQa => self.movieqa.validate(self.batch).and_then(|()| self.babi_only()),
            Data::Released | Data::Generated => Ok(()),
        }
    }

    /// Refuses what only questions about stories have.
    fn babi_only(&self) -> Result<(), ParamError> {
        let known = matches!(
            self.corrections,
            Corrections::First | Corrections::SecondTurn | Corrections::History
        );
        let refuse =
            |holds, path, wanted, found: String| ParamError::check(holds, path, wanted, found);
        let wanted = "first, second_turn or history for movieqa";
        refuse(known, "corrections", wanted, shown(&self.corrections))?;
        let said = self.replies == Disguise::AsSaid;
        refuse(said, "replies", "as_said for movieqa", shown(&self.replies))?;
        refuse(self.online.is_none(), "online", "null for movieqa", shown(&self.online))?;
        let silent = !self.record_belief;
        refuse(silent, "record_belief", "false for movieqa", shown(&self.record_belief))
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

/// A value as a configuration has it.
fn shown(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("parameters serialise")
}
