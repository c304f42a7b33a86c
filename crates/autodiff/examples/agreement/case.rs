//! A case: inputs, what is done with them, and what the other program calls it.

use autodiff::{Error, Graph, Var};
use serde_json::Value;

use crate::draw::Draw;

/// Writes the operations into a graph: inputs to outputs.
type Trace = dyn for<'g> Fn(&'g Graph, &[Var<'g>]) -> Result<Vec<Var<'g>>, Error>;

pub(crate) struct Input {
    pub name: &'static str,
    pub shape: Vec<usize>,
    pub draw: Draw,
    /// Whether no gradient is taken with respect to it.
    pub fixed: bool,
}

pub(crate) struct Case {
    /// The function that computes the same in the other program.
    pub reference: &'static str,
    /// What sets it apart from other cases of the same function.
    pub detail: String,
    pub parameters: Value,
    pub inputs: Vec<Input>,
    pub trace: Box<Trace>,
}

/// A case without inputs and parameters.
pub(crate) fn case(
    reference: &'static str,
    detail: impl Into<String>,
    trace: impl for<'g> Fn(&'g Graph, &[Var<'g>]) -> Result<Vec<Var<'g>>, Error> + 'static,
) -> Case {
    let trace = Box::new(trace);
    Case { reference, detail: detail.into(), parameters: Value::Null, inputs: Vec::new(), trace }
}

impl Case {
    /// With one more input, differentiated where it is of floats.
    pub(crate) fn of(mut self, name: &'static str, shape: &[usize], draw: Draw) -> Case {
        let fixed = draw.is_index();
        self.inputs.push(Input { name, shape: shape.to_vec(), draw, fixed });
        self
    }

    /// With one more input that no gradient is taken with respect to.
    pub(crate) fn fixed(mut self, name: &'static str, shape: &[usize], draw: Draw) -> Case {
        self.inputs.push(Input { name, shape: shape.to_vec(), draw, fixed: true });
        self
    }

    pub(crate) fn with(self, parameters: Value) -> Case {
        Case { parameters, ..self }
    }
}
