//! A recurrent layer written in operations of the graph: its definition, and its second derivative.

use super::form::{Form, INPUT, MEMORY, STATE, WEIGHT};
use crate::{Error, Var};
use kernels::recurrence::{Cell, Dims};

/// The nodes that a backward pass gives gradients of, by step, in the order of time.
#[derive(Debug)]
pub(super) struct Trace<'g> {
    /// As the layer shows it.
    pub shown: Var<'g>,
    /// h W of a GRU.
    pub products: Vec<Var<'g>>,
    pub queries: Vec<Var<'g>>,
    pub contexts: Vec<Var<'g>>,
    /// The score vector, once for each row.
    pub scores: Option<Var<'g>>,
}

/// State and memory.
#[derive(Clone, Copy)]
struct Carried<'g> {
    state: Var<'g>,
    memory: Option<Var<'g>>,
}

pub(super) fn trace<'g>(form: Form, dims: &Dims, operands: &[Var<'g>]) -> Result<Trace<'g>, Error> {
    let graph = operands[INPUT].graph();
    let lstm = form.cell == Cell::Lstm;
    let mut carried = Carried { state: operands[STATE], memory: lstm.then(|| operands[MEMORY]) };
    let first = form.attention();
    let scores = if form.attention {
        Some(operands[first + 2].broadcast_to(&[dims.rows, dims.keys])?)
    } else {
        None
    };
    let mut trace = Trace {
        shown: operands[INPUT],
        products: Vec::new(),
        queries: Vec::new(),
        contexts: Vec::new(),
        scores,
    };
    let (mut states, mut weights) = (Vec::new(), Vec::new());
    for step in 0..dims.steps {
        let step = if form.reverse { dims.steps - 1 - step } else { step };
        let mut input = at_step(operands[INPUT], step)?;
        if let Some(scores) = scores {
            let query = carried.state.matmul(operands[first + 1])?;
            let weight = attend(form, operands, query, scores)?;
            let values = operands[first + 4];
            let context = weight
                .reshape(&[dims.rows, 1, dims.places])?
                .matmul(values)?
                .reshape(&[dims.rows, dims.values])?;
            input = input.add(context.matmul(operands[first])?)?;
            trace.queries.push(query);
            trace.contexts.push(context);
            weights.push(weight);
        }
        let product = carried.state.matmul(operands[WEIGHT])?;
        let mut new = match carried.memory {
            Some(memory) => lstm_step(input.add(product)?, memory, dims.width)?,
            None => {
                trace.products.push(product);
                Carried {
                    state: gru_step(input, product, carried.state, dims.width)?,
                    memory: None,
                }
            }
        };
        if let Some(mask) = form.mask() {
            let mask = at_step(operands[mask], step)?.reshape(&[dims.rows, 1])?;
            new.state = mixed(mask, new.state, carried.state)?;
            if let (Some(new), Some(old)) = (&mut new.memory, carried.memory) {
                *new = mixed(mask, *new, old)?;
            }
        }
        carried = new;
        states.push(carried.state);
    }
    let parts = [&mut states, &mut trace.contexts, &mut weights];
    if form.reverse {
        parts.into_iter().for_each(|part| part.reverse());
        trace.products.reverse();
        trace.queries.reverse();
    }
    let mut flat = Vec::new();
    for var in states.iter().chain(&trace.contexts).chain(&weights).chain(&carried.memory) {
        flat.push(var.reshape(&[var.shape().iter().product()])?);
    }
    trace.shown = graph.concat(&flat, 0)?;
    Ok(trace)
}

fn at_step(var: Var<'_>, step: usize) -> Result<Var<'_>, Error> {
    var.slice(0, step..step + 1)?.reshape(&var.shape()[1..])
}

/// new where the mask is 1, old where it is 0.
fn mixed<'g>(mask: Var<'g>, new: Var<'g>, old: Var<'g>) -> Result<Var<'g>, Error> {
    new.mul(mask)?.add(old.mul(mask.neg().add_scalar(1.0))?)
}

fn lstm_step<'g>(z: Var<'g>, memory: Var<'g>, width: usize) -> Result<Carried<'g>, Error> {
    let block = |i: usize| z.slice(1, i * width..(i + 1) * width);
    let (i, f, g, o) =
        (block(0)?.sigmoid(), block(1)?.sigmoid(), block(2)?.tanh(), block(3)?.sigmoid());
    let memory = f.mul(memory)?.add(i.mul(g)?)?;
    Ok(Carried { state: o.mul(memory.tanh())?, memory: Some(memory) })
}

fn gru_step<'g>(
    z: Var<'g>,
    product: Var<'g>,
    state: Var<'g>,
    width: usize,
) -> Result<Var<'g>, Error> {
    let block = |of: Var<'g>, i: usize| of.slice(1, i * width..(i + 1) * width);
    let sum = |i: usize| block(z, i)?.add(block(product, i)?);
    let (r, u) = (sum(0)?.sigmoid(), sum(1)?.sigmoid());
    let n = block(z, 2)?.add(r.mul(block(product, 2)?)?)?.tanh();
    n.add(u.mul(state.sub(n)?)?)
}

/// Softmax of `score . tanh(query + key)` over the places that are open.
fn attend<'g>(
    form: Form,
    operands: &[Var<'g>],
    query: Var<'g>,
    scores: Var<'g>,
) -> Result<Var<'g>, Error> {
    let keys = operands[form.attention() + 3];
    let [rows, places, width] = keys.shape()[..] else { unreachable!("keys of three axes") };
    let matched = query.reshape(&[rows, 1, width])?.add(keys)?.tanh();
    let energies = matched.matmul(scores.reshape(&[rows, width, 1])?)?.reshape(&[rows, places])?;
    match form.places() {
        Some(mask) => energies.masked_softmax(operands[mask]),
        None => energies.softmax(1),
    }
}
