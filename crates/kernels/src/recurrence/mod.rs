//! Recurrent layers over whole sequences: each task takes some rows of the batch through all steps.

mod attention;
mod backward;
mod cell;
mod forward;

use ndarray::{ArrayViewMut3, Axis};

pub use backward::backward;
pub use forward::forward;

use crate::Float;
use crate::product::{Matrix, Right, pack, packed_len};

/// The recurrence of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al.
    /// 2000): blocks i, f, g, o.
    Lstm,
    /// Gated recurrent unit (Cho et al. 2014), its reset gate after the product as in cuDNN: blocks
    /// r, u, n.
    Gru,
}

impl Cell {
    /// Blocks of columns of a weight.
    #[must_use]
    pub fn blocks(self) -> usize {
        match self {
            Cell::Lstm => 4,
            Cell::Gru => 3,
        }
    }
}

/// Extents of a recurrent layer; the last three are 0 without attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dims {
    /// What the state passes through at a step.
    pub cell: Cell,
    /// Steps of a sequence.
    pub steps: usize,
    /// Sequences of the batch.
    pub rows: usize,
    /// Units of the state.
    pub width: usize,
    /// Places that are attended to.
    pub places: usize,
    /// Units of keys and queries.
    pub keys: usize,
    /// Units of values and contexts.
    pub values: usize,
}

/// Blocks kept for each step, whatever the cell.
const KEPT: usize = 4;

impl Dims {
    /// Columns of a weight.
    pub fn gates(&self) -> usize {
        self.cell.blocks() * self.width
    }

    fn memory(&self) -> usize {
        if self.cell == Cell::Lstm { self.width } else { 0 }
    }

    /// Widths of what the forward pass keeps for each step and row: states, memories, gates,
    /// contexts, attention weights, queries.
    fn kept(&self) -> [usize; 6] {
        [self.width, self.memory(), KEPT * self.width, self.values, self.places, self.keys]
    }

    /// Elements that the forward pass keeps.
    pub fn kept_len(&self) -> usize {
        self.steps * self.rows * self.kept().iter().sum::<usize>()
    }

    /// Elements of states, of contexts, of attention weights and of the last memory.
    pub fn shown(&self) -> [usize; 4] {
        let each = self.steps * self.rows;
        [each * self.width, each * self.values, each * self.places, self.rows * self.memory()]
    }

    /// Steps and width of each part of the gradient: of the input, of the state's product, of the
    /// first state and memory, of queries, of contexts, of keys and of the scores of each row.
    pub fn parts(&self) -> [(usize, usize); 8] {
        let product = if self.cell == Cell::Gru { self.gates() } else { 0 };
        [
            (self.steps, self.gates()),
            (self.steps, product),
            (1, self.width),
            (1, self.memory()),
            (self.steps, self.keys),
            (self.steps, self.values),
            (1, self.places * self.keys),
            (1, self.keys),
        ]
    }

    /// Elements of each part of the gradient.
    pub fn part_lens(&self) -> [usize; 8] {
        self.parts().map(|(steps, width)| steps * self.rows * width)
    }

    /// The parts of what the forward pass kept.
    fn read<'a, T>(&self, kept: &'a [T]) -> [&'a [T]; 6] {
        cut(kept, self.kept().map(|width| self.steps * self.rows * width))
    }

    /// Copies what a layer shows from what its forward pass kept.
    pub fn show<T: Float>(&self, kept: &[T], reverse: bool, shown: &mut [T]) {
        let [states, memories, _, contexts, weights, _] = self.read(kept);
        let each = self.rows * self.memory();
        let last = if reverse { 0 } else { (self.steps - 1) * each };
        let mut rest = shown;
        for from in [states, contexts, weights, &memories[last..last + each]] {
            let (to, after) = rest.split_at_mut(from.len());
            to.copy_from_slice(from);
            rest = after;
        }
    }
}

/// Consecutive parts of a slice.
fn cut<T, const N: usize>(data: &[T], lens: [usize; N]) -> [&[T]; N] {
    let mut rest = data;
    lens.map(|len| {
        let (part, after) = rest.split_at(len);
        rest = after;
        part
    })
}

/// The operands of a layer; empty where there are none.
#[derive(Debug, Clone, Copy)]
pub struct Operands<'a, T> {
    /// `[steps, rows, gates]`.
    pub input: &'a [T],
    /// `[width, gates]`.
    pub weight: &'a [T],
    /// `[rows, width]`.
    pub state: &'a [T],
    /// `[rows, width]`.
    pub memory: &'a [T],
    /// `[values, gates]`.
    pub context: &'a [T],
    /// `[width, keys]`.
    pub query: &'a [T],
    /// `[keys]`.
    pub score: &'a [T],
    /// `[rows, places, keys]`.
    pub keys: &'a [T],
    /// `[rows, places, values]`.
    pub values: &'a [T],
    /// `[steps, rows]`.
    pub mask: Option<&'a [T]>,
    /// `[rows, places]`.
    pub places: Option<&'a [T]>,
    /// Whether the last step comes first.
    pub reverse: bool,
}

impl<T: Float> Operands<'_, T> {
    /// The mask of a task's rows at a step.
    fn mask_at(&self, dims: &Dims, step: usize, first: usize, count: usize) -> Option<&[T]> {
        self.mask.map(|mask| &mask[step * dims.rows + first..][..count])
    }
}

/// The weights of a layer, packed once for all steps.
#[derive(Clone, Copy)]
struct Weights<'a, T> {
    state: Right<'a, T>,
    context: Right<'a, T>,
    query: Right<'a, T>,
}

/// The weights of state, context and query; `transposed` for the way back.
fn weights<'a, T: Float>(
    dims: &Dims,
    operands: &Operands<'a, T>,
    transposed: bool,
) -> [Matrix<'a, T>; 3] {
    [
        Matrix::rows(operands.weight, dims.width, dims.gates()),
        Matrix::rows(operands.context, dims.values, dims.gates()),
        Matrix::rows(operands.query, dims.width, dims.keys),
    ]
    .map(|weight| if transposed { weight.transposed() } else { weight })
}

/// Elements of the packed weights.
fn weights_len<T: Float>(dims: &Dims, operands: &Operands<'_, T>, transposed: bool) -> usize {
    weights(dims, operands, transposed).map(|weight| packed_len::<T>(weight.shape)).iter().sum()
}

fn packed<'a, T: Float>(
    dims: &Dims,
    operands: &Operands<'_, T>,
    transposed: bool,
    mut space: &'a mut [T],
) -> Weights<'a, T> {
    let [state, context, query] = weights(dims, operands, transposed).map(|weight| {
        let len = packed_len::<T>(weight.shape);
        let (to, rest) = std::mem::take(&mut space).split_at_mut(len);
        space = rest;
        pack(weight, to)
    });
    Weights { state, context, query }
}

/// Rows of parts of `[steps, rows, width]`, that one task owns through all steps.
struct Rows<'a, T, const N: usize> {
    first: usize,
    parts: [ArrayViewMut3<'a, T>; N],
}

impl<'a, T: Float, const N: usize> Rows<'a, T, N> {
    /// Consecutive parts of a slice, each `[steps, rows, width]`.
    fn of(mut data: &'a mut [T], rows: usize, parts: [(usize, usize); N]) -> Rows<'a, T, N> {
        let parts = parts.map(|(steps, width)| {
            let (part, rest) = std::mem::take(&mut data).split_at_mut(steps * rows * width);
            data = rest;
            match ArrayViewMut3::from_shape((steps, rows, width), part) {
                Ok(part) => part,
                Err(error) => panic!("{steps} steps of {rows} rows of {width}: {error}"),
            }
        });
        Rows { first: 0, parts }
    }

    fn count(&self) -> usize {
        self.parts[0].len_of(Axis(1))
    }

    fn split(self, at: usize) -> (Self, Self) {
        let mut after = [const { None }; N];
        let (first, mut places) = (self.first, after.iter_mut());
        let before = self.parts.map(|part| {
            let (left, right) = part.split_at(Axis(1), at);
            if let Some(place) = places.next() {
                *place = Some(right);
            }
            left
        });
        let after = after.map(|part| match part {
            Some(part) => part,
            None => unreachable!("as many parts as before"),
        });
        (Rows { first, parts: before }, Rows { first: first + at, parts: after })
    }

    /// The rows of a part at a step, one after the other.
    fn at(&mut self, part: usize, step: usize) -> &mut [T] {
        slice_at(&mut self.parts[part], step)
    }
}

/// The rows at a step, one after the other.
fn slice_at<'a, T>(part: &'a mut ArrayViewMut3<'_, T>, step: usize) -> &'a mut [T] {
    match part.index_axis_mut(Axis(0), step).into_slice() {
        Some(rows) => rows,
        None => unreachable!("neighbouring rows of one step"),
    }
}
