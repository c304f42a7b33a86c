//! `regimen raml translate`: lines from standard input to translations by a stored model.

use autodiff::Buffer;
use experiment::{Error, ParamError, Tool, ToolContext};
use learn::layers::{CellKind, GruCell, Layer, LstmCell};
use learn::{Artifacts, KeptModel, kept_weights, placed};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::corpus::Pieces;
use crate::model::{Beam, Network, Translation, Translator};
use crate::params::{Cell, Params};
use crate::source::{Kind, Source};
use crate::stored::Description;

/// Arguments of `regimen raml translate`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Id of a run with `keep_model: true`, or its first digits.
    run: String,
    /// Prints so many translations of a line, each with its score and a tabulator before it.
    #[serde(default = "one")]
    n_best: usize,
    /// Hypotheses of the beam search; by default as many as the run tested with.
    #[serde(default)]
    beam: Option<usize>,
    /// Prints below each translation what every piece of it attends to most, with its share.
    #[serde(default)]
    attention: bool,
}

fn one() -> usize {
    1
}

/// Pieces of a line that is translated; the rest of a longer one is left out, and said.
const PLACES: usize = 200;

pub(crate) fn tool() -> Tool {
    Tool::new("translate", "Translate lines from standard input by a trained model", translate)
}

fn translate(arguments: &Arguments, context: &mut ToolContext<'_>) -> Result<(), Error> {
    let run = context.run_with_model(Description::FILE, &arguments.run)?;
    let kept = |name: &str| context.artifact(&run, name);
    let description = Description::open(&kept)?;
    let width = arguments.beam.unwrap_or(description.params.beam).max(arguments.n_best);
    ParamError::check(
        (1..=100).contains(&arguments.n_best),
        "n_best",
        "1 to 100",
        arguments.n_best,
    )?;
    ParamError::check((1..=100).contains(&width), "beam", "1 to 100", width)?;
    if description.params.data.is_speech() {
        let what = "it transcribes speech: wanted a run that learned to translate texts";
        return Err(Error::other(format!("run {}", arguments.run), what));
    }
    let beam = Beam { width, length_penalty: description.params.length_penalty };
    let pieces = Pieces::restore(description.pieces);
    let opened = match description.params.cell {
        Cell::Lstm => open::<LstmCell>(&description.params, &pieces, beam, &kept),
        Cell::Gru => open::<GruCell>(&description.params, &pieces, beam, &kept),
    };
    let (mut translator, mut weights) = opened?;
    let talking = |e| Error::other("translating", e);
    let mut line = String::new();
    loop {
        line.clear();
        if context.input.read_line(&mut line).map_err(talking)? == 0 {
            return Ok(());
        }
        let sentence = pieces.encode_source(line.trim());
        if sentence.len() > PLACES {
            let read = PLACES;
            writeln!(
                context.output,
                "? only the first {read} of {} pieces are read",
                sentence.len()
            )
            .map_err(talking)?;
        }
        let found = match sentence.len() {
            // An empty line is its own translation.
            1 => Vec::new(),
            _ => translator
                .search(&mut weights, &[Source::Text(sentence.clone())])
                .map_err(|e| Error::other("translating", e))?
                .swap_remove(0),
        };
        let text = tell(&found, &sentence, &pieces, arguments);
        context.output.write_all(text.as_bytes()).map_err(talking)?;
        context.output.flush().map_err(talking)?;
    }
}

/// A translator and its weights.
fn open<C: CellKind>(
    params: &Params,
    pieces: &Pieces,
    beam: Beam,
    kept: Artifacts<'_>,
) -> Result<(Translator, Buffer), Error> {
    let network = Network::<C>::new(params, pieces.len() as usize, Kind::Text);
    let layout = network.layout();
    let weights = placed(&kept_weights(&layout, kept)?)?;
    let translator = Translator::new(&network, &layout, beam, PLACES)
        .map_err(|e| Error::other("tracing the translator", e))?;
    Ok((translator.with_attention(), weights))
}

/// The lines that are printed for a sentence.
fn tell(found: &[Translation], sentence: &[u32], pieces: &Pieces, arguments: &Arguments) -> String {
    if found.is_empty() {
        return "\n".into();
    }
    let mut text = String::new();
    for translation in found.iter().take(arguments.n_best) {
        if arguments.n_best > 1 {
            text += &format!("{:.4}\t", translation.score);
        }
        text += &pieces.decode(&translation.pieces);
        text.push('\n');
        if arguments.attention {
            text += &attention(translation, sentence, pieces);
        }
    }
    text
}

/// What each piece attends to most.
fn attention(translation: &Translation, sentence: &[u32], pieces: &Pieces) -> String {
    let said = translation.pieces.iter().copied().chain([Pieces::END]);
    let line = |(piece, shares): (u32, &Vec<f32>)| {
        let most = shares.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        most.map_or_else(String::new, |(place, share)| {
            let (piece, read) = (pieces.name(piece), pieces.name(sentence[place]));
            format!("  {piece} <- {read} {:.0} %\n", 100.0 * share)
        })
    };
    said.zip(&translation.attention).map(line).collect()
}
