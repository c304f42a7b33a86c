//! Parameters with a fixed set of values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where sentences come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Data {
    /// Sentences of a small made-up language, to be translated to another one.
    #[default]
    Generated,
    /// Captions of pictures: English, German and French.
    Multi30k,
    /// Paragraphs of LibreOffice's help: English beside German or French.
    LibreofficeHelp,
    /// Talks, German and English, that the user brings.
    Iwslt14,
    /// News and proceedings, English and French, that the user brings.
    Wmt14,
    /// Strings of joined spoken digits, to be transcribed.
    SpokenDigits,
    /// Read speech, to be transcribed as phones, that the user brings.
    Timit,
}

impl Data {
    /// Whether it is recordings with transcripts.
    pub(crate) fn is_speech(self) -> bool {
        matches!(self, Self::SpokenDigits | Self::Timit)
    }

    /// Whether sentences or strings are drawn from `data_seed`.
    pub(crate) fn is_drawn(self) -> bool {
        matches!(self, Self::Generated | Self::SpokenDigits)
    }

    /// The languages that it has; the first is in every pair where not all go with each other.
    pub(crate) fn languages(self) -> &'static [Language] {
        use Language::{English, French, German};
        match self {
            Self::Multi30k | Self::LibreofficeHelp => &[English, German, French],
            Self::Iwslt14 => &[German, English],
            Self::Wmt14 => &[English, French],
            Self::Generated | Self::SpokenDigits | Self::Timit => &[],
        }
    }
}

/// A language of translations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Language {
    /// English.
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
    /// French.
    #[serde(rename = "fr")]
    French,
}

impl Language {
    /// Its code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
        }
    }
}

/// What a target is rewarded by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reward {
    /// Minus the number of places where it differs from the reference, both being of one length.
    #[default]
    Hamming,
    /// Minus the edit distance, with the paper's count of sequences at a distance.
    Edit,
    /// Minus the edit distance, with the exact count; for few edits.
    ExactEdit,
    /// Sentence BLEU, from 0 to 1.
    Bleu,
    /// Minus the translation edit rate.
    Ter,
}

/// What is learned by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The likelihood of targets: of the reference, or of draws around it where `tau` is above 0.
    #[default]
    Likelihood,
    /// Cross-entropy to what a trained model, `teacher`, expects after each beginning of the reference.
    Distillation,
    /// The likelihood of the reference, half of it with embeddings moved by `epsilon` along the sign of
    /// the loss's gradient (Goodfellow et al. 2015, section 4).
    Adversarial,
    /// The likelihood of the reference where some of the pieces before are the model's own draws
    /// (Bengio et al. 2015).
    ScheduledSampling,
    /// The expected reward of the model's own draws, less the mean reward of the batch (Williams 1992).
    Reinforce,
}

/// How label smoothing spreads its share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SmoothTo {
    /// Evenly.
    #[default]
    Uniform,
    /// As often as the training targets have each piece.
    Unigram,
}

/// The cell of recurrent layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// Long short-term memory.
    #[default]
    Lstm,
    /// Gated recurrent unit.
    Gru,
}
