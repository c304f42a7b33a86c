//! Elementwise functions as layers.

use autodiff::{Error, Var};

use super::{Layer, Map, Params};
use crate::Layout;

/// A function of each element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activation {
    name: String,
    function: Function,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Relu,
    Tanh,
    Sigmoid,
}

impl Activation {
    /// `max(x, 0)`.
    pub fn relu(name: &str) -> Self {
        Self { name: name.into(), function: Function::Relu }
    }

    /// The hyperbolic tangent.
    pub fn tanh(name: &str) -> Self {
        Self { name: name.into(), function: Function::Tanh }
    }

    /// `1 / (1 + exp(-x))`.
    pub fn sigmoid(name: &str) -> Self {
        Self { name: name.into(), function: Function::Sigmoid }
    }
}

impl Layer for Activation {
    fn declare(&self, _layout: &mut Layout) {}
}

impl Map for Activation {
    fn name(&self) -> &str {
        &self.name
    }

    fn forward<'g>(&self, _params: &Params<'_, 'g>, x: Var<'g>) -> Result<Var<'g>, Error> {
        Ok(match self.function {
            Function::Relu => x.relu(),
            Function::Tanh => x.tanh(),
            Function::Sigmoid => x.sigmoid(),
        })
    }
}
