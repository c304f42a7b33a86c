//! A step of style transfer beside PyTorch and JAX, on one thread and on two: `scripts/bench style`.

#[expect(dead_code, reason = "other benchmarks have other workloads and targets")]
#[path = "peers/mod.rs"]
mod peers;

use std::process::ExitCode;

use anyhow::Result;
use peers::Start;
use peers::workload::Workload;

const EXAMPLES: &[&str] = &["machine", "style"];
const PEERS: &[&str] = &["torch", "torch-cl", "torch-compile", "jax-nhwc"];

fn main() -> Result<ExitCode> {
    peers::main(EXAMPLES, |start: &Start| {
        // The first cases say what the machine can do.
        let workloads = || {
            [
                Workload::product(),
                Workload::style("style 256", "--size 256", PEERS),
                Workload::style("style 512", "--size 512", PEERS),
            ]
        };
        let cases = |threads| workloads().map(|workload| workload.case(start, threads));
        [1, 2].into_iter().flat_map(cases).collect()
    })
}
