//! The engine's workloads beside PyTorch, JAX and NumPy: `scripts/bench engine`.

#[expect(dead_code, reason = "another benchmark has a target for memory by itself")]
#[path = "peers/mod.rs"]
mod peers;

use std::process::ExitCode;

use anyhow::Result;
use peers::workload::Workload;
use peers::{Case, Start};

const EXAMPLES: &[&str] = &["machine", "memory_network", "seq2seq", "convtrain", "style"];

fn main() -> Result<ExitCode> {
    peers::main(EXAMPLES, |start| {
        // The first cases say what the machine can do.
        [1, 2].into_iter().flat_map(|threads| workloads(start, threads)).collect()
    })
}

fn workloads(start: &Start, threads: usize) -> Vec<Case> {
    const TORCH: &[&str] = &["torch", "torch-cl", "torch-compile", "jax-nhwc"];
    const CELLS: &[&str] = &["torch-eager", "torch-nn", "torch-compile", "jax"];
    const ARRAY: &[&str] = &["numpy", "torch"];
    const SIGMOID: &[&str] = &["numpy", "torch", "scipy"];
    let of = |name, [example, arguments, script]: [&'static str; 3], peers, wanted| Workload {
        name,
        example,
        arguments,
        script,
        peers,
        wanted,
    };
    [
        Workload::product(),
        of("exp", ["machine", "--job exp --n 1000000", "machine.py"], ARRAY, [1.0; 2]),
        of("tanh", ["machine", "--job tanh --n 1000000", "machine.py"], ARRAY, [1.0; 2]),
        of("sigmoid", ["machine", "--job sigmoid --n 1000000", "sigmoid.py"], SIGMOID, [1.0; 2]),
        Workload::memory_network("memory network, 1 hop", "--hops 1"),
        Workload::memory_network("memory network, 3 hops", "--hops 3"),
        of("LSTM attention", ["seq2seq", "--cell lstm", "seq2seq.py"], CELLS, [0.8, 0.9]),
        of("GRU attention", ["seq2seq", "--cell gru", "seq2seq.py"], CELLS, [0.85, 0.9]),
        of("CaffeNet step", ["convtrain", "", "convtrain.py"], TORCH, [0.8, 0.9]),
        Workload::style("style 256", "--size 256", TORCH),
        Workload::style("style 512", "--size 512", &TORCH[..2]),
    ]
    .map(|workload| workload.case(start, threads))
    .into()
}
