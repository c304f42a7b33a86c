//! What `raml` computes beside PyTorch, JAX, NumPy and sacreBLEU, on one thread: `scripts/bench raml`.

#[expect(dead_code, reason = "other benchmarks have peaks and targets for memory")]
#[path = "peers/mod.rs"]
mod peers;

use std::process::ExitCode;

use anyhow::Result;
use peers::workload::Workload;
use peers::{Case, Ours, Start, Target};

const EXAMPLES: &[&str] = &["seq2seq", "text"];

fn main() -> Result<ExitCode> {
    peers::main(EXAMPLES, |start| {
        let mut cases = vec![
            training(start, "LSTM training", "--cell lstm"),
            training(start, "GRU training", "--cell gru"),
        ];
        cases.push(text(start, "draws", "--job rml", "", &["numpy", "python"]));
        for tokenizer in ["none", "13a"] {
            let (name, peer) = (format!("BLEU, {tokenizer}"), format!("sacrebleu-{tokenizer}"));
            let ours = format!("--tokenizer {tokenizer}");
            cases.push(text(start, &name, "--job bleu", &ours, &[&peer]));
        }
        cases
    })
}

/// Training steps of a translator.
fn training(start: &Start, name: &'static str, arguments: &'static str) -> Case {
    let (example, script, wanted) = ("seq2seq", "seq2seq.py", [1.0 / 1.2; 2]);
    let peers = &["torch-eager", "torch-nn", "torch-compile", "jax"];
    Workload { name, example, arguments, script, peers, wanted }.case(start, 1)
}

/// Work on sequences, a twentieth of the fastest peer's time being wanted; `own` are arguments that the
/// peers do not have.
fn text(start: &Start, name: &str, job: &str, own: &str, peers: &[&str]) -> Case {
    let words = format!("{job} {own} --budget 2 --threads 1");
    let program = start.ours("text", "regimen", 1, &words);
    let peer =
        |name: &&str| start.peer("text.py", name, 1, &format!("{job} --budget 2 --peer {name}"));
    Case {
        ours: vec![Ours { program, targets: vec![Target::Fastest(&[0, 1], 0.05)] }],
        peers: peers.iter().flat_map(peer).collect(),
        ..Case::new(name.into(), 1)
    }
}
