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
        let slope = slope(&nodes(form, &operands, &trace), &dims, (loss, at.gradient))?;
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

    fn definition<'g>(&self, operands: &[Var<'g>]) -> Option<Result<Var<'g>, Error>> {
        let (form, shown) = (self.0, operands[self.0.operands() + 1]);
        let dims = form.dims(|operand| operands[operand].shape());
        Some(trace(form, &dims, operands).and_then(|trace| {
            let loss = trace.shown.mul(shown)?.sum_all();
            flat(&nodes(form, operands, &trace), &dims, loss)
        }))
    }

    fn kernel(&self, call: &mut Call<'_>) -> Result<(), Error> {
        by_float!(call, run, self.0)
    }
}

/// The nodes whose gradients are parts of the result, with the part and its step.
fn nodes<'g>(form: Form, operands: &[Var<'g>], trace: &Trace<'g>) -> Vec<(usize, usize, Var<'g>)> {
    let mut nodes = vec![(0, 0, operands[INPUT]), (2, 0, operands[STATE])];
    if form.cell == Cell::Lstm {
        nodes.push((3, 0, operands[MEMORY]));
    }
    if form.attention {
        nodes.push((6, 0, operands[form.attention() + 3]));
        nodes.extend(trace.scores.map(|node| (7, 0, node)));
    }
    for (part, steps) in [(1, &trace.products), (4, &trace.queries), (5, &trace.contexts)] {
        nodes.extend(steps.iter().enumerate().map(|(step, &node)| (part, step, node)));
    }
    nodes
}

/// Inner product of the parts of the gradient of `loss` with `weights`.
fn slope<'g>(
    nodes: &[(usize, usize, Var<'g>)],
    dims: &Dims,
    (loss, weights): (Var<'g>, Var<'g>),
) -> Result<Var<'g>, Error> {
    let (graph, parts) = (loss.graph(), parts_of(weights, dims)?);
    let vars: Vec<Var<'g>> = nodes.iter().map(|node| node.2).collect();
    let mut slope = graph.scalar(0.0);
    for (gradient, &(part, step, node)) in graph.grad(loss, &vars)?.into_iter().zip(nodes) {
        let weight = match part {
            1 | 4 | 5 => parts[part].slice(0, step..step + 1)?.reshape(&node.shape())?,
            _ => parts[part],
        };
        slope = slope.add(gradient.mul(weight)?.sum_all())?;
    }
    Ok(slope)
}

/// The parts of the gradient of `loss`, one after the other; zeros where a layer has no such part.
fn flat<'g>(
    nodes: &[(usize, usize, Var<'g>)],
    dims: &Dims,
    loss: Var<'g>,
) -> Result<Var<'g>, Error> {
    let graph = loss.graph();
    let vars: Vec<Var<'g>> = nodes.iter().map(|node| node.2).collect();
    let gradients = graph.grad(loss, &vars)?;
    let mut flat = Vec::new();
    for (part, len) in dims.part_lens().into_iter().enumerate() {
        let own = nodes.iter().zip(&gradients).filter(|(node, _)| node.0 == part);
        let before = flat.len();
        for (_, gradient) in own {
            flat.push(gradient.reshape(&[gradient.shape().iter().product()])?);
        }
        if flat.len() == before {
            flat.push(graph.full(0.0, &[len]));
        }
    }
    graph.concat(&flat, 0)
}

fn run<T: Float>(call: &mut Call<'_>, form: Form) -> Result<(), Error> {
    let dims = form.dims(|operand| call.shape(operand));
    let (operands, workspace) = (form.operands_of(call), call.workspace());
    let given = (call.input::<T>(form.operands()), call.input::<T>(form.operands() + 1));
    recurrence::backward(&dims, &operands, given, call.output(), workspace);
    Ok(())
}
