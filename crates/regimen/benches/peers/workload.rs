//! Builds the case of a workload: our program, the peers' script, and the ratios wanted.

use super::{Case, Ours, Start, Target};

/// A workload: a program of ours with arguments, the peers' script, and what the peers are called.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) example: &'static str,
    pub(crate) arguments: &'static str,
    pub(crate) script: &'static str,
    pub(crate) peers: &'static [&'static str],
    /// Ours over the fastest peer, on one thread and on two.
    pub(crate) wanted: [f64; 2],
}

impl Workload {
    /// An epoch of an end-to-end memory network.
    pub(crate) fn memory_network(name: &'static str, arguments: &'static str) -> Self {
        Self {
            name,
            example: "memory_network",
            arguments,
            script: "memn2n.py",
            peers: &["jax-scan --bow dense", "jax-step --bow dense", "torch-eager --bow dense"],
            wanted: [0.33; 2],
        }
    }

    /// What the machine can do: a product of matrices.
    pub(crate) fn product() -> Self {
        Self {
            name: "sgemm 2048",
            example: "machine",
            arguments: "--job gemm --n 2048",
            script: "machine.py",
            peers: &["numpy", "torch"],
            wanted: [1.1; 2],
        }
    }

    /// A step of style transfer.
    pub(crate) fn style(
        name: &'static str,
        arguments: &'static str,
        peers: &'static [&'static str],
    ) -> Self {
        let wanted = [0.7, 0.8];
        Self { name, example: "style", arguments, script: "style.py", peers, wanted }
    }

    pub(crate) fn case(&self, start: &Start, threads: usize) -> Case {
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
