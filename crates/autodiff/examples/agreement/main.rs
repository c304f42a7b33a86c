//! Every operation on random inputs, in f32 and f64: values, gradients, and gradients of gradients.
//!
//! `cargo run --release -p autodiff --example agreement -- FOLDER --seed 7` writes them to FOLDER, which
//! exists: `cases.jsonl` has one line a case, `arrays.bin` the numbers, little-endian. `scripts/torch-check`
//! compares them with PyTorch.

mod case;
mod convolutions;
mod draw;
mod elementwise;
mod images;
mod matrices;
mod record;
mod reductions;
mod sequences;
mod shapes;
mod tables;

use std::error::Error;
use std::path::PathBuf;

use autodiff::DType;
use case::Case;
use record::Recorder;

const USAGE: &str = "wanted: agreement FOLDER [--seed N]";

fn main() -> Result<(), Box<dyn Error>> {
    autodiff::use_modern_blas()?;
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or(USAGE)?);
    let seed = match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (None, ..) => 7,
        (Some("--seed"), Some(seed), None) => seed.parse()?,
        _ => return Err(USAGE.into()),
    };
    let mut recorder = Recorder::create(&folder, seed)?;
    for dtype in [DType::F32, DType::F64] {
        for (number, case) in cases().iter().enumerate() {
            let failed = |error| format!("{}, {}: {error}", case.reference, case.detail);
            recorder.record(case, number as u64, dtype).map_err(failed)?;
        }
    }
    recorder.finish()
}

fn cases() -> Vec<Case> {
    [
        elementwise::cases(),
        shapes::cases(),
        reductions::cases(),
        tables::cases(),
        matrices::cases(),
        convolutions::cases(),
        images::cases(),
        sequences::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
