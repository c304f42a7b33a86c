//! Settings of L-BFGS, and what its evaluations lead to.

use serde::{Deserialize, Serialize};

/// Settings of [`Lbfgs`](super::Lbfgs).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LbfgsSettings {
    /// Number of steps that the memory holds.
    pub history: usize,
    /// Ends when no element of the (projected) gradient is larger.
    pub gradient_tolerance: f64,
    /// Ends when an iteration lowers the value by no more than this share of the larger of the two
    /// values and 1.
    pub value_tolerance: f64,
    /// Number of evaluations of a line search before it is given up.
    pub search_evaluations: u32,
}

impl Default for LbfgsSettings {
    fn default() -> Self {
        Self {
            history: 10,
            gradient_tolerance: 1e-5,
            value_tolerance: 2.2e-9,
            search_evaluations: 20,
        }
    }
}

/// Why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// The gradient is small.
    Gradient,
    /// The value hardly falls any more.
    Value,
    /// No step along the gradient lowers the value: it is as low as rounding lets it be, or the
    /// gradient is not that of the value.
    NoStep,
}

/// What an evaluation led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The line search goes on.
    Searching,
    /// An iteration is complete.
    Moved,
    /// The search has ended.
    Ended(Ending),
}
