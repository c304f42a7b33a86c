//! Recurrent layers over whole sequences, with or without attention, as one operation.
//!
//! The input's product with its weight is taken outside, for all steps at once, and so are the
//! gradients of the weights; within, a step takes one product with the state. The forward pass
//! ([`Forward`]) keeps what the backward pass ([`Back`]) reads; [`Shown`] is what has a derivative.

mod back;
mod composite;
mod form;
mod forward;
mod shown;

use form::Form;
use forward::Forward;
use shown::Shown;

use crate::{Error, Var};
use kernels::recurrence::Cell;

/// A recurrent layer: `h_t = cell(x_t W + b, h_{t-1})` over time-major sequences.
///
/// LSTM: `z = input + h weight` in blocks i, f, g, o; `c = sigmoid(f) c + sigmoid(i) tanh(g)`,
/// `h = sigmoid(o) tanh(c)`. GRU: blocks r, u, n; `n = tanh(input_n + sigmoid(r) (h weight)_n)`,
/// `h = (1 - sigmoid(u)) n + sigmoid(u) h`.
///
/// ```
/// use autodiff::{Cell, DType, Graph, Recurrence};
///
/// let graph = Graph::new(DType::F32);
/// let x = graph.input("x", &[20, 32, 8]);
/// let (wx, wh) = (graph.input("wx", &[8, 4 * 16]), graph.input("wh", &[16, 4 * 16]));
/// let bias = graph.input("b", &[4 * 16]);
/// let zeros = graph.full(0.0, &[32, 16]);
/// let layer = Recurrence::new(Cell::Lstm, x.linear(wx, Some(bias))?, wh, zeros);
/// let run = layer.with_memory(zeros).run()?;
/// assert_eq!(run.states.shape(), [20, 32, 16]);
/// # Ok::<(), autodiff::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Recurrence<'g> {
    cell: Cell,
    input: Var<'g>,
    weight: Var<'g>,
    state: Var<'g>,
    memory: Option<Var<'g>>,
    mask: Option<Var<'g>>,
    reverse: bool,
    attention: Option<Attention<'g>>,
}

/// Additive attention within a recurrent layer (Bahdanau et al. 2015, section 3.1).
///
/// Before step t, `e_j = score . tanh(h_{t-1} query + keys_j)`, `p = softmax(e)`,
/// `context_t = sum p_j values_j`, and `context_t weight` is added to the input of the step.
#[derive(Debug, Clone, Copy)]
pub struct Attention<'g> {
    /// `[batch, places, keys]`.
    pub keys: Var<'g>,
    /// `[batch, places, values]`.
    pub values: Var<'g>,
    /// `[units, keys]`.
    pub query: Var<'g>,
    /// `[keys]`.
    pub score: Var<'g>,
    /// `[values, blocks units]`.
    pub weight: Var<'g>,
    /// `[batch, places]`: 1 for places that can be attended to, 0 for others.
    pub mask: Option<Var<'g>>,
}

/// What a recurrent layer yields.
#[derive(Debug, Clone, Copy)]
pub struct Unrolled<'g> {
    /// The state of each step, `[steps, batch, units]`.
    pub states: Var<'g>,
    /// The state after the last step taken, `[batch, units]`.
    pub last: Var<'g>,
    /// The memory after the last step taken, `[batch, units]`; none for a GRU.
    pub memory: Option<Var<'g>>,
    /// The context of each step, `[steps, batch, values]`, with attention.
    pub contexts: Option<Var<'g>>,
    /// The attention weights of each step, `[steps, batch, places]`, with attention.
    pub weights: Option<Var<'g>>,
}

impl<'g> Recurrence<'g> {
    /// A layer over `input` `[steps, batch, blocks units]`, which is the product of the sequence with
    /// its weight, plus the bias; `weight` is `[units, blocks units]`, the first `state` `[batch,
    /// units]`.
    #[must_use]
    pub fn new(cell: Cell, input: Var<'g>, weight: Var<'g>, state: Var<'g>) -> Self {
        let (memory, mask, attention) = (None, None, None);
        Self { cell, input, weight, state, memory, mask, reverse: false, attention }
    }

    /// The first memory `[batch, units]`, which an LSTM needs.
    #[must_use]
    pub fn with_memory(self, memory: Var<'g>) -> Self {
        Self { memory: Some(memory), ..self }
    }

    /// A mask `[steps, batch]`: where it is 0, a step keeps state and memory. It has no derivative.
    #[must_use]
    pub fn with_mask(self, mask: Var<'g>) -> Self {
        Self { mask: Some(mask), ..self }
    }

    /// From the last step to the first.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { reverse: true, ..self }
    }

    /// With attention in each step.
    #[must_use]
    pub fn with_attention(self, attention: Attention<'g>) -> Self {
        Self { attention: Some(attention), ..self }
    }

    /// Writes the layer into the graph.
    ///
    /// # Errors
    /// [`Error::Shape`] for an operand of another shape, [`Error::Arity`] for an LSTM without a
    /// memory or a GRU with one.
    pub fn run(self) -> Result<Unrolled<'g>, Error> {
        let graph = self.input.graph();
        let form = Form {
            cell: self.cell,
            reverse: self.reverse,
            attention: self.attention.is_some(),
            mask: self.mask.is_some(),
            places: self.attention.is_some_and(|attention| attention.mask.is_some()),
        };
        let mut operands = vec![self.input, self.weight, self.state];
        operands.extend(self.memory);
        if let Some(Attention { keys, values, query, score, weight, .. }) = self.attention {
            operands.extend([weight, query, score, keys, values]);
        }
        operands.extend(self.mask);
        operands.extend(self.attention.and_then(|attention| attention.mask));
        let kept = graph.apply(Forward(form), &operands)?;
        let dims = form.dims(|operand| operands[operand].shape());
        operands.push(kept);
        let shown = graph.apply(Shown(form), &operands)?;
        let [states, contexts, weights, memory] = shown::parts(shown, &dims)?;
        let last = if self.reverse { 0 } else { dims.steps.saturating_sub(1) };
        let last = states.slice(0, last..last + 1)?.reshape(&[dims.rows, dims.width])?;
        Ok(Unrolled {
            states,
            last,
            memory: self.memory.map(|_| memory),
            contexts: self.attention.map(|_| contexts),
            weights: self.attention.map(|_| weights),
        })
    }
}

#[cfg(test)]
mod tests;
