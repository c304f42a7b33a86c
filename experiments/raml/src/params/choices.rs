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
    /// Captions of pictures.
    Multi30k,
}

/// A language of Multi30k.
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
