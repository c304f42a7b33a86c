//! Parameters, and what is wrong with impossible ones.

use experiment::{DataRef, ParamError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::colour::Colour;
use crate::descent::Optimizer;
use crate::losses::{Constants, Layered, Objective};
use crate::picture::{LARGEST, SMALLEST};
use crate::vgg::{Architecture, Pool, Vgg};
use crate::weights::{Inputs, Source};

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
    /// The run's own content and styles.
    #[default]
    Own,
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
    /// Standard deviation of noise at the start.
    pub noise: f64,
    /// Sizes that are gone through from coarse to fine, each twice the one before.
    pub scales: usize,
    /// What becomes of colours.
    pub colour: Colour,
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
            ratio: 1e-3,
            variation: 0.0,
            optimizer: Optimizer::Lbfgs,
            history: 10,
            learning_rate: 5.0,
            evaluations: 500,
            start: Start::Noise,
            noise: 20.0,
            scales: 1,
            colour: Colour::Style,
            record_every: 10,
        }
    }
}

/// The paper's layers of style.
const STYLE: [&str; 5] = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"];
/// The data set of pictures, and what their names begin with.
pub(crate) const ART: &str = "art";
pub(crate) const ART_PREFIX: &str = "art:";
/// Styles at most.
const STYLES: usize = 16;

impl Params {
    /// What is wrong with the values.
    pub(crate) fn validate(&self) -> Result<(), ParamError> {
        let sides = SMALLEST..=LARGEST;
        ParamError::check(
            sides.contains(&self.size),
            "size",
            "a number from 16 to 8192",
            self.size,
        )?;
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let weight = |value: f64| value >= 0.0 && value.is_finite();
        let scale = self.style_scale;
        ParamError::check(
            positive(scale) && scale <= 8.0,
            "style_scale",
            "above 0, up to 8",
            scale,
        )?;
        ParamError::check(weight(self.ratio), "ratio", "a number of at least 0", self.ratio)?;
        ParamError::check(
            weight(self.variation),
            "variation",
            "a number of at least 0",
            self.variation,
        )?;
        ParamError::check(weight(self.noise), "noise", "a number of at least 0", self.noise)?;
        let (rate, history) = (self.learning_rate, self.history);
        ParamError::check(positive(rate), "learning_rate", "a number above 0", rate)?;
        ParamError::check(
            (1..=100).contains(&history),
            "history",
            "a number from 1 to 100",
            history,
        )?;
        ParamError::check(self.evaluations > 0, "evaluations", "1 or more", self.evaluations)?;
        ParamError::check(self.record_every > 0, "record_every", "1 or more", self.record_every)?;
        let most = (self.size / SMALLEST).ilog2() as usize + 1;
        let wanted = format!("a number from 1 to {most}, so that the smallest has 16 pixels");
        ParamError::check((1..=most).contains(&self.scales), "scales", &wanted, self.scales)?;
        self.validate_pictures()?;
        self.objective()?;
        let imagenet = Source::of(&self.weights) == Source::Imagenet;
        if imagenet && self.network == Architecture::Vgg19 {
            let wanted =
                "a file of VGG-19's weights (safetensors, or .pth of PyTorch) or `untrained`";
            let found = "imagenet, which is VGG-16's; `network: vgg16` is the stand-in";
            return Err(ParamError::new("weights", wanted, found).beside("network"));
        }
        Ok(())
    }

    fn validate_pictures(&self) -> Result<(), ParamError> {
        let styles = self.style.len();
        let wanted = format!("a list of 1 to {STYLES} pictures");
        ParamError::check((1..=STYLES).contains(&styles), "style", &wanted, styles)?;
        for (path, name) in std::iter::once(("content", &self.content))
            .chain(self.style.iter().map(|s| ("style", s)))
        {
            ParamError::check(!name.is_empty(), path, "the name of a picture", "none")?;
        }
        let shares = &self.shares;
        let found = format!("{shares:?}");
        if !shares.is_empty() {
            let fit = shares.len() == styles
                && shares.iter().all(|share| *share >= 0.0 && share.is_finite())
                && shares.iter().sum::<f64>() > 0.0;
            let wanted = format!("a share for each of {styles} styles, not all 0");
            ParamError::check(fit, "shares", &wanted, found)?;
        }
        let without = match self.kind {
            Kind::Transfer => false,
            Kind::Content => self.start == Start::Style,
            Kind::Style => self.start == Start::Content,
        };
        let start = format!("{:?}", self.start).to_lowercase();
        ParamError::check(!without, "start", "noise or the picture that is made again", start)
    }

    /// The losses.
    ///
    /// # Errors
    /// A layer that the network does not have.
    pub(crate) fn objective(&self) -> Result<Objective, ParamError> {
        let layers = |path: &str, names: &[String], weights: &[f64]| {
            let wanted = format!(
                "layers of {}, conv1_1 to conv5_{}",
                self.network.title(),
                match self.network {
                    Architecture::Vgg16 => 3,
                    Architecture::Vgg19 => 4,
                }
            );
            ParamError::check(!names.is_empty(), path, &wanted, "none")?;
            let equal = 1.0 / names.len() as f64;
            let layered = |(at, name): (usize, &String)| {
                let convolution = self.network.position(name);
                let convolution =
                    convolution.ok_or_else(|| ParamError::new(path, &wanted, name.clone()))?;
                if names[..at].contains(name) {
                    return Err(ParamError::new(path, "each layer once", format!("{name} twice")));
                }
                Ok(Layered { convolution, weight: weights.get(at).copied().unwrap_or(equal) })
            };
            names.iter().enumerate().map(layered).collect::<Result<Vec<_>, _>>()
        };
        let weights = &self.style_weights;
        if !weights.is_empty() {
            let fit = weights.len() == self.style_layers.len()
                && weights.iter().all(|weight| *weight >= 0.0 && weight.is_finite());
            let wanted = format!("a weight for each of {} layers", self.style_layers.len());
            ParamError::check(fit, "style_weights", &wanted, format!("{weights:?}"))?;
        }
        let content = match self.kind {
            Kind::Style => Vec::new(),
            _ => layers("content_layers", &self.content_layers, &[])?,
        };
        let style = match self.kind {
            Kind::Content => Vec::new(),
            _ => layers("style_layers", &self.style_layers, weights)?,
        };
        Ok(Objective {
            constants: self.constants,
            content,
            style,
            content_weight: if self.kind == Kind::Transfer { self.ratio } else { 1.0 },
            style_weight: 1.0,
            variation: self.variation,
        })
    }

    /// The network up to the deepest layer that the losses look at.
    pub(crate) fn vgg(&self, objective: &Objective) -> Vgg {
        Vgg::new(self.network, self.pooling, objective.depth())
    }

    /// The pictures that are read: the content, if it is, and the styles.
    pub(crate) fn pictures(&self) -> (Option<&str>, Vec<&str>) {
        let styles = || self.style.iter().map(String::as_str).collect();
        match self.kind {
            Kind::Transfer => (Some(&self.content), styles()),
            Kind::Content => (Some(&self.content), Vec::new()),
            Kind::Style => (None, styles()),
        }
    }

    /// Data sets and files.
    pub(crate) fn data(&self) -> Vec<DataRef> {
        let (content, styles) = self.pictures();
        let of = |name: &str| match name.starts_with(ART_PREFIX) {
            true => DataRef { name: ART.into() },
            false => DataRef::file(name),
        };
        let mut all: Vec<DataRef> = content.into_iter().chain(styles).map(of).collect();
        match Source::of(&self.weights) {
            Source::Imagenet => all.push(DataRef { name: "vgg16".into() }),
            Source::Untrained => {}
            Source::File(path) => all.extend(path.to_str().map(DataRef::file)),
        }
        all.sort();
        all.dedup();
        all
    }

    /// The parameters with those at their defaults that change nothing.
    pub(crate) fn canonical(&self) -> Self {
        let (whole, mut own) = (Self::default(), self.clone());
        if self.kind == Kind::Content {
            own.style = whole.style;
            own.shares = whole.shares;
            own.style_scale = whole.style_scale;
            own.style_layers = whole.style_layers;
            own.style_weights = whole.style_weights;
        }
        if self.kind == Kind::Style {
            own.content = whole.content;
            own.content_layers = whole.content_layers;
        }
        if self.kind != Kind::Transfer {
            own.ratio = whole.ratio;
            own.colour = whole.colour;
        }
        match self.optimizer {
            Optimizer::Lbfgs => own.learning_rate = whole.learning_rate,
            Optimizer::Adam => own.history = whole.history,
        }
        if self.start != Start::Noise {
            own.noise = whole.noise;
        }
        if !matches!(Source::of(&self.weights), Source::File(_)) {
            own.inputs = whole.inputs;
        }
        own
    }
}

#[cfg(test)]
mod tests;
