//! `regimen style transfer CONTENT STYLE... -o FILE`: one picture.

use experiment::{Error, Experiment, OutputFile, SinkError, Stream, Tool, ToolContext};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::picture::format_of;
use crate::transfer::{Transfer, is_art_here};
use crate::{
    Architecture, Colour, Constants, Inputs, Normalise, Optimizer, Params, Pool, Start, Style,
};

/// Arguments of `regimen style transfer`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The photograph: PNG, JPEG or WebP.
    content: String,
    /// The paintings, which are blended where there are several.
    style: Vec<String>,
    /// The picture: .png, .jpg or .webp.
    #[serde(default = "output")]
    #[schemars(extend("short" = "o"))]
    output: OutputFile,
    /// Pixels of the longer side.
    #[serde(default = "size")]
    size: usize,
    /// Evaluations of the loss.
    #[serde(default = "evaluations")]
    evaluations: u64,
    /// Weight of the content where that of the style is 1: more keeps more of the photograph. Where nothing
    /// is said, 0.004 over the square of `size`, because the loss of the content grows with the pixels.
    ratio: Option<f64>,
    /// Where to begin.
    #[serde(default = "start")]
    start: Start,
    /// What becomes of colours.
    #[serde(default)]
    colour: Colour,
    /// Size of the paintings' strokes: longer side of the paintings as a share of `size`.
    #[serde(default = "one")]
    style_scale: f64,
    /// Share of each painting, in their order.
    #[serde(default)]
    shares: Vec<f64>,
    /// Sizes that are gone through from coarse to fine, which gives a large picture large forms; where
    /// nothing is said, 1 below 256 pixels, 2 from there, and one more each time they double.
    scales: Option<usize>,
    /// `imagenet` (fetched), `untrained`, or a file of weights (safetensors, or .pth of PyTorch).
    #[serde(default = "weights")]
    weights: String,
    /// The network.
    #[serde(default)]
    network: Architecture,
    /// What a file of weights wants of a picture.
    #[serde(default)]
    inputs: Inputs,
    /// What stands between blocks of convolutions.
    #[serde(default)]
    pooling: Pool,
    /// Over which pictures filters are brought to a mean activation of 1; where nothing is said, over the
    /// data set `art`, and over the pictures themselves where that cannot be had.
    normalise: Option<Normalise>,
    /// Constants of the losses.
    #[serde(default)]
    constants: Constants,
    /// How the picture is changed.
    #[serde(default)]
    optimizer: Optimizer,
    /// Steps that L-BFGS remembers.
    #[serde(default = "history")]
    history: usize,
    /// Weight of half the squared differences between neighbours.
    #[serde(default)]
    variation: f64,
    /// Standard deviation of noise at the start, in steps of colour from 0 to 255.
    #[serde(default = "noise")]
    noise: f64,
    /// Whether layers are computed again in place of being kept, which takes a third more time and a
    /// fraction of the memory: `true` above 1024 pixels where nothing is said.
    recompute: Option<bool>,
    /// Evaluations between previews, which are written where the picture will be; 0 for none.
    #[serde(default = "preview_every")]
    preview_every: u64,
    /// Of the noise at the start.
    #[serde(default)]
    seed: u64,
}

/// A ratio at which photograph and painting are both seen, times the square of the size.
const RATIO: f64 = 4e-3;

fn output() -> OutputFile {
    OutputFile::new("styled.png")
}

fn size() -> usize {
    512
}

fn evaluations() -> u64 {
    300
}

fn start() -> Start {
    Start::Content
}

fn one() -> f64 {
    1.0
}

fn weights() -> String {
    Params::default().weights
}

fn history() -> usize {
    Params::default().history
}

fn noise() -> f64 {
    Params::default().noise
}

fn preview_every() -> u64 {
    50
}

/// `regimen style transfer CONTENT STYLE... -o FILE`.
pub(crate) fn tool() -> Tool {
    Tool::new("transfer", "Make one picture: a photograph in the style of paintings", transfer)
}

impl Arguments {
    fn params(&self) -> Params {
        let doublings = (self.size / 256).checked_ilog2().map_or(0, |doublings| doublings + 1);
        Params {
            content: self.content.clone(),
            style: self.style.clone(),
            shares: self.shares.clone(),
            size: self.size,
            style_scale: self.style_scale,
            network: self.network,
            weights: self.weights.clone(),
            inputs: self.inputs,
            pooling: self.pooling,
            normalise: self.normalise.unwrap_or(Normalise::Art),
            constants: self.constants,
            ratio: self.ratio.unwrap_or(RATIO / (self.size * self.size) as f64),
            variation: self.variation,
            history: self.history,
            noise: self.noise,
            recompute: self.recompute.unwrap_or(self.size > 1024),
            optimizer: self.optimizer,
            evaluations: self.evaluations,
            start: self.start,
            scales: self.scales.unwrap_or(1 + doublings as usize),
            colour: self.colour,
            ..Params::default()
        }
    }
}

fn transfer(arguments: &Arguments, context: &mut ToolContext<'_>) -> Result<(), Error> {
    let mut params = arguments.params();
    Style::new(params.clone())?;
    let output = &arguments.output;
    format_of(output.path())?;
    let noise = Stream::new(arguments.seed, "start");
    let told = output.path().as_os_str() != "-";
    if arguments.normalise.is_none() && !is_art_here(&context.data) {
        params.normalise = Normalise::Own;
        if told {
            say(
                context,
                "filters are normalised over these pictures: the data set `art` is not here",
            )?;
        }
    }
    let mut transfer = Transfer::open(&params, &context.data, &noise)?;
    let write = |transfer: &Transfer, context: &mut ToolContext<'_>| {
        context.write(output, &transfer.picture().to_file(output.path())?)
    };
    // Nothing but the picture itself goes to standard output.
    let previews = told && arguments.preview_every > 0;
    let mut made = 0;
    while transfer.advance()? {
        made += 1;
        if let Err(stopped) = context.progress(made, params.evaluations) {
            write(&transfer, context)?;
            return Err(stopped);
        }
        if previews && made.is_multiple_of(arguments.preview_every) {
            write(&transfer, context)?;
        }
    }
    context.host.progress(params.evaluations, params.evaluations);
    write(&transfer, context)?;
    if !told {
        return Ok(());
    }
    let ([content, style], total) = (transfer.sums(), transfer.losses().total);
    let [height, width] = transfer.picture().size;
    let path = output.path().display();
    let losses = format!("loss {total:.4e} (content {content:.4e}, style {style:.4e})");
    say(context, &format!("{path}: {width} x {height} pixels, {losses}"))
}

fn say(context: &mut ToolContext<'_>, text: &str) -> Result<(), Error> {
    writeln!(context.output, "{text}")
        .map_err(|source| SinkError { what: "the losses".into(), source }.into())
}

#[cfg(test)]
mod tests;
