//! Optimisers: rules that turn gradients into updates, written into the graph.

use autodiff::{Error, Graph, Var};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Gradient, Layout};

/// A rule that turns gradients into updates.
///
/// Updates are nodes of the training graph. For a row-sparse gradient only the touched rows of the
/// parameter and of the optimiser's state are read and written, so momentum and the moments of Adam
/// of other rows stand still until those rows are touched again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum Optimizer {
    /// Stochastic gradient descent: `v = momentum v + g`, `w = w - rate v`.
    Sgd {
        /// Factor by which the velocity decays; 0 for plain descent.
        #[serde(default)]
        momentum: f64,
    },
    /// Adam (Kingma & Ba 2015, algorithm 1).
    Adam {
        /// Decay of the first moment.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
}

fn beta1() -> f64 {
    0.9
}

fn beta2() -> f64 {
    0.999
}

fn epsilon() -> f64 {
    1e-8
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::Sgd { momentum: 0.0 }
    }
}

/// Number of per-step scalars that [`Optimizer::scalars`] gives.
pub(crate) const SCALARS: usize = 2;

impl Optimizer {
    /// How many flat vectors of state the rule keeps.
    pub fn states(&self) -> usize {
        match self {
            Self::Sgd { momentum } => usize::from(*momentum != 0.0),
            Self::Adam { .. } => 2,
        }
    }

    /// The scalars that update number `step` (from 0) needs at learning rate `rate`.
    pub(crate) fn scalars(&self, step: u64, rate: f64) -> [f64; SCALARS] {
        match self {
            Self::Sgd { .. } => [rate, 0.0],
            Self::Adam { beta1, beta2, .. } => {
                let t = i32::try_from(step + 1).unwrap_or(i32::MAX);
                [rate / (1.0 - beta1.powi(t)), (1.0 - beta2.powi(t)).sqrt().recip()]
            }
        }
    }

    /// Writes the update of every tensor into the graph.
    ///
    /// `state` holds the rule's flat vectors one after the other, `[states * len]`, and `scalars`
    /// what [`scalars`](Self::scalars) gave, `[2]`.
    ///
    /// # Errors
    /// A shape error, when the arguments do not belong together.
    pub(crate) fn update<'g>(
        &self,
        layout: &Layout,
        params: &[Var<'g>],
        gradients: &[Gradient<'g>],
        state: Option<Var<'g>>,
        scalars: Var<'g>,
    ) -> Result<(), Error> {
        let graph = scalars.graph();
        let rate = scalars.slice(0, 0..1)?.reshape(&[])?;
        let correction = scalars.slice(0, 1..2)?.reshape(&[])?;
        let mut states = Vec::new();
        if let Some(state) = state {
            for index in 0..self.states() {
                let start = index * layout.len();
                states.push(layout.views(state.slice(0, start..start + layout.len())?)?);
            }
        }
        for (index, gradient) in gradients.iter().enumerate() {
            let slot = Slot { graph, gradient };
            let g = gradient.values();
            match self {
                Self::Sgd { momentum } => {
                    let velocity = match states.first() {
                        Some(velocities) => {
                            let v = slot.read(velocities[index])?.mul_scalar(*momentum).add(g)?;
                            slot.write(velocities[index], v)?;
                            v
                        }
                        None => g,
                    };
                    let w = slot.read(params[index])?;
                    slot.write(params[index], w.sub(velocity.mul(rate)?)?)?;
                }
                Self::Adam { beta1, beta2, epsilon } => {
                    let (m, v) = (states[0][index], states[1][index]);
                    let first = slot.read(m)?.mul_scalar(*beta1).add(g.mul_scalar(1.0 - beta1))?;
                    let second =
                        slot.read(v)?.mul_scalar(*beta2).add(g.square().mul_scalar(1.0 - beta2))?;
                    let root = second.sqrt().mul(correction)?.add_scalar(*epsilon);
                    slot.write(m, first)?;
                    slot.write(v, second)?;
                    let w = slot.read(params[index])?;
                    slot.write(params[index], w.sub(first.mul(rate)?.div(root)?)?)?;
                }
            }
        }
        Ok(())
    }
}

/// Reads and writes the part of a tensor that a gradient touches.
struct Slot<'a, 'g> {
    graph: &'g Graph,
    gradient: &'a Gradient<'g>,
}

impl<'g> Slot<'_, 'g> {
    fn read(&self, tensor: Var<'g>) -> Result<Var<'g>, Error> {
        match self.gradient {
            Gradient::Dense(_) => Ok(tensor),
            Gradient::Rows(sparse) => tensor.gather(sparse.indices),
        }
    }

    fn write(&self, tensor: Var<'g>, value: Var<'g>) -> Result<(), Error> {
        match self.gradient {
            Gradient::Dense(_) => self.graph.assign(tensor, value),
            Gradient::Rows(sparse) => self.graph.assign_rows(tensor, sparse.indices, value),
        }
    }
}
