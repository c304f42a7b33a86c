use std::path::Path;

use anyhow::Result;

use super::program::{Program, Sample};

/// What ours should stay below.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// The time of the fastest of the peers with these indices, times this.
    Fastest(&'static [usize], f64),
    /// This peak resident size in MiB.
    Peak(f64),
}

/// One of our programs, and what is wanted of it.
pub(crate) struct Ours {
    pub(crate) program: Program,
    pub(crate) targets: Vec<Target>,
}

/// One workload.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) ours: Vec<Ours>,
    pub(crate) peers: Vec<Program>,
    /// How often everything runs, and how often a peer that takes long.
    pub(crate) rounds: usize,
    pub(crate) slow: (&'static [usize], usize),
}

impl Case {
    /// Runs all programs in turn, so that they meet the same states of the machine.
    pub(crate) fn run(&mut self, folder: &Path) -> Result<()> {
        for round in 0..self.rounds {
            for ours in &mut self.ours {
                ours.program.measure(folder)?;
            }
            for (index, peer) in self.peers.iter_mut().enumerate() {
                if !self.slow.0.contains(&index) || round < self.slow.1 {
                    peer.measure(folder)?;
                }
            }
        }
        Ok(())
    }
}

/// Ratios of what ours took to what a peer took, round by round.
pub(crate) fn ratios(ours: &Program, peer: &Program, of: fn(&Sample) -> f64) -> Vec<f64> {
    ours.samples.iter().zip(&peer.samples).map(|(a, b)| of(a) / of(b)).collect()
}
