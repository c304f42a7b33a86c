//! LSTM and GRU layers.

use std::marker::PhantomData;

use autodiff::{Cell, Error, Recurrence, Unrolled, Var};

use super::{Layer, Params, named};
use crate::init::count;
use crate::{Init, Layout};

/// Which cell a recurrent layer has.
pub trait CellKind {
    /// The engine's name of it.
    const CELL: Cell;
}

/// The cell of an LSTM (Hochreiter & Schmidhuber 1997, with the forget gates of Gers et al. 2000).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LstmCell;

/// The cell of a GRU (Cho et al. 2014), whose reset gate acts after the product with the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GruCell;

impl CellKind for LstmCell {
    const CELL: Cell = Cell::Lstm;
}

impl CellKind for GruCell {
    const CELL: Cell = Cell::Gru;
}

/// An LSTM layer.
pub type Lstm = Recurrent<LstmCell>;

/// A GRU layer.
pub type Gru = Recurrent<GruCell>;

/// A recurrent layer over time-major sequences `[steps, batch, inputs]`: `input` `[inputs, blocks
/// units]`, `state` `[units, blocks units]`, `bias` `[blocks units]`; blocks are i, f, g, o of an
/// LSTM and r, u, n of a GRU, as [`Recurrence`] has them.
///
/// Weights start with uniform values up to `1 / sqrt(units)`, biases from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Recurrent<C> {
    name: String,
    inputs: usize,
    units: usize,
    contexts: Option<usize>,
    init: Init,
    cell: PhantomData<C>,
}

/// What a recurrent layer carries from step to step, `[batch, units]` each.
#[derive(Debug, Clone, Copy)]
pub struct State<'g> {
    /// The state.
    pub state: Var<'g>,
    /// The memory of an LSTM; zeros where there is none.
    pub memory: Option<Var<'g>>,
}

impl<C: CellKind> Recurrent<C> {
    /// A layer of `units` units.
    pub fn new(name: &str, inputs: usize, units: usize) -> Self {
        let init = Init::Uniform { bound: 1.0 / count(units).sqrt() };
        Self { name: name.into(), inputs, units, contexts: None, init, cell: PhantomData }
    }

    /// With another start of the weights.
    #[must_use]
    pub fn with_init(self, init: Init) -> Self {
        Self { init, ..self }
    }

    /// With a weight `context` `[width, blocks units]` for the contexts of an attention in each step.
    #[must_use]
    pub fn with_contexts(self, width: usize) -> Self {
        Self { contexts: Some(width), ..self }
    }

    /// The weight of the contexts.
    ///
    /// # Errors
    /// [`Error::Custom`] for a layer or a layout without it.
    pub fn contexts<'g>(&self, params: &Params<'_, 'g>) -> Result<Var<'g>, Error> {
        params.of(&self.name, "context")
    }

    /// The layer over `x` from a first state, or from zeros: what a mask, a direction or an attention
    /// can be added to before [`Recurrence::run`].
    ///
    /// # Errors
    /// [`Error::Custom`] for a parameter that is not there, and a shape error of the trace.
    pub fn over<'g>(
        &self,
        params: &Params<'_, 'g>,
        x: Var<'g>,
        first: Option<State<'g>>,
    ) -> Result<Recurrence<'g>, Error> {
        let of = |tensor: &str| params.of(&self.name, tensor);
        let input = x.linear(of("input")?, Some(of("bias")?))?;
        let &[_, batch, _] = &input.shape()[..] else {
            let wanted = "[steps, batch, inputs]".into();
            return Err(Error::Shape { op: "recurrent layer", shape: x.shape(), wanted });
        };
        let zeros = || x.graph().full(0.0, &[batch, self.units]);
        let state = first.map_or_else(zeros, |first| first.state);
        let layer = Recurrence::new(C::CELL, input, of("state")?, state);
        Ok(match C::CELL {
            Cell::Lstm => {
                layer.with_memory(first.and_then(|first| first.memory).unwrap_or_else(zeros))
            }
            Cell::Gru => layer,
        })
    }

    /// Its states over `x`, from zeros.
    ///
    /// # Errors
    /// As [`over`](Self::over).
    pub fn forward<'g>(&self, params: &Params<'_, 'g>, x: Var<'g>) -> Result<Unrolled<'g>, Error> {
        self.over(params, x, None)?.run()
    }
}

impl<C: CellKind> Layer for Recurrent<C> {
    fn declare(&self, layout: &mut Layout) {
        let blocks = C::CELL.blocks() * self.units;
        let mut push = |tensor: &str, shape: &[usize], init| {
            layout.push(&named(&self.name, tensor), shape, init);
        };
        push("input", &[self.inputs, blocks], self.init);
        push("state", &[self.units, blocks], self.init);
        push("bias", &[blocks], Init::Zeros);
        if let Some(width) = self.contexts {
            push("context", &[width, blocks], self.init);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::testing::{check, close, eval, numbers};

    const STEPS: usize = 3;
    const INPUTS: usize = 2;
    const UNITS: usize = 3;

    fn sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    /// `x` times rows `from..` of a flat matrix of `columns` columns.
    fn product(x: &[f64], w: &[f64], columns: usize) -> Vec<f64> {
        (0..columns)
            .map(|c| x.iter().enumerate().map(|(r, x)| x * w[r * columns + c]).sum())
            .collect()
    }

    /// States of one sequence, by the equations of [`Recurrence`].
    fn plain(cell: Cell, w: &[f64], x: &[f64]) -> Vec<f64> {
        let columns = cell.blocks() * UNITS;
        let (of_input, rest) = w.split_at(INPUTS * columns);
        let (of_state, bias) = rest.split_at(UNITS * columns);
        let (mut h, mut c) = (vec![0.0; UNITS], vec![0.0; UNITS]);
        let mut states = Vec::new();
        for x in x.chunks(INPUTS) {
            let z: Vec<f64> =
                product(x, of_input, columns).iter().zip(bias).map(|(z, b)| z + b).collect();
            let p = product(&h, of_state, columns);
            for i in 0..UNITS {
                let block = |b: usize| (z[b * UNITS + i], p[b * UNITS + i]);
                let sum = |b: usize| block(b).0 + block(b).1;
                if cell == Cell::Lstm {
                    c[i] = sigmoid(sum(1)) * c[i] + sigmoid(sum(0)) * sum(2).tanh();
                    h[i] = sigmoid(sum(3)) * c[i].tanh();
                } else {
                    let n = (block(2).0 + sigmoid(sum(0)) * block(2).1).tanh();
                    let u = sigmoid(sum(1));
                    h[i] = (1.0 - u) * n + u * h[i];
                }
            }
            states.extend_from_slice(&h);
        }
        states
    }

    fn is_its_equations<C: CellKind>() {
        let layer = Recurrent::<C>::new("layer", INPUTS, UNITS);
        let layout = layer.layout();
        let (w, x) = (numbers(1, layout.len()), numbers(2, STEPS * INPUTS));
        let y = eval(&layout, &w, &[(&[STEPS, 1, INPUTS], &x)], |p, x| {
            Ok(layer.forward(p, x[0])?.states)
        });
        close(&y, &plain(C::CELL, &w, &x));
        check(&layout, &[&[STEPS, 2, INPUTS], &[2, UNITS]], |p, x| {
            let first = State { state: x[1], memory: None };
            Ok(layer.over(p, x[0], Some(first))?.run()?.last)
        });
    }

    #[test]
    fn both_cells_are_their_equations() {
        is_its_equations::<LstmCell>();
        is_its_equations::<GruCell>();
        let bound = Init::Uniform { bound: 1.0 / 2.0 };
        assert_eq!(Gru::new("gru", 1, 4).layout().tensors()[0].init, bound);
    }

    #[test]
    fn a_sequence_of_another_shape_is_named() {
        let layer = Lstm::new("lstm", 2, 3);
        let layout = layer.layout();
        let graph = autodiff::Graph::new(autodiff::DType::F32);
        let vars = layout.views(graph.input("params", &[layout.len()])).unwrap();
        let params = Params::new(&layout, &vars);
        let error = layer.forward(&params, graph.input("x", &[4, 2])).unwrap_err().to_string();
        assert!(error.contains("wanted [steps, batch, inputs]"), "{error}");
    }
}
