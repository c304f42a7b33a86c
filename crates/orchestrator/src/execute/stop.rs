//! Requests to stop, soft or hard, shared between threads and signal handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// A request to stop, shared between whoever receives Ctrl-C and [`execute`](super::execute()).
///
/// Only an atomic is touched, so requests may come from a signal handler.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicU8>);

/// How urgent a stop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    None,
    Soft,
    Hard,
}

impl Stop {
    /// No request yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Start nothing more; running runs checkpoint and stop.
    pub fn soft(&self) {
        self.0.fetch_max(1, Ordering::SeqCst);
    }

    /// Kill the workers at once; what was recorded is kept.
    pub fn hard(&self) {
        self.0.fetch_max(2, Ordering::SeqCst);
    }

    /// Whether any stop was asked for.
    pub fn requested(&self) -> bool {
        self.urgency() != Urgency::None
    }

    pub(crate) fn urgency(&self) -> Urgency {
        match self.0.load(Ordering::SeqCst) {
            0 => Urgency::None,
            1 => Urgency::Soft,
            _ => Urgency::Hard,
        }
    }
}
