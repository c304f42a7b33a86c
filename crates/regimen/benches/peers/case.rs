use std::path::Path;

use anyhow::Result;

use super::ROUNDS;
use super::program::{Program, Sample};

/// What ours should stay below.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// The time of the fastest of the peers with these indices, times this.
    Fastest(&'static [usize], f64),
    /// This peak resident size in MiB.
    Peak(f64),
    /// The peak resident size of the smallest of the peers with these indices, times this.
    Smallest(&'static [usize], f64),
}

/// One of our programs, and what is wanted of it.
pub(crate) struct Ours {
    pub(crate) program: Program,
    pub(crate) targets: Vec<Target>,
}

/// One workload.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) threads: usize,
    /// Whether this case measures what the machine can do.
    pub(crate) is_peak: bool,
    pub(crate) ours: Vec<Ours>,
    pub(crate) peers: Vec<Program>,
    /// How often everything runs, and how often a peer that takes long.
    pub(crate) rounds: usize,
    pub(crate) slow: (&'static [usize], usize),
}

impl Case {
    /// A workload, with nothing that runs yet.
    pub(crate) fn new(name: String, threads: usize) -> Self {
        let (ours, peers) = (Vec::new(), Vec::new());
        let slow = (&[][..], 0);
        Self { name, threads, is_peak: false, ours, peers, rounds: ROUNDS, slow }
    }

    /// 10^9 operations of a unit of work, however it is computed, as a program counts them.
    pub(crate) fn gflop(&self) -> Option<f64> {
        self.programs().find_map(|program| program.samples.first()?.gflop)
    }

    pub(crate) fn programs(&self) -> impl Iterator<Item = &Program> {
        self.ours.iter().map(|ours| &ours.program).chain(&self.peers)
    }

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
