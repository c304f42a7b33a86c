//! How earlier weights and velocities are had again.

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
#[derive(Debug, Default)]
pub(crate) struct TapeStep<F> {
    pub(crate) weights: Vec<F>,
    pub(crate) gradient: Vec<F>,
    pub(crate) velocities: Vec<i64>,
}

/// Consecutive steps of training, as the reverse pass reads them. Its memory serves again.
#[derive(Debug, Default)]
pub(crate) struct Tape<F> {
    first: usize,
    /// Velocities before the first step.
    start: Vec<i64>,
    steps: Vec<TapeStep<F>>,
    /// Steps recorded.
    len: usize,
}

impl<F: Float> Tape<F> {
    /// Begins again, at step `first`.
    pub(crate) fn begin(&mut self, first: usize, groups: &[Group]) {
        (self.first, self.len) = (first, 0);
        velocities(groups, &mut self.start);
    }

    /// Records what stands before a step.
    pub(crate) fn before<'b>(
        &mut self,
        weights: impl Iterator<Item = &'b Buffer>,
    ) -> Result<(), Error> {
        if self.len == self.steps.len() {
            self.steps.push(TapeStep::default());
        }
        self.len += 1;
        collect(weights, &mut self.steps[self.len - 1].weights)
    }

    /// Records what the step led to.
    pub(crate) fn after<'b>(
        &mut self,
        gradient: impl Iterator<Item = &'b Buffer>,
        groups: &[Group],
    ) -> Result<(), Error> {
        let step = &mut self.steps[self.len - 1];
        velocities(groups, &mut step.velocities);
        collect(gradient, &mut step.gradient)
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
        8 * values + self.len * values * (8 + 2 * size_of::<F>())
    }
}

/// The values of several buffers, one after the other.
pub(crate) fn flat<'b, F: Float>(
    buffers: impl Iterator<Item = &'b Buffer>,
) -> Result<Vec<F>, Error> {
    let mut values = Vec::new();
    collect(buffers, &mut values)?;
    Ok(values)
}

/// As [`flat`], into memory that is there.
fn collect<'b, F: Float>(
    buffers: impl Iterator<Item = &'b Buffer>,
    to: &mut Vec<F>,
) -> Result<(), Error> {
    to.clear();
    for buffer in buffers {
        buffer.view(|values| to.extend_from_slice(values))?;
    }
    Ok(())
}

fn velocities(groups: &[Group], to: &mut Vec<i64>) {
    to.clear();
    groups.iter().for_each(|group| to.extend_from_slice(&group.velocities));
}
