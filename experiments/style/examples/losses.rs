//! Losses of one picture against another at every layer of VGG-16, as runs report them: for
//! `scripts/style-losses-check`.
//!
//! `cargo run --release -p style --example losses -- A.png B.png`, of one size, prints a JSON line with the
//! file of weights, and then one a layer, way of normalising and constants: the losses of content and
//! of style of B against A.

use std::path::PathBuf;

use datasets::{Store, convnet};
use experiment::{DataPaths, Device, Error, Experiment, MemorySink, Run, RunContext, RunId};
use serde_json::json;
use style::{Constants, Kind, Normalise, Params, Start, Style};

/// Convolutions of each block.
const BLOCKS: [usize; 5] = [2, 2, 3, 3, 3];

/// One loss of the picture that a run begins with.
fn loss(name: &str, params: Params, data: &DataPaths) -> Result<f64, Error> {
    let mut sink = MemorySink::default();
    let (id, data) = (RunId::of("losses"), data.clone());
    let context = RunContext { id, seed: 0, threads: 1, device: Device::Cpu, data };
    Style::new(params)?.run(&mut Run::new(context, &mut sink))?;
    Ok(sink.results[name])
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [content, style] = &files[..] else {
        return Err("wanted the names of two pictures".into());
    };
    let mirror = std::env::var_os("REGIMEN_MIRROR").map(PathBuf::from);
    let data = DataPaths { cache: datasets::default_cache()?, mirror, offline: false };
    let network = convnet::Network::Vgg16;
    let store = Store::new(&data.cache, data.mirror.as_deref(), data.offline);
    let weights = store.open(network.dataset())?.file(network.file())?;
    println!("{}", json!({ "weights": weights }));
    let layers = (1..)
        .zip(BLOCKS)
        .flat_map(|(block, count)| (1..=count).map(move |number| format!("conv{block}_{number}")));
    let (width, height) = image::image_dimensions(content)?;
    let size = usize::try_from(width.max(height))?;
    let base = Params { evaluations: 1, ratio: 1.0, size, ..Params::default() };
    for layer in layers {
        for normalise in [Normalise::None, Normalise::Own] {
            for constants in [Constants::Gatys, Constants::NeuralStyle] {
                // Each loss is that of the second picture, which the run begins with.
                let of = |start: Start, [a, b]: [&String; 2]| Params {
                    kind: Kind::Transfer,
                    content: a.clone(),
                    style: vec![b.clone()],
                    content_layers: vec![layer.clone()],
                    style_layers: vec![layer.clone()],
                    normalise,
                    constants,
                    start,
                    ..base.clone()
                };
                let of_content = loss("content_loss", of(Start::Style, [content, style]), &data)?;
                let of_style = loss("style_loss", of(Start::Content, [style, content]), &data)?;
                let line = json!({
                    "layer": layer, "normalise": normalise, "constants": constants,
                    "content": of_content, "style": of_style,
                });
                println!("{line}");
            }
        }
    }
    Ok(())
}
