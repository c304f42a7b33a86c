//! Learning rates and momenta of every step and tensor.

use super::{HyperError, Momentum};

/// Learning rates and momenta of every step and group, `[steps, groups]` each.
///
/// A group is one tensor of the objective's layout, so weights and biases have their own.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedules {
    groups: usize,
    rates: Vec<f64>,
    momenta: Vec<Momentum>,
}

impl Schedules {
    /// Schedules from row-major `[steps, groups]` arrays; momenta become the nearest rational
    /// numbers.
    ///
    /// # Errors
    /// [`HyperError::Length`] for arrays that do not fit, [`HyperError::Rate`],
    /// [`HyperError::Momentum`].
    pub fn new(groups: usize, rates: &[f64], momenta: &[f64]) -> Result<Self, HyperError> {
        Self::rounded(groups, rates, momenta, Momentum::nearest)
    }

    /// [`new`](Self::new) with the momenta of the authors' code, [`Momentum::published`].
    ///
    /// # Errors
    /// As `new`.
    pub fn published(groups: usize, rates: &[f64], momenta: &[f64]) -> Result<Self, HyperError> {
        Self::rounded(groups, rates, momenta, Momentum::published)
    }

    fn rounded(
        groups: usize,
        rates: &[f64],
        momenta: &[f64],
        round: fn(f64) -> Result<Momentum, HyperError>,
    ) -> Result<Self, HyperError> {
        let groups = groups.max(1);
        let length = |what, wanted, found| HyperError::Length { what, wanted, found };
        if !rates.len().is_multiple_of(groups) {
            let wanted = rates.len().next_multiple_of(groups);
            return Err(length("learning rates", wanted, rates.len()));
        }
        if momenta.len() != rates.len() {
            return Err(length("momenta", rates.len(), momenta.len()));
        }
        if let Some(at) = rates.iter().position(|rate| !rate.is_finite()) {
            return Err(HyperError::Rate { found: rates[at], step: at / groups });
        }
        let momenta = momenta.iter().map(|&gamma| round(gamma)).collect::<Result<_, _>>()?;
        Ok(Self { groups, rates: rates.to_vec(), momenta })
    }

    /// One learning rate and one momentum for every step and group.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn constant(
        steps: usize,
        groups: usize,
        rate: f64,
        momentum: f64,
    ) -> Result<Self, HyperError> {
        let count = steps * groups;
        Self::new(groups, &vec![rate; count], &vec![momentum; count])
    }

    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.rates.len() / self.groups
    }

    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Learning rate `alpha` of a step and group.
    pub fn rate(&self, step: usize, group: usize) -> f64 {
        self.rates[step * self.groups + group]
    }

    /// Momentum `gamma` of a step and group.
    pub fn momentum(&self, step: usize, group: usize) -> Momentum {
        self.momenta[step * self.groups + group]
    }
}
