//! The forward pass of a recurrent layer.

use ndarray::s;

use super::attention::attend;
use super::cell::{Old, gru, lstm};
use super::{Cell, Dims, KEPT, Operands, Rows, Weights, packed, slice_at, weights_len};
use crate::Float;
use crate::memory::Workspace;
use crate::parallel;
use crate::product::{Matrix, matrix_mut, multiply};

/// The parts of what is kept, by their place in `Dims::kept`.
const STATES: usize = 0;
const MEMORIES: usize = 1;
const GATES: usize = 2;

/// Fills `kept` with what [`super::backward`] reads.
pub fn forward<T: Float>(
    dims: &Dims,
    operands: &Operands<'_, T>,
    kept: &mut [T],
    workspace: &Workspace,
) {
    if kept.is_empty() {
        return;
    }
    let weights = weights_len(dims, operands, false);
    let tasks = tasks(dims);
    let each = scratch(dims, dims.rows.div_ceil(tasks).next_multiple_of(8));
    workspace.reserve::<T>(1, weights + tasks * each);
    workspace.with(weights + tasks * each, |space| {
        let (weights, scratch) = space.split_at_mut(weights);
        let pass = Pass { dims, operands, weights: packed(dims, operands, false, weights), each };
        let parts = dims.kept().map(|width| (dims.steps, width));
        pass.share(Rows::of(kept, dims.rows, parts), tasks, scratch);
    });
}

/// As many tasks as threads, of eight rows at least.
pub(super) fn tasks(dims: &Dims) -> usize {
    crate::parallel::threads().min(dims.rows.div_ceil(8)).max(1)
}

/// Elements of scratch of a task of some rows.
fn scratch(dims: &Dims, rows: usize) -> usize {
    rows * (2 * dims.width + dims.gates()) + dims.keys
}

struct Pass<'a, T> {
    dims: &'a Dims,
    operands: &'a Operands<'a, T>,
    weights: Weights<'a, T>,
    each: usize,
}

impl<T: Float> Pass<'_, T> {
    fn share(&self, rows: Rows<'_, T, 6>, tasks: usize, scratch: &mut [T]) {
        if tasks == 1 {
            return self.task(rows, scratch);
        }
        let (half, count) = (tasks / 2, rows.count());
        let at = (count * half / tasks).next_multiple_of(8).min(count);
        let (left, right) = rows.split(at);
        let (one, other) = scratch.split_at_mut(half * self.each);
        parallel::both(|| self.share(left, half, one), || self.share(right, tasks - half, other));
    }

    fn task(&self, mut rows: Rows<'_, T, 6>, scratch: &mut [T]) {
        let (dims, operands, first) = (self.dims, self.operands, rows.first);
        let (count, width) = (rows.count(), dims.width);
        if count == 0 {
            return;
        }
        let (state, scratch) = scratch.split_at_mut(count * width);
        let (memory, scratch) = scratch.split_at_mut(count * width);
        let own = first * width..(first + count) * width;
        state.copy_from_slice(&operands.state[own.clone()]);
        if dims.cell == Cell::Lstm {
            memory.copy_from_slice(&operands.memory[own]);
        }
        for step in 0..dims.steps {
            let step = if operands.reverse { dims.steps - 1 - step } else { step };
            let mask = operands.mask_at(dims, step, first, count);
            let old = Old { state, memory, mask };
            self.step(&mut rows, step, old, scratch);
            state.copy_from_slice(rows.at(STATES, step));
            if dims.cell == Cell::Lstm {
                memory.copy_from_slice(rows.at(MEMORIES, step));
            }
        }
    }

    fn step(&self, rows: &mut Rows<'_, T, 6>, step: usize, old: Old<'_, T>, scratch: &mut [T]) {
        let (dims, first, count) = (self.dims, rows.first, rows.count());
        let (width, gates) = (dims.width, dims.gates());
        let (product, scratch) = scratch.split_at_mut(count * gates);
        let own = (step * dims.rows + first) * gates;
        let input = &self.operands.input[own..own + count * gates];
        for (to, from) in
            rows.at(GATES, step).chunks_exact_mut(KEPT * width).zip(input.chunks_exact(gates))
        {
            to[..gates].copy_from_slice(from);
        }
        if dims.places > 0 {
            self.attend(rows, step, old.state, scratch);
        }
        let (state, weight) = (Matrix::rows(old.state, count, width), self.weights.state);
        let [states, memories, kept, ..] = &mut rows.parts;
        let at = |part| slice_at(part, step);
        let (new, memory, kept) = (at(states), at(memories), at(kept));
        match dims.cell {
            Cell::Lstm => {
                let mut z = matrix_mut(kept, count, gates);
                multiply(state, weight, true, None, &mut z);
                lstm(width, old, kept, new, memory);
            }
            Cell::Gru => {
                let mut to = matrix_mut(product, count, gates);
                multiply(state, weight, false, None, &mut to);
                gru(width, old, product, kept, new);
            }
        }
    }

    /// Contexts of a step from the old states, added to the pre-activations.
    fn attend(&self, rows: &mut Rows<'_, T, 6>, step: usize, state: &[T], scratch: &mut [T]) {
        let (dims, first, count) = (self.dims, rows.first, rows.count());
        let matched = &mut scratch[..dims.keys];
        let [_, _, kept, contexts, weights, queries] = &mut rows.parts;
        let at = |part| slice_at(part, step);
        let (kept, contexts, weights, queries) = (at(kept), at(contexts), at(weights), at(queries));
        let state = Matrix::rows(state, count, dims.width);
        let mut to = matrix_mut(queries, count, dims.keys);
        multiply(state, self.weights.query, false, None, &mut to);
        attend(dims, self.operands, first, queries, (weights, contexts, matched));
        let contexts = Matrix::rows(contexts, count, dims.values);
        let mut z = matrix_mut(kept, count, KEPT * dims.width);
        let mut z = z.slice_mut(s![.., ..dims.gates()]);
        multiply(contexts, self.weights.context, true, None, &mut z);
    }
}
