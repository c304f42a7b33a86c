//! One workload with the programs that compete on it and the targets that ours should meet.

use std::path::Path;

use anyhow::Result;

use super::program::{Program, Sample};
use super::show::{least, median};
use super::{ROUNDS, TRIALS};

/// A peer that is slower than the fastest by more than this factor is not measured any further.
const NEAR: f64 = 1.1;

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
    pub(crate) rounds: usize,
}

impl Case {
    /// A workload, with nothing that runs yet.
    pub(crate) fn new(name: String, threads: usize) -> Self {
        let (ours, peers) = (Vec::new(), Vec::new());
        Self { name, threads, is_peak: false, ours, peers, rounds: ROUNDS }
    }

    /// 10^9 operations of a unit of work, however it is computed, as a program counts them.
    pub(crate) fn gflop(&self) -> Option<f64> {
        self.programs().find_map(|program| program.samples.first()?.gflop)
    }

    pub(crate) fn programs(&self) -> impl Iterator<Item = &Program> {
        self.ours.iter().map(|ours| &ours.program).chain(&self.peers)
    }

    /// Runs all programs in turn, so that they meet the same states of the machine; after a few rounds
    /// only the peers that can be the fastest.
    pub(crate) fn run(&mut self, folder: &Path) -> Result<()> {
        for round in 0..self.rounds {
            for ours in &mut self.ours {
                ours.program.measure(folder)?;
            }
            let contenders: Vec<bool> =
                (0..self.peers.len()).map(|peer| self.contends(peer, round)).collect();
            for (peer, contends) in self.peers.iter_mut().zip(contenders) {
                if contends {
                    peer.measure(folder)?;
                }
            }
        }
        Ok(())
    }

    /// Whether a peer comes near the fastest of those that a target compares it with. One that has left
    /// out a round stays out, so that its samples are those of the first rounds, as a ratio takes them.
    fn contends(&self, peer: usize, round: usize) -> bool {
        if round < TRIALS || self.peers[peer].samples.len() < round {
            return round < TRIALS;
        }
        let seconds = |program| median(program, |sample| sample.seconds);
        self.ours.iter().flat_map(|ours| &ours.targets).any(|target| match target {
            Target::Fastest(among, _) if among.contains(&peer) => {
                least(&self.peers, among, |sample| sample.seconds)
                    .is_some_and(|fastest| seconds(&self.peers[peer]) < NEAR * seconds(fastest))
            }
            _ => false,
        })
    }
}

/// Ratios of what ours took to what a peer took, round by round.
pub(crate) fn ratios(ours: &Program, peer: &Program, of: fn(&Sample) -> f64) -> Vec<f64> {
    ours.samples.iter().zip(&peer.samples).map(|(a, b)| of(a) / of(b)).collect()
}
