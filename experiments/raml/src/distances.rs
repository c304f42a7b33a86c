//! `regimen raml distances`: how likely each number of edits is, and how far the paper's count of
//! sequences is from the exact one.

use experiment::{Error, ParamError, Stream, Tool, ToolContext};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::params::Reward;
use crate::payoff::{Alphabet, Apart, Edits, Exact, Hamming, Temperature};

/// Arguments of `regimen raml distances`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Temperature.
    #[serde(default = "tau")]
    tau: f64,
    /// Tokens of the reference, which all differ.
    #[serde(default = "length")]
    length: usize,
    /// Tokens that sequences are made of.
    #[serde(default = "vocabulary")]
    vocabulary: u32,
    /// `hamming`, `edit` or `exact_edit`.
    #[serde(default = "reward")]
    reward: Reward,
    /// Most edits; by default twice the length with `edit`, and 3 with `exact_edit`.
    #[serde(default)]
    most: Option<u8>,
    /// Whether an edit costs `1 / tau` and not `(1 + ln V) / tau`.
    #[serde(default)]
    plain: bool,
}

/// Draws by which sequences are compared.
const DRAWS: u32 = 4000;

fn tau() -> f64 {
    0.9
}

fn length() -> usize {
    20
}

fn vocabulary() -> u32 {
    61
}

fn reward() -> Reward {
    Reward::Edit
}

pub(crate) fn tool() -> Tool {
    Tool::new("distances", "Print how likely each number of edits is at a temperature", print)
}

fn print(arguments: &Arguments, context: &mut ToolContext<'_>) -> Result<(), Error> {
    let Arguments { tau, length, vocabulary, reward, most, plain } = *arguments;
    let check = |holds, path, wanted, found: &dyn std::fmt::Display| {
        ParamError::check(holds, path, wanted, found)
    };
    check(tau.is_finite() && tau > 0.0, "tau", "above 0", &tau)?;
    check((1..=10_000).contains(&length), "length", "1 to 10000", &length)?;
    check(vocabulary >= 2, "vocabulary", "2 or more", &vocabulary)?;
    let named = matches!(reward, Reward::Hamming | Reward::Edit | Reward::ExactEdit);
    check(named, "reward", "hamming, edit or exact_edit", &"another")?;
    let temperature = Temperature { tau, rescaled: !plain };
    let alphabet = Alphabet { first: 0, count: vocabulary };
    let edits = |most: usize| {
        Edits::new(alphabet, temperature, length, |m| most.min(2 * m)).probabilities(length)
    };
    let mut text = String::from("edits  probability\n");
    let probabilities = match reward {
        Reward::Hamming => Hamming::new(alphabet, temperature, length).probabilities(length),
        Reward::ExactEdit => {
            let most = most.unwrap_or(3);
            let differ = length <= vocabulary as usize;
            check(differ, "length", "at most the vocabulary with exact_edit", &length)?;
            let reference: Vec<u32> = (0..).take(length).collect();
            let around = Exact::new(alphabet, temperature, most).around(&reference);
            let counting = |e| Error::other("counting", e);
            let exact = around.map_err(counting)?.probabilities();
            let setting = (alphabet, temperature);
            let mut rng = Stream::new(0, "distances").rng(0);
            let Apart { edits, sequences, error } =
                Apart::around(&reference, setting, most, DRAWS, &mut rng).map_err(counting)?;
            text = format!(
                "total variation of the paper's count\n  over numbers of edits  {edits:.4}\n  over \
                 sequences         {sequences:.4} (standard error {error:.4}, {DRAWS} draws)\n{text}"
            );
            exact
        }
        _ => edits(most.map_or(2 * length, usize::from)),
    };
    let mut mean = 0.0;
    for (probability, edits) in probabilities.iter().zip(0_u32..) {
        mean += f64::from(edits) * probability;
        if *probability >= 5e-5 {
            text += &format!("{edits:5}  {probability:.4}\n");
        }
    }
    text += &format!(" mean  {mean:.4}\n");
    context.output.write_all(text.as_bytes()).map_err(|e| Error::other("printing", e))
}
