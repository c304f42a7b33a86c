//! What a recurrent layer shows, and its derivative.

use super::back::{Back, parts_of};
use super::composite::trace;
use super::form::{Form, MEMORY, STATE};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::ops::by_float;
use crate::signature::Signature;
use crate::{Error, Float, Graph, Var};
use kernels::recurrence::{Cell, Dims};

/// The operands of a layer and what its forward pass kept, to states, contexts, attention weights and
/// the last memory, one after the other.
#[derive(Debug)]
pub(super) struct Shown(pub Form);

/// The parts of what a layer shows, in their shapes.
pub(super) fn parts<'g>(shown: Var<'g>, dims: &Dims) -> Result<[Var<'g>; 4], Error> {
    let (steps, rows) = (dims.steps, dims.rows);
    let [states, contexts, weights, memory] = dims.shown();
    let part = |start: usize, len: usize, shape: &[usize]| {
        shown.slice(0, start..start + len)?.reshape(shape)
    };
    let width = if memory == 0 { 0 } else { dims.width };
    Ok([
        part(0, states, &[steps, rows, dims.width])?,
        part(states, contexts, &[steps, rows, dims.values])?,
        part(states + contexts, weights, &[steps, rows, dims.places])?,
        part(states + contexts + weights, memory, &[rows, width])?,
    ])
}

impl Op for Shown {
    fn name(&self) -> &'static str {
        "recurrence"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let dims = self.0.check(self.name(), inputs)?;
        let shape = vec![dims.shown().iter().sum()];
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    /// The weights' gradients are products over all steps at once.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (form, graph) = (self.0, at.gradient.graph());
        let dims = form.dims(|operand| at.inputs[operand].shape());
        let mut inputs = at.inputs.to_vec();
        inputs.push(at.gradient);
        let flat = graph.apply(Back(form), &inputs)?;
        let [input, product, state, memory, queries, contexts, keys, scores] =
            parts_of(flat, &dims)?;
        let shown = parts(at.output, &dims)?;
        let old = old_states(graph, shown[0], at.inputs[STATE], form.reverse)?;
        let product = if form.cell == Cell::Lstm { input } else { product };
        let mut gradients = vec![None; at.inputs.len()];
        gradients[0] = Some(input);
        gradients[1] = at.when(1, || across(old, product))?;
        gradients[STATE] = Some(state);
        if form.cell == Cell::Lstm {
            gradients[MEMORY] = Some(memory);
        }
        if form.attention {
            let first = form.attention();
            gradients[first] = at.when(first, || across(shown[1], input))?;
            gradients[first + 1] = at.when(first + 1, || across(old, queries))?;
            gradients[first + 2] = at.when(first + 2, || scores.sum(&[0], false))?;
            gradients[first + 3] = Some(keys);
            gradients[first + 4] = at.when(first + 4, || {
                let weights = shown[2].transpose(0, 1)?.transpose(1, 2)?;
                weights.matmul(contexts.transpose(0, 1)?)
            })?;
        }
        Ok(gradients)
    }

    /// By the operands of the layer; what its forward pass kept is not read.
    fn definition<'g>(&self, operands: &[Var<'g>]) -> Option<Result<Var<'g>, Error>> {
        let dims = self.0.dims(|operand| operands[operand].shape());
        Some(trace(self.0, &dims, operands).map(|trace| trace.shown))
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self.0)
    }
}

/// X^T Y over all but the last axis.
fn across<'g>(x: Var<'g>, y: Var<'g>) -> Result<Var<'g>, Error> {
    let rows = |var: Var<'g>| {
        let shape = var.shape();
        let last = shape[shape.len() - 1];
        var.reshape(&[shape[..shape.len() - 1].iter().product(), last])
    };
    let (x, y) = (rows(x)?, rows(y)?);
    x.transpose(0, 1)?.matmul(y)
}

/// The state before each step.
fn old_states<'g>(
    graph: &'g Graph,
    states: Var<'g>,
    first: Var<'g>,
    reverse: bool,
) -> Result<Var<'g>, Error> {
    let shape = states.shape();
    let first = first.reshape(&[1, shape[1], shape[2]])?;
    if reverse {
        graph.concat(&[states.slice(0, 1..shape[0])?, first], 0)
    } else {
        graph.concat(&[first, states.slice(0, 0..shape[0] - 1)?], 0)
    }
}

fn run<T: Float>(call: &mut Call<'_>, form: Form) -> Result<(), Error> {
    let dims = form.dims(|operand| call.shape(operand));
    let kept = call.input::<T>(form.operands());
    dims.show(kept, form.reverse, call.output());
    Ok(())
}
