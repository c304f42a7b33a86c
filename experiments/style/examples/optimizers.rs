//! L-BFGS against Adam at several step sizes, on three pairs of pictures from one start each.
//!
//! `cargo run --release -p style --example optimizers -- [SIZE [EVALUATIONS [THREADS]]]`, 96 pixels, 500
//! evaluations and one thread by default, prints a table a pair: losses after some of the evaluations, and
//! since which evaluation L-BFGS has been below each curve of Adam.

use std::path::PathBuf;

use experiment::{DataPaths, Device, Error, Experiment, MemorySink, Run, RunContext, RunId};
use style::{Optimizer, Params, Style};

const PAIRS: [[&str; 2]; 3] = [
    ["astronaut.png", "starry_night.jpg"],
    ["chelsea.png", "the_scream.jpg"],
    ["coffee.png", "great_wave.jpg"],
];
/// Step sizes of Adam, in steps of colour from 0 to 255.
const RATES: [f64; 4] = [1.0, 2.0, 5.0, 10.0];
/// Shares of the evaluations at which losses are shown.
const SHOWN: [f64; 6] = [0.02, 0.1, 0.2, 0.4, 0.7, 1.0];

/// The lowest loss so far after each evaluation.
fn curve(params: &Params, data: &DataPaths, threads: usize) -> Result<Vec<f64>, Error> {
    let mut sink = MemorySink::default();
    let (id, data) = (RunId::of("optimizers"), data.clone());
    let context = RunContext { id, seed: 0, threads, device: Device::Cpu, data };
    Style::new(params.clone())?.run(&mut Run::new(context, &mut sink))?;
    let losses = sink.metrics.iter().filter(|(_, name, _)| name == "loss");
    let mut curve: Vec<f64> = losses.map(|(_, _, loss)| *loss).collect();
    // A descent that ended early stays where it is.
    let last = *curve.last().expect("a run has a loss");
    curve.resize(params.evaluations as usize, last);
    Ok(curve)
}

/// The first evaluation from which on `a` is below `b`, counted from 1.
fn since(a: &[f64], b: &[f64]) -> Option<usize> {
    let above = a.iter().zip(b).rposition(|(a, b)| a > b).map_or(0, |at| at + 1);
    (above < a.len()).then_some(above + 1)
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut given = std::env::args().skip(1);
    let mut number = |default: usize| given.next().map_or(Ok(default), |text| text.parse());
    let (size, evaluations, threads) = (number(96)?, number(500)? as u64, number(1)?);
    autodiff::set_threads(threads);
    let mirror = std::env::var_os("REGIMEN_MIRROR").map(PathBuf::from);
    let data = DataPaths { cache: datasets::default_cache()?, mirror, offline: false };
    let mut reached = true;
    for [content, style] in PAIRS {
        let of = |optimizer, learning_rate| Params {
            content: format!("art:{content}"),
            style: vec![format!("art:{style}")],
            size,
            evaluations,
            optimizer,
            learning_rate,
            record_every: 1,
            ..Params::default()
        };
        let lbfgs = curve(&of(Optimizer::Lbfgs, 1.0), &data, threads)?;
        let adam: Vec<Vec<f64>> = RATES
            .iter()
            .map(|rate| curve(&of(Optimizer::Adam, *rate), &data, threads))
            .collect::<Result<_, _>>()?;
        println!("{content} in the style of {style}, {size} pixels");
        let at = SHOWN.map(|share| ((share * evaluations as f64) as usize).max(1));
        print!("{:16}", "evaluations");
        at.iter().for_each(|at| print!("{at:>12}"));
        println!("{:>22}", "L-BFGS is below since");
        let show = |name: String, curve: &[f64]| {
            print!("{name:16}");
            at.iter().for_each(|at| print!("{:>12.4e}", curve[at - 1]));
        };
        show("L-BFGS".into(), &lbfgs);
        println!();
        for (rate, adam) in RATES.iter().zip(&adam) {
            show(format!("Adam, rate {rate}"), adam);
            println!("{:>22}", since(&lbfgs, adam).map_or("never".into(), |at| at.to_string()));
        }
        let best = adam.iter().map(|curve| curve[curve.len() - 1]).fold(f64::INFINITY, f64::min);
        let at = lbfgs.iter().position(|loss| *loss <= best);
        let told = at.map_or("never".into(), |at| format!("at evaluation {}", at + 1));
        println!("L-BFGS reaches Adam's best, {best:.4e}: {told}\n");
        reached &= at.is_some();
    }
    if reached { Ok(()) } else { Err("Adam ended lower than L-BFGS on some pair".into()) }
}
