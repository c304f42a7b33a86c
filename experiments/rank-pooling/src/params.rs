//! Parameters of the experiment, with their defaults and checks.

use experiment::ParamError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::choose::Choices;
use crate::encoder::Architecture;
use crate::pool::{Pooling, Rank};

/// The clips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Data {
    /// Films that are made here, whose classes differ in the order of their frames alone; every test
    /// film has its exact reversal in the test.
    #[default]
    OrderOnly,
    /// The Weizmann actions as silhouettes of 48x60, a fold for each of the nine people.
    Weizmann,
    /// Spoken digits as cepstral coefficients, in five folds.
    SpokenDigits,
    /// UCF-Sports: films of ten actions, with their colours.
    UcfSports,
    /// Hollywood2: films of any of twelve actions, with their colours.
    Hollywood2,
}

/// What is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Training {
    /// A linear classifier of pooled features; the network stays as it was drawn.
    Frozen,
    /// The network to classify single frames; then a linear classifier of its pooled features.
    Frame,
    /// Everything, through the pool.
    #[default]
    EndToEnd,
    /// Nothing, and nothing is classified: how far the vector of rank pooling moves when a test clip of the
    /// first fold loses a frame, or gets noise.
    Stability,
}

/// Parameters of the rank-pooling experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The clips.
    pub data: Data,
    /// How the frames of a clip become one vector.
    pub pooling: Pooling,
    /// What is trained.
    pub training: Training,
    /// Settings of rank pooling.
    pub rank: Rank,
    /// Settings of rank pooling that each fold chooses from on features of the untrained encoder, by
    /// splits of its own training clips; `null` for those of `rank`.
    pub choose: Option<Choices>,
    /// The run that the configuration calls so under `needs`, with `pooling: score_sum`: with `training:
    /// frame` its networks, one a fold, give the features that are pooled.
    pub encoder: Option<String>,
    /// C of the linear classifier, liblinear's.
    pub svm_c: f64,
    /// What makes features of frames.
    pub network: Architecture,
    /// Whether the convolutions of `alexnet` and `vgg16` start as they were trained on ImageNet.
    pub pretrained: bool,
    /// Features of a frame that network `small` makes.
    pub width: usize,
    /// Training films that are made.
    pub films: usize,
    /// Test films that are made, without their reversals.
    pub test_films: usize,
    /// Height and width of films that are made.
    pub side: usize,
    /// Whether films that are made have colours.
    pub colour: bool,
    /// Fewest and most frames of films that are made.
    pub frames: [usize; 2],
    /// Standard deviation of the noise of films that are made, the range of values being 1.
    pub noise: f64,
    /// Discs that stand still throughout a film that is made.
    pub still: usize,
    /// Whether each spoken digit is there backwards as well, as a class of its own.
    pub twins: bool,
    /// Every how many frames one is looked at; `null` for 3 of `weizmann`, else 1.
    pub stride: Option<usize>,
    /// Whether training sees random parts of clips, of pictures mirrored and moved; `null` for yes with
    /// `weizmann`, `ucf_sports` and `hollywood2`, else no.
    pub augment: Option<bool>,
    /// Folds, at most; `null` for all.
    pub folds: Option<usize>,
    /// Passes over the training clips.
    pub epochs: u64,
    /// Clips a batch.
    pub batch: usize,
    /// Learning rate of AdamW, which falls to zero along half a cosine.
    pub learning_rate: f64,
    /// Its decoupled weight decay, over the learning rate.
    pub decay: f64,
    /// Largest global norm of a gradient.
    pub clip: f64,
    /// Evaluations over the course of training.
    pub evaluations: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            data: Data::default(),
            pooling: Pooling::default(),
            training: Training::default(),
            rank: Rank::default(),
            choose: None,
            encoder: None,
            svm_c: 1.0,
            network: Architecture::default(),
            pretrained: true,
            width: 64,
            films: 240,
            test_films: 180,
            side: 24,
            colour: false,
            frames: [10, 16],
            noise: 0.15,
            still: 2,
            twins: false,
            stride: None,
            augment: None,
            folds: None,
            epochs: 30,
            batch: 8,
            learning_rate: 0.003,
            decay: 1e-4,
            clip: 5.0,
            evaluations: 6,
        }
    }
}

impl Params {
    /// Checks every value.
    pub(crate) fn validate(&self) -> Result<(), ParamError> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let check = |holds, path, wanted, found: &dyn std::fmt::Display| {
            ParamError::check(holds, path, wanted, found)
        };
        let Rank { c, epsilon, .. } = self.rank;
        check(positive(c), "rank.c", "above 0", &c)?;
        check(epsilon.is_finite() && epsilon >= 0.0, "rank.epsilon", "0 or more", &epsilon)?;
        check(positive(self.svm_c), "svm_c", "above 0", &self.svm_c)?;
        check((1..=4096).contains(&self.width), "width", "1 to 4096", &self.width)?;
        let counts = [("films", self.films), ("test_films", self.test_films)];
        for (path, count) in counts {
            check((6..=100_000).contains(&count), path, "6 to 100000", &count)?;
        }
        check((8..=512).contains(&self.side), "side", "8 to 512", &self.side)?;
        let [fewest, most] = self.frames;
        let frames = (1..=most).contains(&fewest) && most <= 1000;
        check(frames, "frames", "two numbers from 1 to 1000, in order", &shown(&self.frames))?;
        check((0.0..=1.0).contains(&self.noise), "noise", "0 to 1", &self.noise)?;
        check(self.still <= 100, "still", "at most 100", &self.still)?;
        let at_least_one = |count: Option<usize>| count.is_none_or(|count| count >= 1);
        check(at_least_one(self.stride), "stride", "1 or more", &shown(&self.stride))?;
        check(at_least_one(self.folds), "folds", "1 or more", &shown(&self.folds))?;
        check((1..=10_000).contains(&self.epochs), "epochs", "1 to 10000", &self.epochs)?;
        check((1..=1000).contains(&self.batch), "batch", "1 to 1000", &self.batch)?;
        check(positive(self.learning_rate), "learning_rate", "above 0", &self.learning_rate)?;
        let decay = self.decay.is_finite() && self.decay >= 0.0;
        check(decay, "decay", "0 or more", &self.decay)?;
        check(positive(self.clip), "clip", "above 0", &self.clip)?;
        let digits = self.data == Data::SpokenDigits;
        check(digits || !self.twins, "twins", "false unless data is spoken_digits", &self.twins)?;
        let colours = match self.data {
            Data::OrderOnly => self.colour,
            Data::Weizmann | Data::SpokenDigits => false,
            Data::UcfSports | Data::Hollywood2 => true,
        };
        check(
            self.network == Architecture::Small || colours,
            "network",
            "small unless frames have colours (ucf_sports, hollywood2, order_only with colour: true)",
            &shown(&self.network),
        )?;
        check(self.evaluations >= 1, "evaluations", "1 or more", &self.evaluations)?;
        self.validate_training()
    }

    /// Checks what is trained against how frames are pooled.
    fn validate_training(&self) -> Result<(), ParamError> {
        let pooling = shown(&self.pooling);
        let check =
            |holds, path, wanted, found: &str| ParamError::check(holds, path, wanted, found);
        let scores = self.pooling == Pooling::ScoreSum;
        if let Some(choices) = &self.choose {
            choices.validate()?;
        }
        if self.training != Training::EndToEnd {
            let known = self.pooling != Pooling::Lstm;
            check(known, "pooling", "not lstm unless training is end_to_end", &pooling)?;
        }
        if self.training == Training::Stability {
            let rank = self.pooling == Pooling::Rank;
            check(rank, "pooling", "rank with training stability", &pooling)?;
            check(self.choose.is_none(), "choose", "null with training stability", "some")?;
        }
        let frame = self.training == Training::Frame;
        check(frame || !scores, "pooling", "not score_sum unless training is frame", &pooling)?;
        let named = self.encoder.is_some();
        let wanted = match (frame, scores) {
            (true, false) => "the name of a run under `needs`, with training frame",
            (true, true) => "null with pooling score_sum, which trains the network",
            _ => "null unless training is frame",
        };
        check(named == (frame && !scores), "encoder", wanted, &shown(&self.encoder))
    }

    /// The same parameters, those that change nothing of what is computed at their defaults.
    pub(crate) fn identity(&self) -> Self {
        let plain = Self::default();
        let directions = self.rank.directions;
        let Rank { signed_root, normalise, .. } = self.rank;
        let rank = match self.pooling {
            Pooling::Rank if self.trains() => self.rank,
            Pooling::Rank => Rank { inverse: plain.rank.inverse, ..self.rank },
            Pooling::ApproximateRank => Rank { directions, signed_root, normalise, ..plain.rank },
            _ => plain.rank,
        };
        let released = self.network != Architecture::Small;
        let pretrained = if released { self.pretrained } else { plain.pretrained };
        let width = if released { plain.width } else { self.width };
        let choose = self.choices().cloned();
        let svm_c = if self.trains() && choose.is_none() { plain.svm_c } else { self.svm_c };
        let mut same = Self { rank, choose, svm_c, pretrained, width, ..self.clone() };
        if self.data != Data::OrderOnly {
            let Self { films, test_films, side, colour, frames, noise, still, .. } = plain.clone();
            same = Self { films, test_films, side, colour, frames, noise, still, ..same };
        }
        if !self.trains() {
            let Self { augment, epochs, learning_rate, decay, clip, evaluations, .. } = plain;
            same = Self { augment, epochs, learning_rate, decay, clip, evaluations, ..same };
        }
        same
    }

    /// Whether a clip may be of several classes.
    pub(crate) fn many(&self) -> bool {
        self.data == Data::Hollywood2
    }

    /// The settings to choose from, of pools that have some.
    pub(crate) fn choices(&self) -> Option<&Choices> {
        let ranks = matches!(self.pooling, Pooling::Rank | Pooling::ApproximateRank);
        self.choose.as_ref().filter(|_| ranks)
    }

    /// Every how many frames one is looked at.
    pub(crate) fn stride(&self) -> usize {
        self.stride.unwrap_or(if self.data == Data::Weizmann { 3 } else { 1 })
    }

    /// Whether training sees random parts of clips.
    pub(crate) fn augment(&self) -> bool {
        let filmed = [Data::Weizmann, Data::UcfSports, Data::Hollywood2];
        self.augment.unwrap_or(filmed.contains(&self.data))
    }

    /// Whether a network is trained.
    pub(crate) fn trains(&self) -> bool {
        self.training == Training::EndToEnd || self.pooling == Pooling::ScoreSum
    }
}

/// A value as a configuration has it.
fn shown(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("parameters serialise")
}
