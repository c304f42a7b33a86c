use autodiff::{Buffer, Error, Float};

use super::group::Group;

/// How the reverse pass gets the weights and velocities of earlier steps back. All three give the
/// same numbers to the bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trajectory {
    /// By exact reversal: keeps what multiplications lose, `log2(1/gamma)` bits a step and weight.
    #[default]
    Reversible,
    /// Keeps the weights, velocities and gradients of every step.
    Tape,
    /// Keeps the state of every `sqrt(T)`-th step and computes the steps between again.
    Checkpointed,
}

impl Trajectory {
    /// Steps between two states that are kept, and that one tape covers.
    pub(crate) fn segment(self, steps: usize) -> usize {
        match self {
            Self::Checkpointed => steps.isqrt().max(1),
            Self::Reversible | Self::Tape => steps.max(1),
        }
    }
}

/// Weights and gradient of a step, velocities after it, all groups in one vector each.
#[derive(Debug)]
pub(crate) struct TapeStep<F> {
    pub(crate) weights: Vec<F>,
    pub(crate) gradient: Vec<F>,
    pub(crate) velocities: Vec<i64>,
}

/// Consecutive steps of training, as the reverse pass reads them.
#[derive(Debug)]
pub(crate) struct Tape<F> {
    first: usize,
    /// Velocities before the first step.
    start: Vec<i64>,
    steps: Vec<TapeStep<F>>,
}

impl<F: Float> Tape<F> {
    /// A tape that begins at step `first`.
    pub(crate) fn new(first: usize, groups: &[Group]) -> Self {
        Self { first, start: velocities(groups), steps: Vec::new() }
    }

    /// Records a step: `weights` before it, the groups after it.
    pub(crate) fn record<'b>(
        &mut self,
        weights: Vec<F>,
        gradient: impl Iterator<Item = &'b Buffer>,
        groups: &[Group],
    ) -> Result<(), Error> {
        let gradient = flat(gradient)?;
        self.steps.push(TapeStep { weights, gradient, velocities: velocities(groups) });
        Ok(())
    }

    /// Step `step`, and the velocities before it.
    pub(crate) fn step(&self, step: usize) -> (&TapeStep<F>, &[i64]) {
        let at = step - self.first;
        let before = if at == 0 { &self.start } else { &self.steps[at - 1].velocities };
        (&self.steps[at], before)
    }

    /// Bytes that are kept.
    pub(crate) fn bytes(&self) -> usize {
        let values = self.start.len();
        8 * values + self.steps.len() * values * (8 + 2 * size_of::<F>())
    }
}

/// The values of several buffers, one after the other.
pub(crate) fn flat<'b, F: Float>(
    buffers: impl Iterator<Item = &'b Buffer>,
) -> Result<Vec<F>, Error> {
    let mut values = Vec::new();
    for buffer in buffers {
        values.extend_from_slice(buffer.as_slice()?);
    }
    Ok(values)
}

fn velocities(groups: &[Group]) -> Vec<i64> {
    groups.iter().flat_map(|group| &group.velocities).copied().collect()
}
