//! Which operands a recurrent layer has, where they stand, and what shapes they take.

use crate::exec::Call;
use crate::signature::{Signature, float};
use crate::{Error, Float};
use kernels::recurrence::{Cell, Dims, Operands};

/// The form of a layer.
///
/// Its operands are, in this order: input, weight, state, memory (LSTM), then with attention the
/// context's weight, query, score, keys and values, then the mask and the mask of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub cell: Cell,
    pub reverse: bool,
    pub attention: bool,
    pub mask: bool,
    pub places: bool,
}

pub(super) const INPUT: usize = 0;
pub(super) const WEIGHT: usize = 1;
pub(super) const STATE: usize = 2;
pub(super) const MEMORY: usize = 3;

impl Form {
    /// The first operand of attention: its weight, query, score, keys and values follow.
    pub(super) fn attention(&self) -> usize {
        if self.cell == Cell::Lstm { MEMORY + 1 } else { MEMORY }
    }

    pub(super) fn mask(&self) -> Option<usize> {
        let first = self.attention() + if self.attention { 5 } else { 0 };
        self.mask.then_some(first)
    }

    pub(super) fn places(&self) -> Option<usize> {
        let first = self.attention() + 5 + usize::from(self.mask);
        self.places.then_some(first)
    }

    /// Number of operands of the layer.
    pub(super) fn operands(&self) -> usize {
        let attention = if self.attention { 5 } else { 0 };
        self.attention() + attention + usize::from(self.mask) + usize::from(self.places)
    }

    /// Extents by the shapes of operands that [`Form::check`] found right.
    pub(super) fn dims<S: AsRef<[usize]>>(&self, shape: impl Fn(usize) -> S) -> Dims {
        let (input, state) = (shape(INPUT), shape(STATE));
        let (input, width) = (input.as_ref(), state.as_ref()[1]);
        let mut dims = Dims {
            cell: self.cell,
            steps: input[0],
            rows: input[1],
            width,
            places: 0,
            keys: 0,
            values: 0,
        };
        if self.attention {
            let (keys, values) = (shape(self.attention() + 3), shape(self.attention() + 4));
            (dims.places, dims.keys) = (keys.as_ref()[1], keys.as_ref()[2]);
            dims.values = values.as_ref()[2];
        }
        dims
    }

    /// Checks the operands of the layer, which may be followed by others.
    pub(super) fn check(&self, op: &'static str, inputs: &[Signature]) -> Result<Dims, Error> {
        if inputs.len() < self.operands() {
            return Err(Error::Arity { op, wanted: self.operands(), found: inputs.len() });
        }
        let ranks = [(INPUT, 3, "an input [steps, batch, blocks units]"), (STATE, 2, STATE_WANTED)];
        let at = self.attention();
        let more = [(at + 3, 3, "keys [batch, places, keys]"), (at + 4, 3, VALUES_WANTED)];
        let more = if self.attention { &more[..] } else { &[] };
        for &(operand, rank, wanted) in ranks.iter().chain(more) {
            if inputs[operand].shape.len() != rank {
                let shape = inputs[operand].shape.clone();
                return Err(Error::Shape { op, shape, wanted: wanted.into() });
            }
        }
        let dims = self.dims(|operand| &inputs[operand].shape[..]);
        for (input, (name, wanted)) in inputs.iter().zip(self.shapes(&dims)) {
            float(op, input, inputs[0].dtype)?;
            if input.shape != wanted {
                let (shape, wanted) = (input.shape.clone(), format!("{name} of {wanted:?}"));
                return Err(Error::Shape { op, shape, wanted });
            }
        }
        if dims.steps == 0 {
            let (shape, wanted) = (inputs[INPUT].shape.clone(), "one step at least".into());
            return Err(Error::Shape { op, shape, wanted });
        }
        Ok(dims)
    }

    /// Name and shape of each operand.
    fn shapes(&self, dims: &Dims) -> Vec<(&'static str, Vec<usize>)> {
        let (steps, rows, width, gates) = (dims.steps, dims.rows, dims.width, dims.gates());
        let mut shapes = vec![
            ("an input", vec![steps, rows, gates]),
            ("a weight", vec![width, gates]),
            ("a state", vec![rows, width]),
        ];
        if self.cell == Cell::Lstm {
            shapes.push(("a memory", vec![rows, width]));
        }
        if self.attention {
            shapes.extend([
                ("a context's weight", vec![dims.values, gates]),
                ("a query", vec![width, dims.keys]),
                ("a score", vec![dims.keys]),
                ("keys", vec![rows, dims.places, dims.keys]),
                ("values", vec![rows, dims.places, dims.values]),
            ]);
        }
        if self.mask {
            shapes.push(("a mask", vec![steps, rows]));
        }
        if self.places {
            shapes.push(("a mask of places", vec![rows, dims.places]));
        }
        shapes
    }

    /// The operands of a call.
    pub(super) fn operands_of<'a, T: Float>(&self, call: &Call<'a>) -> Operands<'a, T> {
        let attention = |i| if self.attention { call.input(self.attention() + i) } else { &[][..] };
        Operands {
            input: call.input(INPUT),
            weight: call.input(WEIGHT),
            state: call.input(STATE),
            memory: if self.cell == Cell::Lstm { call.input(MEMORY) } else { &[] },
            context: attention(0),
            query: attention(1),
            score: attention(2),
            keys: attention(3),
            values: attention(4),
            mask: self.mask().map(|mask| call.input(mask)),
            places: self.places().map(|places| call.input(places)),
            reverse: self.reverse,
        }
    }
}

const STATE_WANTED: &str = "a state [batch, units]";
const VALUES_WANTED: &str = "values [batch, places, values]";
