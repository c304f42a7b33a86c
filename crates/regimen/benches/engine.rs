//! The engine's workloads beside PyTorch, JAX and NumPy: `scripts/bench engine`.

#[expect(dead_code, reason = "another benchmark has a target for memory by itself")]
#[path = "peers/mod.rs"]
mod peers;

use std::process::ExitCode;

use anyhow::Result;
use peers::{Case, Ours, Start, Target};

const EXAMPLES: &[(&str, &str)] = &[
    ("autodiff", "machine"),
    ("autodiff", "memory_network"),
    ("autodiff", "seq2seq"),
    ("autodiff", "convtrain"),
    ("autodiff", "style"),
];

fn main() -> Result<ExitCode> {
    peers::main(EXAMPLES, |start| {
        // The first cases say what the machine can do.
        [1, 2].into_iter().flat_map(|threads| workloads(start, threads)).collect()
    })
}

/// A workload: a program of ours with arguments, the peers' script, and what the peers are called.
struct Workload {
    name: &'static str,
    example: &'static str,
    arguments: &'static str,
    script: &'static str,
    peers: &'static [&'static str],
    /// Ours over the fastest peer, on one thread and on two.
    wanted: [f64; 2],
}

fn workloads(start: &Start, threads: usize) -> Vec<Case> {
    const TORCH: &[&str] = &["torch", "torch-cl", "torch-compile", "jax-nhwc"];
    const CELLS: &[&str] = &["torch-eager", "torch-nn", "torch-compile", "jax"];
    const MEMORY: &[&str] =
        &["jax-scan --bow dense", "jax-step --bow dense", "torch-eager --bow dense"];
    const ARRAY: &[&str] = &["numpy", "torch"];
    let of = |name, [example, arguments, script]: [&'static str; 3], peers, wanted| Workload {
        name,
        example,
        arguments,
        script,
        peers,
        wanted,
    };
    [
        of("sgemm 2048", ["machine", "--job gemm --n 2048", "machine.py"], ARRAY, [1.1; 2]),
        of("exp", ["machine", "--job exp --n 1000000", "machine.py"], ARRAY, [1.1; 2]),
        of("tanh", ["machine", "--job tanh --n 1000000", "machine.py"], ARRAY, [1.1; 2]),
        of("memory network, 1 hop", ["memory_network", "--hops 1", "memn2n.py"], MEMORY, [0.33; 2]),
        of(
            "memory network, 3 hops",
            ["memory_network", "--hops 3", "memn2n.py"],
            MEMORY,
            [0.33; 2],
        ),
        of("LSTM attention", ["seq2seq", "--cell lstm", "seq2seq.py"], CELLS, [0.8, 0.9]),
        of("GRU attention", ["seq2seq", "--cell gru", "seq2seq.py"], CELLS, [0.85, 0.9]),
        of("CaffeNet step", ["convtrain", "", "convtrain.py"], TORCH, [0.8, 0.9]),
        of("style 256", ["style", "--size 256", "style.py"], TORCH, [0.7, 0.8]),
        of("style 512", ["style", "--size 512", "style.py"], &TORCH[..2], [0.7, 0.8]),
    ]
    .map(|workload| workload.case(start, threads))
    .into()
}

impl Workload {
    fn case(&self, start: &Start, threads: usize) -> Case {
        let arguments = format!("{} --budget 2 --threads {threads}", self.arguments);
        let program = start.ours(self.example, "regimen", threads, &arguments);
        let wanted = self.wanted[threads - 1];
        let peer = |name: &&'static str| {
            let words = format!("{} --budget 2 --peer {name}", self.arguments);
            start.peer(self.script, name, threads, &words)
        };
        let mut targets = vec![Target::Fastest(&[0, 1, 2, 3], wanted)];
        if self.example == "style" {
            // Half of PyTorch's memory.
            targets.push(Target::Smallest(&[0, 1], 0.5));
        }
        Case {
            is_peak: self.name.starts_with("sgemm"),
            ours: vec![Ours { program, targets }],
            peers: self.peers.iter().flat_map(peer).collect(),
            ..Case::new(format!("{}, {threads} thread(s)", self.name), threads)
        }
    }
}
