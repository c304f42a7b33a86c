//! Optimisers: rules that turn gradients into updates, written into the graph.

use autodiff::{Error, Graph, Var};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::groups::Unfrozen;
use crate::{Gradient, Treatment};

/// A rule that turns gradients into updates.
///
/// Updates are nodes of the training graph. For a row-sparse gradient only the touched rows of the
/// parameter and of the optimiser's state are read and written, so momentum, the moments of Adam and
/// weight decay of other rows stand still until those rows are touched again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum Optimizer {
    /// Stochastic gradient descent: `g = gradient + decay w`, `v = momentum v + g`,
    /// `w = w - rate v`.
    Sgd {
        /// Factor by which the velocity decays; 0 for plain descent.
        #[serde(default)]
        momentum: f64,
        /// Whether the step looks ahead, `w = w - rate (g + momentum v)`: Nesterov's momentum as Bengio,
        /// Boulanger-Lewandowski & Pascanu (2013, equation 7) write it.
        #[serde(default, skip_serializing_if = "is_false")]
        nesterov: bool,
        /// Coupled weight decay: the gradient of `decay / 2 |w|^2`, added after clipping.
        #[serde(default, skip_serializing_if = "is_zero")]
        decay: f64,
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
        /// Coupled weight decay: the gradient of `decay / 2 |w|^2`, added after clipping.
        #[serde(default, skip_serializing_if = "is_zero")]
        decay: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2): the update of Adam,
    /// and `w = w - rate decay w`. `rate` is the learning rate times its schedule, so that `decay` is
    /// the paper's divided by the learning rate, as other programs have it.
    AdamW {
        /// Decay of the first moment.
        #[serde(default = "beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "beta2")]
        beta2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// Decoupled weight decay.
        #[serde(default = "decay")]
        decay: f64,
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

fn decay() -> f64 {
    0.01
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::sgd(0.0)
    }
}

/// Number of per-step scalars that [`Optimizer::scalars`] gives.
pub(crate) const SCALARS: usize = 3;

impl Optimizer {
    /// Descent with a momentum, without weight decay.
    pub fn sgd(momentum: f64) -> Self {
        Self::Sgd { momentum, nesterov: false, decay: 0.0 }
    }

    /// Adam with the constants of its paper, without weight decay.
    pub fn adam() -> Self {
        Self::Adam { beta1: beta1(), beta2: beta2(), epsilon: epsilon(), decay: 0.0 }
    }

    /// Adam with the constants of its paper and decoupled weight decay.
    pub fn adamw(decay: f64) -> Self {
        Self::AdamW { beta1: beta1(), beta2: beta2(), epsilon: epsilon(), decay }
    }

    /// How many flat vectors of state the rule keeps.
    pub fn states(&self) -> usize {
        match self {
            Self::Sgd { momentum, .. } => usize::from(*momentum != 0.0),
            Self::Adam { .. } | Self::AdamW { .. } => 2,
        }
    }

    /// The weight decay of tensors whose group has none of its own.
    fn decay(&self) -> f64 {
        match self {
            Self::Sgd { decay, .. } | Self::Adam { decay, .. } | Self::AdamW { decay, .. } => {
                *decay
            }
        }
    }

    /// The scalars that update number `step` (from 0) needs at learning rate `rate`: the rate with
    /// the first moment's correction, the correction of the second moment's root, the rate itself.
    pub(crate) fn scalars(&self, step: u64, rate: f64) -> [f64; SCALARS] {
        match self {
            Self::Sgd { .. } => [rate, 0.0, rate],
            Self::Adam { beta1, beta2, .. } | Self::AdamW { beta1, beta2, .. } => {
                let t = i32::try_from(step + 1).unwrap_or(i32::MAX);
                [rate / (1.0 - beta1.powi(t)), (1.0 - beta2.powi(t)).sqrt().recip(), rate]
            }
        }
    }

    /// Writes the update of every tensor that is trained into the graph.
    ///
    /// `params` and `gradients` are those of `own`; `state` holds the rule's flat vectors one after
    /// the other, `[states * own.layout.len()]`, and `scalars` what [`scalars`](Self::scalars) gave.
    ///
    /// # Errors
    /// A shape error, when the arguments do not belong together.
    pub(crate) fn update<'g>(
        &self,
        own: &Unfrozen,
        params: &[Var<'g>],
        gradients: &[Gradient<'g>],
        state: Option<Var<'g>>,
        scalars: Var<'g>,
    ) -> Result<(), Error> {
        let scalar = |index: usize| scalars.slice(0, index..index + 1)?.reshape(&[]);
        let (corrected, correction) = (scalar(0)?, scalar(1)?);
        let mut states = Vec::new();
        if let Some(state) = state {
            for index in 0..self.states() {
                let start = index * own.layout.len();
                states.push(own.layout.views(state.slice(0, start..start + own.layout.len())?)?);
            }
        }
        for (index, gradient) in gradients.iter().enumerate() {
            let Treatment { rate, decay, .. } = own.treatments[index];
            let slot = Slot {
                graph: scalars.graph(),
                gradient,
                tensor: params[index],
                states: states.iter().map(|state| state[index]).collect(),
                rate: scaled(corrected, rate),
                correction,
            };
            let decay = decay.unwrap_or(self.decay());
            match *self {
                Self::Sgd { momentum, nesterov, .. } => slot.descend(momentum, nesterov, decay)?,
                Self::Adam { beta1, beta2, epsilon, .. } => {
                    let g = slot.with_penalty(decay)?;
                    slot.adapt(g, [beta1, beta2, epsilon], None)?;
                }
                Self::AdamW { beta1, beta2, epsilon, .. } => {
                    let decay = rate * decay;
                    let shrink =
                        if decay == 0.0 { None } else { Some(scalar(2)?.mul_scalar(decay)) };
                    slot.adapt(gradient.values(), [beta1, beta2, epsilon], shrink)?;
                }
            }
        }
        Ok(())
    }
}

/// `var * factor`; without a node for a factor of 1.
fn scaled(var: Var<'_>, factor: f64) -> Var<'_> {
    if factor == 1.0 { var } else { var.mul_scalar(factor) }
}

/// One tensor, the part of it that its gradient touches, and its share of the state.
struct Slot<'a, 'g> {
    graph: &'g Graph,
    gradient: &'a Gradient<'g>,
    tensor: Var<'g>,
    /// The tensor's part of each of the rule's vectors.
    states: Vec<Var<'g>>,
    /// The first of the step's scalars, times the group's factor.
    rate: Var<'g>,
    /// The second of the step's scalars.
    correction: Var<'g>,
}

impl<'g> Slot<'_, 'g> {
    /// The gradient with that of `decay / 2 |w|^2`.
    fn with_penalty(&self, decay: f64) -> Result<Var<'g>, Error> {
        let g = self.gradient.values();
        if decay == 0.0 { Ok(g) } else { g.add(self.read(self.tensor)?.mul_scalar(decay)) }
    }

    fn descend(&self, momentum: f64, nesterov: bool, decay: f64) -> Result<(), Error> {
        let g = self.with_penalty(decay)?;
        let velocity = match self.states.first() {
            Some(&velocity) => {
                let v = self.read(velocity)?.mul_scalar(momentum).add(g)?;
                self.write(velocity, v)?;
                if nesterov { g.add(v.mul_scalar(momentum))? } else { v }
            }
            None => g,
        };
        let w = self.read(self.tensor)?;
        self.write(self.tensor, w.sub(velocity.mul(self.rate)?)?)
    }

    /// Adam's update by `g`; before it the tensor loses `shrink` of itself.
    fn adapt(
        &self,
        g: Var<'g>,
        [beta1, beta2, epsilon]: [f64; 3],
        shrink: Option<Var<'g>>,
    ) -> Result<(), Error> {
        let (m, v) = (self.states[0], self.states[1]);
        let first = self.read(m)?.mul_scalar(beta1).add(g.mul_scalar(1.0 - beta1))?;
        let second = self.read(v)?.mul_scalar(beta2).add(g.square().mul_scalar(1.0 - beta2))?;
        let root = second.sqrt().mul(self.correction)?.add_scalar(epsilon);
        self.write(m, first)?;
        self.write(v, second)?;
        let mut w = self.read(self.tensor)?;
        if let Some(shrink) = shrink {
            w = w.sub(w.mul(shrink)?)?;
        }
        self.write(self.tensor, w.sub(first.mul(self.rate)?.div(root)?)?)
    }

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
