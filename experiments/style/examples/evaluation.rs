//! A few evaluations of the astronaut in the style of The Starry Night, as a run makes them.
//!
//! `cargo run --release -p style --example evaluation -- [SIZE [EVALUATIONS [RECOMPUTE]]]`, 1024 pixels, one
//! evaluation and `true` by default, prints one JSON line: the lowest loss after each evaluation, seconds and
//! peak resident size.

use std::path::PathBuf;
use std::time::Instant;

use experiment::{DataPaths, Device, Experiment, MemorySink, Run, RunContext, RunId};
use serde_json::json;
use style::{Params, Start, Style};

/// Peak resident size of this process in MiB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) / 1024.0
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let word = |at: usize, usual: &str| given.get(at).cloned().unwrap_or(usual.into());
    let params = Params {
        size: word(0, "1024").parse()?,
        evaluations: word(1, "1").parse()?,
        recompute: word(2, "true").parse()?,
        start: Start::Content,
        record_every: 1,
        ..Params::default()
    };
    let mirror = std::env::var_os("REGIMEN_MIRROR").map(PathBuf::from);
    let data = DataPaths { cache: datasets::default_cache()?, mirror, offline: false };
    let threads = std::env::var("RAYON_NUM_THREADS").map_or(Ok(1), |text| text.parse())?;
    autodiff::set_threads(threads);
    let id = RunId::of("evaluation");
    let context = RunContext { id, seed: 0, threads, device: Device::Cpu, data };
    let (size, recompute) = (params.size, params.recompute);
    let mut sink = MemorySink::default();
    let began = Instant::now();
    Style::new(params)?.run(&mut Run::new(context, &mut sink))?;
    let seconds = began.elapsed().as_secs_f64();
    let losses = sink.metrics.iter().filter(|(_, name, _)| name == "loss");
    let losses: Vec<f64> = losses.map(|(_, _, loss)| *loss).collect();
    let line = json!({
        "size": size, "recompute": recompute, "losses": losses, "seconds": seconds, "peak_mib": peak(),
    });
    println!("{line}");
    Ok(())
}
