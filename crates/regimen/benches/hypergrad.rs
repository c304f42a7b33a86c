//! One meta-iteration through training by reversible SGD, beside unrolled training in other tools:
//! `scripts/bench hypergrad`.

#[expect(dead_code, reason = "another benchmark has a target for memory beside peers")]
#[path = "peers/mod.rs"]
mod peers;

use std::process::ExitCode;

use anyhow::Result;
use peers::{Case, Ours, Start, Target};

fn main() -> Result<ExitCode> {
    peers::main(&["meta_iteration"], |start| {
        [(100, "float32"), (100, "float64"), (1000, "float32"), (1000, "float64")]
            .map(|(steps, dtype)| case(start, steps, dtype))
            .into()
    })
}

fn case(start: &Start, steps: usize, dtype: &str) -> Case {
    let budget = if steps > 100 { "--reps 1" } else { "--budget 1.5" };
    let words = format!("--steps {steps} --dtype {dtype} {budget}");
    let ours = |way: &str, targets: Vec<Target>| Ours {
        program: start.ours("meta_iteration", way, 1, &format!("{words} --way {way}")),
        targets,
    };
    let wide = dtype == "float64";
    let names: &[&str] = match wide {
        false => &["jax", "jax-remat", "torch"],
        true => &["jax", "jax-remat", "torch", "autograd-rsgd"],
    };
    let peer = |name: &&str| start.peer("hypergrad.py", name, 1, &format!("{words} --peer {name}"));
    let mut reversible = vec![Target::Fastest(&[0, 1, 2], 0.8), Target::Peak(80.0)];
    if wide {
        // The paper's own kind.
        reversible.push(Target::Fastest(&[3], 0.1));
    }
    Case {
        ours: vec![
            ours("reversible", reversible),
            ours("tape", vec![Target::Fastest(&[0, 1, 2], 0.7)]),
            ours("checkpointed", Vec::new()),
        ],
        peers: names.iter().flat_map(peer).collect(),
        ..Case::new(format!("hypergrad, {steps} steps, {dtype}"), 1)
    }
}
