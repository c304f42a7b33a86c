//! Parameters of the experiment, with their defaults and checks.

mod choices;

use std::fmt::Display;

use experiment::ParamError;
use learn::{Averaging, Optimizer, Schedule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use choices::{Cell, Data, Language, Method, Reward, SmoothTo};

/// Parameters of the RAML experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Where the sentences come from.
    pub data: Data,
    /// Language that is translated, where the data have several.
    pub source: Language,
    /// Language that it is translated to, where the data have several.
    pub target: Language,
    /// How many of the training pairs are learned from, from the first on; `null` for all, and for 3,000
    /// strings of digits.
    pub pairs: Option<usize>,
    /// Pieces of the vocabulary that both languages share, learned by byte-pair encoding from the
    /// training pairs; `null` for whole words, which generated sentences and transcripts are made of.
    pub pieces: Option<usize>,
    /// Most pieces of a side of a training pair of texts; others are left out.
    pub longest: usize,
    /// Frames of speech that are read as one place.
    pub stack: usize,
    /// What is learned by.
    pub method: Method,
    /// The run that the configuration calls so under `needs`, whose kept model teaches with
    /// `distillation`.
    pub teacher: Option<String>,
    /// How far each number of an embedding is moved with `adversarial`.
    pub epsilon: f64,
    /// Share of the steps after which the model's own draws are learned from, with `scheduled_sampling` and
    /// `reinforce`; before, the method is maximum likelihood.
    pub own_from: f64,
    /// Share of pieces that are the model's own draws in the last step, to which it rises from 0, with
    /// `scheduled_sampling`.
    pub own: f64,
    /// Temperature of the payoff distribution that targets are drawn from; 0 for the reference itself,
    /// which is maximum likelihood.
    pub tau: f64,
    /// What the payoff of a target is.
    pub reward: Reward,
    /// Whether an edit costs `(1 + ln V) / tau`, V being the size of the vocabulary, and not `1 / tau`.
    pub rescaled: bool,
    /// Most edits of a target, where the reward is an edit distance; `null` for twice as many as the
    /// reference has pieces with `edit` and 2 with `exact_edit`.
    pub max_edits: Option<u8>,
    /// Targets that are weighed against one another where the reward is `bleu` or `ter`.
    pub candidates: usize,
    /// Temperature of the payoff by Hamming distance that they are drawn from.
    pub proposal_tau: f64,
    /// Share of the target distribution that is spread over all pieces (label smoothing).
    pub smoothing: f64,
    /// How it is spread.
    pub smooth_to: SmoothTo,
    /// Cell of the recurrent layers.
    pub cell: Cell,
    /// Units of each direction of the encoder, of the decoder and of the attention.
    pub units: usize,
    /// Length of an embedding.
    pub embedding: usize,
    /// Whether the weights of the output are the embeddings of the target's pieces; needs as many units as
    /// an embedding is long.
    pub tied: bool,
    /// Share of embeddings and of the last hidden layer that is dropped.
    pub dropout: f64,
    /// Update rule.
    pub optimizer: Optimizer,
    /// Learning rate before the schedule.
    pub learning_rate: f64,
    /// Factor on the learning rate over time.
    pub schedule: Schedule,
    /// Largest global norm of a gradient.
    pub clip: f64,
    /// Sentences a batch, of about one length.
    pub batch: usize,
    /// Passes over the training pairs.
    pub epochs: u64,
    /// Passes between evaluations.
    pub evaluate_every: u64,
    /// Which parameters are tested: an average of those at the evaluations, or where this is `null` those
    /// of the evaluation that is best on development data.
    pub average: Option<Averaging>,
    /// Hypotheses of the beam search that translates the test sentences.
    pub beam: usize,
    /// Exponent of the length that log probabilities of hypotheses are divided by.
    pub length_penalty: f64,
    /// Seed of generated sentences and of strings of digits; every seed of a run sees the same ones.
    pub data_seed: u64,
    /// Whether the trained model is kept as an artifact, for `regimen raml translate`.
    pub keep_model: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            data: Data::default(),
            source: Language::English,
            target: Language::German,
            pairs: None,
            pieces: None,
            longest: 60,
            stack: 3,
            method: Method::default(),
            teacher: None,
            epsilon: 0.02,
            own_from: 0.5,
            own: 0.25,
            tau: 0.0,
            reward: Reward::default(),
            rescaled: true,
            max_edits: None,
            candidates: 10,
            proposal_tau: 0.85,
            smoothing: 0.0,
            smooth_to: SmoothTo::default(),
            cell: Cell::default(),
            units: 64,
            embedding: 64,
            tied: false,
            dropout: 0.2,
            optimizer: Optimizer::adam(),
            learning_rate: 2e-3,
            schedule: Schedule::LinearDecay { from: 0.5 },
            clip: 1.0,
            batch: 32,
            epochs: 15,
            evaluate_every: 1,
            average: None,
            beam: 5,
            length_penalty: 1.0,
            data_seed: 0,
            keep_model: false,
        }
    }
}

impl Params {
    /// Checks every value.
    pub(crate) fn validate(&self) -> Result<(), ParamError> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let share = |value: f64| (0.0..1.0).contains(&value);
        let check = |holds, path, wanted, found: &dyn Display| {
            ParamError::check(holds, path, wanted, found)
        };
        let natural = |value: usize, path, most: usize| {
            let holds = (1..=most).contains(&value);
            ParamError::check(holds, path, &format!("1 to {most}"), value)
        };
        if let Some(pairs) = self.pairs {
            natural(pairs, "pairs", 100_000_000)?;
        }
        if let Some(pieces) = self.pieces {
            check((100..=100_000).contains(&pieces), "pieces", "100 to 100000", &pieces)?;
        }
        self.validate_data()?;
        natural(self.longest, "longest", 1000)?;
        natural(self.stack, "stack", 100)?;
        check(self.tau == 0.0 || positive(self.tau), "tau", "0 or more", &self.tau)?;
        if let Some(edits) = self.max_edits {
            check((1..=200).contains(&edits), "max_edits", "1 to 200", &edits)?;
        }
        self.validate_method()?;
        natural(self.candidates, "candidates", 10_000)?;
        check(positive(self.proposal_tau), "proposal_tau", "above 0", &self.proposal_tau)?;
        check(share(self.smoothing), "smoothing", "0 to below 1", &self.smoothing)?;
        natural(self.units, "units", 8192)?;
        natural(self.embedding, "embedding", 8192)?;
        let ties = !self.tied || self.units == self.embedding;
        check(ties, "embedding", "as many as `units`, with `tied`", &self.embedding)?;
        check(share(self.dropout), "dropout", "0 to below 1", &self.dropout)?;
        check(positive(self.learning_rate), "learning_rate", "above 0", &self.learning_rate)?;
        check(positive(self.clip), "clip", "above 0", &self.clip)?;
        natural(self.batch, "batch", 10_000)?;
        check(self.epochs >= 1, "epochs", "1 or more", &self.epochs)?;
        check(self.evaluate_every >= 1, "evaluate_every", "1 or more", &self.evaluate_every)?;
        natural(self.beam, "beam", 100)?;
        let penalty = self.length_penalty.is_finite() && self.length_penalty >= 0.0;
        check(penalty, "length_penalty", "0 or more", &self.length_penalty)?;
        if let Some(averaging) = self.average {
            let refuse = |why: String| ParamError::new("average", "an average", why);
            learn::Average::new(averaging).map_err(refuse)?;
        }
        Ok(())
    }

    /// Checks what goes with the data.
    fn validate_data(&self) -> Result<(), ParamError> {
        let Self { data, source, target, .. } = *self;
        let whole = !data.is_speech() || self.pieces.is_none();
        let wanted = "null, as transcripts are made of whole tokens";
        ParamError::check(whole, "pieces", wanted, shown(&self.pieces))?;
        let languages = data.languages();
        for (path, language) in [("source", source), ("target", target)] {
            let has = languages.is_empty() || languages.contains(&language);
            let names: Vec<String> = languages.iter().map(shown).collect();
            let wanted = format!("a language of these data: {}", names.join(", "));
            ParamError::check(has, path, &wanted, shown(&language))?;
        }
        let wanted = "another language than `source`";
        ParamError::check(source != target, "target", wanted, shown(&target))?;
        let hub = data != Data::LibreofficeHelp || [source, target].contains(&Language::English);
        ParamError::check(hub, "target", "\"en\", unless that is `source`", shown(&target))
    }

    /// Checks what goes with a method.
    fn validate_method(&self) -> Result<(), ParamError> {
        let Self { method, epsilon, own, own_from, tau, smoothing, .. } = *self;
        let check = |holds, path, wanted, found: &dyn Display| {
            ParamError::check(holds, path, wanted, found)
        };
        let distills = method == Method::Distillation;
        let wanted = "a name under `needs` with `distillation`, and null without";
        check(self.teacher.is_some() == distills, "teacher", wanted, &shown(&self.teacher))?;
        check(epsilon.is_finite() && epsilon > 0.0, "epsilon", "above 0", &epsilon)?;
        check((0.0..=1.0).contains(&own), "own", "0 to 1", &own)?;
        check((0.0..=1.0).contains(&own_from), "own_from", "0 to 1", &own_from)?;
        let likelihood = method == Method::Likelihood;
        check(likelihood || tau == 0.0, "tau", "0 unless `method` is likelihood", &tau)?;
        let wanted = "0 unless `method` is likelihood";
        check(likelihood || smoothing == 0.0, "smoothing", wanted, &smoothing)?;
        let distance = !matches!(self.reward, Reward::Hamming | Reward::ExactEdit);
        let wanted = "bleu, ter or edit with `reinforce`";
        check(method != Method::Reinforce || distance, "reward", wanted, &shown(&self.reward))
    }

    /// These with what changes nothing at its default.
    pub(crate) fn canonical(&self) -> Self {
        let (default, mut params) = (Self::default(), self.clone());
        if self.data.languages().is_empty() {
            (params.source, params.target) = (default.source, default.target);
        }
        if !self.data.is_drawn() {
            params.data_seed = default.data_seed;
        }
        if self.data.is_speech() {
            params.longest = default.longest;
        } else {
            params.stack = default.stack;
        }
        if self.method != Method::Adversarial {
            params.epsilon = default.epsilon;
        }
        if self.method != Method::ScheduledSampling {
            params.own = default.own;
            if self.method != Method::Reinforce {
                params.own_from = default.own_from;
            }
        }
        if self.tau == 0.0 {
            if self.method != Method::Reinforce {
                params.reward = default.reward;
            }
            params.rescaled = default.rescaled;
        }
        let weighed = self.tau > 0.0 && matches!(self.reward, Reward::Bleu | Reward::Ter);
        if !weighed {
            params.candidates = default.candidates;
            params.proposal_tau = default.proposal_tau;
        }
        if self.tau == 0.0 || !matches!(self.reward, Reward::Edit | Reward::ExactEdit) {
            params.max_edits = default.max_edits;
        }
        if self.smoothing == 0.0 {
            params.smooth_to = default.smooth_to;
        }
        params
    }
}

/// A value as a configuration has it.
fn shown(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("parameters serialise")
}
