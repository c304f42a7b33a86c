//! Parameters.

mod identity;
mod objective;
mod validate;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::colour::Colour;
use crate::descent::Optimizer;
use crate::losses::Constants;
use crate::vgg::{Architecture, Pool};
use crate::weights::Inputs;

/// What is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The content in the style (figures 2 and 3).
    #[default]
    Transfer,
    /// The content from its features alone (figure 1, below).
    Content,
    /// A picture of the style from its Gram matrices alone (figure 1, above).
    Style,
}

/// Where the descent begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// White noise, by the run's seed.
    #[default]
    Noise,
    /// The content.
    Content,
    /// The first style.
    Style,
}

/// Over which pictures filters are brought to a mean activation of 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Normalise {
    /// None: the weights are as they came.
    None,
    /// The run's own content and styles, at 256 pixels whatever the size of the run: in a smaller picture
    /// many filters of the deep layers never answer.
    #[default]
    Own,
    /// The seven pictures of the data set `art` at 256 pixels, always the same.
    Art,
    /// Eight pictures of discs that cover each other, always the same.
    Leaves,
}

/// Parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// What is made.
    pub kind: Kind,
    /// The content: the path of a file, or `art:NAME` for one of the data set `art`.
    pub content: String,
    /// The styles, named as the content is.
    pub style: Vec<String>,
    /// Share of each style; equal where there are none.
    pub shares: Vec<f64>,
    /// Pixels of the longer side, of the content and of the picture that is made.
    pub size: usize,
    /// Longer side of the styles, as a share of `size`.
    pub style_scale: f64,
    /// The network: the paper's is VGG-19.
    pub network: Architecture,
    /// Its weights: `imagenet` (the data set `vgg16`), `untrained`, or the path of a file.
    pub weights: String,
    /// What a file of weights wants of a picture.
    pub inputs: Inputs,
    /// What stands between blocks of convolutions.
    pub pooling: Pool,
    /// Over which pictures filters are brought to a mean activation of 1.
    pub normalise: Normalise,
    /// Constants of the losses.
    pub constants: Constants,
    /// Layers whose features are those of the content.
    pub content_layers: Vec<String>,
    /// Layers whose Gram matrices are those of the style.
    pub style_layers: Vec<String>,
    /// Weight of each layer of style, `w_l`; one over their number where there are none.
    pub style_weights: Vec<f64>,
    /// alpha over beta: weight of the content where that of the style is 1.
    pub ratio: f64,
    /// Weight of half the squared differences between neighbours.
    pub variation: f64,
    /// How the picture is changed.
    pub optimizer: Optimizer,
    /// Steps that L-BFGS remembers.
    pub history: usize,
    /// Step size of Adam, in steps of colour from 0 to 255.
    pub learning_rate: f64,
    /// Evaluations of loss and gradient, over all sizes.
    pub evaluations: u64,
    /// Where the descent begins.
    pub start: Start,
    /// Standard deviation of noise at the start, in steps of colour from 0 to 255. Much of it would stay in
    /// the picture: features see little of what changes from pixel to pixel.
    pub noise: f64,
    /// Sizes that are gone through from coarse to fine, each twice the one before.
    pub scales: usize,
    /// What becomes of colours.
    pub colour: Colour,
    /// Whether layers are computed again in the backward pass, a band of rows after the other, in place of
    /// being kept: a third more work in a fraction of the memory.
    pub recompute: bool,
    /// Evaluations between values of the curves.
    pub record_every: u64,
}

impl Default for Params {
    fn default() -> Self {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            kind: Kind::Transfer,
            content: "art:astronaut.png".into(),
            style: names(&["art:starry_night.jpg"]),
            shares: Vec::new(),
            size: 256,
            style_scale: 1.0,
            network: Architecture::Vgg16,
            weights: "imagenet".into(),
            inputs: Inputs::Torchvision,
            pooling: Pool::Average,
            normalise: Normalise::Own,
            constants: Constants::Gatys,
            content_layers: names(&["conv4_2"]),
            style_layers: names(&STYLE),
            style_weights: Vec::new(),
            ratio: 1e-7,
            variation: 0.0,
            optimizer: Optimizer::Lbfgs,
            history: 10,
            learning_rate: 5.0,
            evaluations: 500,
            start: Start::Noise,
            noise: 1.0,
            scales: 1,
            colour: Colour::Style,
            recompute: false,
            record_every: 10,
        }
    }
}

/// The paper's layers of style.
const STYLE: [&str; 5] = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"];
/// The data set of pictures, and what their names begin with.
pub(crate) const ART: &str = "art";
pub(crate) const ART_PREFIX: &str = "art:";

#[cfg(test)]
mod tests;
