//! Parameters of the experiment, with the paper's values for each task.

use experiment::ParamError;
use learn::{HyperError, Schedules};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::MetaOptimizer;

/// Which of the paper's experiments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Learning rates and momenta of every step and group, and initial scales (figures 2, 3, 5).
    #[default]
    Schedules,
    /// What `schedules` is measured against: a random search for one learning rate, its decay, one
    /// momentum and one initial scale, with about as many gradients.
    Baseline,
    /// The hypergradient of the initial schedule, averaged over seeds (figure 4).
    InitialGradient,
    /// A penalty per weight (figure 6).
    L2,
    /// The training set itself (figure 7).
    Data,
    /// A scale and a shift a pixel, before learning (section 2).
    Preprocessing,
    /// Sharing between tasks (figures 8 and 9).
    Omniglot,
    /// The loss and its slope over learning rates (figure 10).
    Chaos,
    /// Three meta-iterations on a function of two weights (figure 1).
    Illustration,
    /// Reversal in floating point, which loses bits, compared with exact reversal (section 2.1).
    Naive,
}

/// How layers are shared between the tasks of Omniglot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// A learned matrix a layer.
    #[default]
    Learned,
    /// One bottom layer for all tasks, the rest for each its own.
    Tied,
    /// Nothing is shared.
    Separate,
}

/// How the reverse pass recovers earlier steps; all three give the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Trajectory {
    /// Exact reversal.
    #[default]
    Reversible,
    /// Everything is kept.
    Tape,
    /// Every `sqrt(T)`-th step is kept.
    Checkpointed,
}

impl From<Trajectory> for learn::Trajectory {
    fn from(way: Trajectory) -> Self {
        match way {
            Trajectory::Reversible => Self::Reversible,
            Trajectory::Tape => Self::Tape,
            Trajectory::Checkpointed => Self::Checkpointed,
        }
    }
}

/// What draws weights and batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Generator {
    /// NumPy's Mersenne Twister, seeded as in the authors' code: with seed 0 the published runs are
    /// run again.
    Numpy,
    /// `ChaCha8`, as in the other experiments.
    Chacha,
}

impl Generator {
    /// Schedules of row-major `[steps, groups]` arrays; momenta are rounded as in the authors' code
    /// where the draws are theirs.
    pub(crate) fn schedules(
        self,
        groups: usize,
        rates: &[f64],
        momenta: &[f64],
    ) -> Result<Schedules, HyperError> {
        match self {
            Self::Numpy => Schedules::published(groups, rates, momenta),
            Self::Chacha => Schedules::new(groups, rates, momenta),
        }
    }
}

/// The type of gradients; weights and velocities are 64-bit fixed point with either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    F32,
    /// 64 bits.
    F64,
}

/// Parameters. `null` stands for the paper's value, which depends on the task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Which of the paper's experiments.
    pub task: Task,
    /// How the reverse pass recovers earlier steps.
    pub trajectory: Trajectory,
    /// Another experiment whose training is meta-learned in place of the paper's network, for
    /// `schedules`, `baseline` and `initial-gradient`.
    pub target: Option<String>,
    /// That experiment's parameters.
    #[serde(deserialize_with = "experiment::free_form::value")]
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub target_params: serde_json::Value,
    /// Updates of the hyper-parameters.
    pub meta_iterations: Option<u64>,
    /// Step size of those updates.
    pub meta_step: Option<f64>,
    /// The share of the newest square in the second moment of their Adam, 0.01 in the paper: larger
    /// shares sooner forget an unlucky first hypergradient.
    pub meta_beta2: f64,
    /// Learning rate of every step that `schedules` starts with, and `baseline` searches around.
    pub learning_rate: Option<f64>,
    /// Draws of weights and batches that a meta-iteration of `schedules` averages over.
    pub draws: u64,
    /// Training steps of a meta-iteration.
    pub steps: Option<usize>,
    /// Examples of a training batch.
    pub batch: Option<usize>,
    /// Training examples, and as many for validation where a task validates.
    pub examples: Option<usize>,
    /// Learning rates of `chaos`; seeds of `initial-gradient`; trainings of `baseline`.
    pub points: Option<usize>,
    /// How layers are shared in `omniglot`.
    pub sharing: Sharing,
    /// What draws weights and batches: `numpy` for the paper's tasks on MNIST, else `chacha`.
    pub generator: Option<Generator>,
    /// The type of gradients: that of the authors' code, `f64`, with `numpy`, else `f32`.
    pub precision: Option<Precision>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            task: Task::default(),
            trajectory: Trajectory::default(),
            target: None,
            target_params: serde_json::json!({}),
            meta_iterations: None,
            meta_step: None,
            meta_beta2: 0.01,
            learning_rate: None,
            draws: 1,
            steps: None,
            batch: None,
            examples: None,
            points: None,
            sharing: Sharing::default(),
            generator: None,
            precision: None,
        }
    }
}

/// What a task does where the parameters say nothing.
struct Paper {
    meta_iterations: u64,
    meta_step: f64,
    steps: usize,
    batch: usize,
    examples: usize,
    points: usize,
}

impl Task {
    /// Whether the objective is read off validation digits.
    pub(crate) fn validates(self) -> bool {
        matches!(self, Self::L2 | Self::Data | Self::Preprocessing)
    }

    fn paper(self) -> Paper {
        let schedules = Paper {
            meta_iterations: 50,
            meta_step: 0.04,
            steps: 100,
            batch: 200,
            examples: 10_000,
            points: 1,
        };
        match self {
            Self::Schedules => schedules,
            Self::Baseline => Paper { meta_iterations: 0, points: 204, ..schedules },
            Self::Preprocessing => Paper { steps: 50, ..schedules },
            Self::InitialGradient => Paper { meta_iterations: 0, points: 100, ..schedules },
            Self::L2 => Paper { meta_step: 1000.0, steps: 50, ..schedules },
            Self::Data => {
                Paper { meta_iterations: 40, meta_step: 1.0, steps: 20, batch: 10, ..schedules }
            }
            Self::Omniglot => Paper { meta_iterations: 20, meta_step: 0.2, steps: 50, ..schedules },
            Self::Chaos => Paper {
                meta_iterations: 0,
                steps: 50,
                batch: 250,
                examples: 1_000,
                points: 1_000,
                ..schedules
            },
            Self::Illustration => {
                Paper { meta_iterations: 2, meta_step: 0.01, steps: 50, ..schedules }
            }
            Self::Naive => Paper { meta_iterations: 0, steps: 46, ..schedules },
        }
    }
}

impl Params {
    /// Checks every value.
    pub(crate) fn validate(&self) -> Result<(), ParamError> {
        let check = |holds, path, wanted, found: &dyn std::fmt::Display| {
            ParamError::check(holds, path, wanted, found)
        };
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let step = self.meta_step();
        check(positive(step), "meta_step", "above 0", &step)?;
        let beta2 = self.meta_beta2;
        check(beta2 > 0.0 && beta2 <= 1.0, "meta_beta2", "above 0, at most 1", &beta2)?;
        let rate = self.log_rate().exp();
        check(positive(rate), "learning_rate", "above 0", &rate)?;
        self.validate_target()?;
        let numpy = self.generator == Some(Generator::Numpy);
        check(self.published() || !numpy, "generator", "chacha for this task", &"numpy")?;
        check((1..=1_000).contains(&self.draws), "draws", "1 to 1000", &self.draws)?;
        let (steps, batch, examples) = (self.steps(), self.batch(), self.examples());
        check((1..=1_000_000).contains(&steps), "steps", "1 to 1000000", &steps)?;
        check((1..=60_000).contains(&batch), "batch", "1 to 60000", &batch)?;
        // MNIST has 60,000 digits for training, and validation takes as many as training.
        let (most, wanted) = match self.task.validates() {
            true => (30_000, "10 to 30000"),
            false => (60_000, "10 to 60000"),
        };
        check((10..=most).contains(&examples), "examples", wanted, &examples)?;
        check(batch <= examples, "batch", "at most as many as examples", &batch)?;
        check((1..=1_000_000).contains(&self.points()), "points", "1 to 1000000", &self.points())
    }

    fn validate_target(&self) -> Result<(), ParamError> {
        let found = self.target_params.to_string();
        ParamError::check(self.target_params.is_object(), "target_params", "a mapping", &found)?;
        let Some(target) = &self.target else {
            let empty = self.target_params == serde_json::json!({});
            return ParamError::check(empty, "target_params", "none without a target", &found);
        };
        let fits = matches!(self.task, Task::Schedules | Task::Baseline | Task::InitialGradient);
        let wanted = "none for this task";
        ParamError::check(fits, "target", wanted, target)?;
        let given = self.batch.map(|_| "batch").or(self.examples.map(|_| "examples"));
        let path = given.unwrap_or_default();
        ParamError::check(given.is_none(), path, "it in target_params", "it beside a target")
    }

    /// Whether the authors' code has this task, on data that can be had.
    fn published(&self) -> bool {
        use Task::{Chaos, Data, InitialGradient, L2, Schedules};
        let tasks = [Schedules, InitialGradient, L2, Data, Chaos];
        self.target.is_none() && tasks.contains(&self.task)
    }

    pub(crate) fn generator(&self) -> Generator {
        let usual = if self.published() { Generator::Numpy } else { Generator::Chacha };
        self.generator.unwrap_or(usual)
    }

    pub(crate) fn precision(&self) -> Precision {
        self.precision.unwrap_or(match self.generator() {
            Generator::Numpy => Precision::F64,
            Generator::Chacha => Precision::F32,
        })
    }

    /// Schedules of one learning rate and one momentum.
    pub(crate) fn constant(
        &self,
        groups: usize,
        rate: f64,
        momentum: f64,
    ) -> Result<Schedules, HyperError> {
        let count = self.steps() * groups;
        self.generator().schedules(groups, &vec![rate; count], &vec![momentum; count])
    }

    /// Logarithm of the first learning rate.
    pub(crate) fn log_rate(&self) -> f64 {
        self.learning_rate.map_or(-1.0, f64::ln)
    }

    pub(crate) fn meta_iterations(&self) -> u64 {
        self.meta_iterations.unwrap_or(self.task.paper().meta_iterations)
    }

    pub(crate) fn meta_step(&self) -> f64 {
        self.meta_step.unwrap_or(self.task.paper().meta_step)
    }

    pub(crate) fn adam(&self) -> MetaOptimizer {
        MetaOptimizer::Adam { step: self.meta_step(), beta2: self.meta_beta2 }
    }

    pub(crate) fn steps(&self) -> usize {
        self.steps.unwrap_or(self.task.paper().steps)
    }

    pub(crate) fn batch(&self) -> usize {
        self.batch.unwrap_or(self.task.paper().batch)
    }

    pub(crate) fn examples(&self) -> usize {
        self.examples.unwrap_or(self.task.paper().examples)
    }

    pub(crate) fn points(&self) -> usize {
        self.points.unwrap_or(self.task.paper().points)
    }
}
