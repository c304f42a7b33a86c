//! Rank pooling of one sequence of 100 frames, and the gradient through it, beside scikit-learn, liblinear,
//! NumPy, SciPy and PyTorch on one thread: `scripts/bench rankpool`.

#[expect(dead_code, reason = "other benchmarks have workloads and targets for memory")]
#[path = "peers/mod.rs"]
mod peers;

use std::process::ExitCode;

use anyhow::Result;
use peers::{Case, Ours, Start, Target};

fn main() -> Result<ExitCode> {
    peers::main(&["rank_pool"], |start| {
        let fit = [(256, 1.0 / 4.0), (4096, 1.0 / 7.0)]
            .map(|(columns, wanted)| fitted(start, columns, wanted));
        // The cost should be linear in the columns.
        let linear = [512, 1024, 2048].map(|columns| alone(start, columns));
        fit.into_iter().chain(linear).chain([features(start), gradient(start)]).collect()
    })
}

/// Our fit, and as peers scikit-learn and liblinear's primal and dual solvers.
fn fitted(start: &Start, columns: usize, wanted: f64) -> Case {
    let words = format!("--job fit --D {columns} --budget 1");
    let program = start.ours("rank_pool", "regimen", 1, &words);
    let peer = |name: &&str| start.peer("rankpool.py", name, 1, &format!("{words} --peer {name}"));
    Case {
        ours: vec![Ours { program, targets: vec![Target::Fastest(&[0, 1, 2], wanted)] }],
        peers: ["sklearn", "liblinear-s11", "liblinear-s12"].iter().flat_map(peer).collect(),
        ..Case::new(format!("fit, {columns} columns"), 1)
    }
}

fn alone(start: &Start, columns: usize) -> Case {
    let words = format!("--job fit --D {columns} --budget 1");
    let program = start.ours("rank_pool", "regimen", 1, &words);
    let ours = vec![Ours { program, targets: Vec::new() }];
    Case { ours, ..Case::new(format!("fit, {columns} columns"), 1) }
}

fn features(start: &Start) -> Case {
    let words = "--job features --D 4096 --budget 1";
    let program = start.ours("rank_pool", "regimen", 1, words);
    Case {
        ours: vec![Ours { program, targets: vec![Target::Fastest(&[0], 1.0)] }],
        peers: start.peer("rankpool.py", "numpy", 1, &format!("{words} --peer numpy")),
        ..Case::new("features, 4096 columns".into(), 1)
    }
}

/// Our gradients, and as peers the system of 4096 unknowns and those of low rank.
fn gradient(start: &Start) -> Case {
    let words = "--job grad --D 4096 --budget 1";
    let ours = |inverse: &str, targets: Vec<Target>| Ours {
        program: start.ours("rank_pool", inverse, 1, &format!("{words} --inverse {inverse}")),
        targets,
    };
    let exact = vec![Target::Fastest(&[0], 1.0 / 400.0), Target::Fastest(&[1, 2], 1.0)];
    let peer = |name: &&str| start.peer("rankpool.py", name, 1, &format!("{words} --peer {name}"));
    let peers = ["scipy-chol", "numpy-woodbury", "torch-woodbury"];
    Case {
        ours: vec![ours("exact", exact), ours("diagonal", Vec::new())],
        peers: peers.iter().flat_map(peer).collect(),
        ..Case::new("gradient, 4096 columns".into(), 1)
    }
}
