//! The backward pass of a recurrent layer, and its own derivative by the layer's definition.

use super::composite::{Trace, trace};
use super::form::{Form, INPUT, MEMORY, STATE};
use crate::exec::Call;
use crate::graph::{Derivative, Op};
use crate::ops::{Alias, by_float};
use crate::signature::Signature;
use crate::{Error, Float, Var};
use kernels::recurrence::{self, Cell, Dims};

/// The operands of a layer, what its forward pass kept and the gradient of what it shows, to the
/// parts of `Dims::parts`.
#[derive(Debug)]
pub(super) struct Back(pub Form);

/// The parts of the gradient, in their shapes.
pub(super) fn parts_of<'g>(flat: Var<'g>, dims: &Dims) -> Result<[Var<'g>; 8], Error> {
    let mut start = 0;
    let mut parts = [flat; 8];
    for (index, (steps, width)) in dims.parts().into_iter().enumerate() {
        let end = start + steps * dims.rows * width;
        let shape: &[usize] = match index {
            2 | 3 | 7 => &[dims.rows, width],
            6 => &[dims.rows, dims.places, dims.keys],
            _ => &[steps, dims.rows, width],
        };
        parts[index] = flat.slice(0, start..end)?.reshape(shape)?;
        start = end;
    }
    Ok(parts)
}

impl Op for Back {
    fn name(&self) -> &'static str {
        "recurrence_gradient"
    }

    fn infer(&self, inputs: &[Signature]) -> Result<Signature, Error> {
        let dims = self.0.check(self.name(), inputs)?;
        let shape = vec![dims.part_lens().iter().sum()];
        Ok(Signature { shape, dtype: inputs[0].dtype })
    }

    /// By the layer written in operations of the graph: its gradient there is differentiated again.
    fn derivative<'g>(&self, at: &Derivative<'_, 'g>) -> Result<Vec<Option<Var<'g>>>, Error> {
        let (form, graph) = (self.0, at.gradient.graph());
        let dims = form.dims(|operand| at.inputs[operand].shape());
        let count = form.operands();
        let own = |var: &Var<'g>| graph.apply(Alias, &[*var]);
        let operands: Vec<Var<'g>> =
            at.inputs[..count].iter().map(own).collect::<Result<_, _>>()?;
        let shown = own(&at.inputs[count + 1])?;
        let trace = trace(form, &dims, &operands)?;
        let loss = trace.shown.mul(shown)?.sum_all();
        let slope = slope(form, &dims, &operands, &trace, (loss, at.gradient))?;
        let fixed = [form.mask(), form.places()];
        let wrt: Vec<usize> = (0..count).filter(|&i| !fixed.contains(&Some(i))).collect();
        let mut vars: Vec<Var<'g>> = wrt.iter().map(|&operand| operands[operand]).collect();
        vars.push(shown);
        let found = graph.grad(slope, &vars)?;
        let mut gradients = vec![None; at.inputs.len()];
        for (operand, gradient) in wrt.into_iter().chain([count + 1]).zip(found) {
            gradients[operand] = Some(gradient);
        }
        Ok(gradients)
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self.0)
    }
}

/// Inner product of the parts of the gradient of `loss` with `weights`.
fn slope<'g>(
    form: Form,
    dims: &Dims,
    operands: &[Var<'g>],
    trace: &Trace<'g>,
    (loss, weights): (Var<'g>, Var<'g>),
) -> Result<Var<'g>, Error> {
    let graph = loss.graph();
    let [input, product, state, memory, queries, contexts, keys, scores] = parts_of(weights, dims)?;
    let mut pairs = vec![(operands[INPUT], input), (operands[STATE], state)];
    if form.cell == Cell::Lstm {
        pairs.push((operands[MEMORY], memory));
    }
    if form.attention {
        pairs.push((operands[form.attention() + 3], keys));
        pairs.extend(trace.scores.map(|node| (node, scores)));
    }
    let steps =
        [(&trace.products, product), (&trace.queries, queries), (&trace.contexts, contexts)];
    for (nodes, weights) in steps {
        for (step, &node) in nodes.iter().enumerate() {
            pairs.push((node, weights.slice(0, step..step + 1)?.reshape(&node.shape())?));
        }
    }
    let nodes: Vec<Var<'g>> = pairs.iter().map(|pair| pair.0).collect();
    let mut slope = graph.scalar(0.0);
    for (gradient, (_, weight)) in graph.grad(loss, &nodes)?.into_iter().zip(pairs) {
        slope = slope.add(gradient.mul(weight)?.sum_all())?;
    }
    Ok(slope)
}

fn run<T: Float>(call: &mut Call<'_>, form: Form) -> Result<(), Error> {
    let dims = form.dims(|operand| call.shape(operand));
    let (operands, workspace) = (form.operands_of(call), call.workspace());
    let given = (call.input::<T>(form.operands()), call.input::<T>(form.operands() + 1));
    recurrence::backward(&dims, &operands, given, call.output(), workspace);
    Ok(())
}
