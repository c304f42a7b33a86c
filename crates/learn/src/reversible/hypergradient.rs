//! What training is given, what it yields, and the derivatives of that by everything given.

use experiment::Stream;

use super::Schedules;

/// What one training run is given.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Learning rates and momenta.
    pub schedules: &'a Schedules,
    /// Initial weights, flat, in the order of the objective's layout.
    pub initial: &'a [f64],
    /// Hyper-parameters of the objectives, flat; empty where they have none.
    pub hypers: &'a [f64],
    /// Where batches are drawn: step `t` uses batch `t`, the outer objective batch 0 of its own.
    pub batches: &'a Stream,
}

/// What training alone gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The outer objective after the last step.
    pub value: f64,
    /// Training loss before each step.
    pub losses: Vec<f64>,
    /// Weights after the last step, flat.
    pub weights: Vec<f64>,
}

/// The outer objective's derivatives with respect to everything that training was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypergradient {
    /// What training gave.
    pub trial: Trial,
    /// With respect to learning rates, `[steps, groups]`.
    pub rates: Vec<f64>,
    /// With respect to momenta, `[steps, groups]`.
    pub momenta: Vec<f64>,
    /// With respect to the initial weights, flat.
    pub initial: Vec<f64>,
    /// With respect to the hyper-parameters, flat: through every step, and directly.
    pub hypers: Vec<f64>,
    /// The memory it took.
    pub kept: Kept,
}

/// Memory of one hypergradient, in bytes at its peak; programs and batches are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// Weights and velocities of the current step, exact.
    pub state: usize,
    /// Everything kept of earlier steps.
    pub trajectory: usize,
    /// Of that, the stack of lost information.
    pub stack: usize,
}
