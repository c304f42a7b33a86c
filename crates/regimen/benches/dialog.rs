//! The dialog experiment's network beside PyTorch and JAX on one thread: `scripts/bench dialog`.

#[expect(dead_code, reason = "other benchmarks have peaks and targets for memory")]
#[path = "peers/mod.rs"]
mod peers;

use std::process::ExitCode;

use anyhow::Result;
use peers::workload::Workload;

fn main() -> Result<ExitCode> {
    peers::main(&["memory_network"], |start| {
        [("1 hop", "--hops 1"), ("3 hops", "--hops 3")]
            .map(|(name, arguments)| Workload::memory_network(name, arguments).case(start, 1))
            .into()
    })
}
