//! The backward pass of a recurrent layer, up to the products that are taken over all steps at once.

use super::attention::{Given, Towards, attend_back};
use super::cell::{Old, gru_back, lstm_back};
use super::forward::tasks;
use super::{Cell, Dims, KEPT, Operands, Rows, Weights, cut, packed, slice_at, weights_len};
use crate::Float;
use crate::memory::Workspace;
use crate::parallel;
use crate::product::{Matrix, matrix_mut, multiply};

/// Fills the parts of the gradient, `Dims::parts`, from what the forward pass kept and the gradient
/// of what the layer shows.
pub fn backward<T: Float>(
    dims: &Dims,
    operands: &Operands<'_, T>,
    (kept, shown): (&[T], &[T]),
    gradient: &mut [T],
    workspace: &Workspace,
) {
    if gradient.is_empty() {
        return;
    }
    let weights = weights_len(dims, operands, true);
    let tasks = tasks(dims);
    let each = dims.places + dims.keys;
    workspace.reserve::<T>(1, weights + tasks * each);
    workspace.with(weights + tasks * each, |space| {
        let (weights, scratch) = space.split_at_mut(weights);
        let weights = packed(dims, operands, true, weights);
        let pass = Pass {
            dims,
            operands,
            weights,
            kept: dims.read(kept),
            shown: cut(shown, dims.shown()),
            each,
        };
        pass.share(Rows::of(gradient, dims.rows, dims.parts()), tasks, scratch);
    });
}

struct Pass<'a, T> {
    dims: &'a Dims,
    operands: &'a Operands<'a, T>,
    weights: Weights<'a, T>,
    kept: [&'a [T]; 6],
    /// Gradients of states, contexts, attention weights and the last memory.
    shown: [&'a [T]; 4],
    each: usize,
}

type Parts<'a, T> = Rows<'a, T, 8>;

impl<T: Float> Pass<'_, T> {
    fn share(&self, rows: Parts<'_, T>, tasks: usize, scratch: &mut [T]) {
        if tasks == 1 {
            return self.task(rows, scratch);
        }
        let (half, count) = (tasks / 2, rows.count());
        let at = (count * half / tasks).next_multiple_of(8).min(count);
        let (left, right) = rows.split(at);
        let (one, other) = scratch.split_at_mut(half * self.each);
        parallel::both(|| self.share(left, half, one), || self.share(right, tasks - half, other));
    }

    /// A task's rows of `[steps, rows, each]` at a step.
    fn rows<'b>(
        &self,
        data: &'b [T],
        step: usize,
        (first, count): (usize, usize),
        each: usize,
    ) -> &'b [T] {
        &data[(step * self.dims.rows + first) * each..][..count * each]
    }

    fn task(&self, mut rows: Parts<'_, T>, scratch: &mut [T]) {
        let dims = self.dims;
        let own = (rows.first, rows.count());
        if own.1 == 0 {
            return;
        }
        let [.., state, memory, _, _, keys, scores] = &mut rows.parts;
        slice_at(state, 0).fill(T::zero());
        slice_at(keys, 0).fill(T::zero());
        slice_at(scores, 0).fill(T::zero());
        if dims.cell == Cell::Lstm {
            slice_at(memory, 0).copy_from_slice(self.rows(self.shown[3], 0, own, dims.width));
        }
        for step in (0..dims.steps).rev() {
            let step = if self.operands.reverse { dims.steps - 1 - step } else { step };
            self.step(&mut rows, step, scratch);
        }
    }

    /// The state and the memory before a step.
    fn old(&self, step: usize, own: (usize, usize)) -> Old<'_, T> {
        let (dims, operands) = (self.dims, self.operands);
        let first = if operands.reverse { step + 1 == dims.steps } else { step == 0 };
        let (states, memories, step_before) = if first {
            (operands.state, operands.memory, 0)
        } else {
            let before = if operands.reverse { step + 1 } else { step - 1 };
            (self.kept[0], self.kept[1], before)
        };
        let lstm = dims.cell == Cell::Lstm;
        Old {
            state: self.rows(states, step_before, own, dims.width),
            memory: if lstm { self.rows(memories, step_before, own, dims.width) } else { &[] },
            mask: operands.mask_at(dims, step, own.0, own.1),
        }
    }

    fn step(&self, rows: &mut Parts<'_, T>, step: usize, scratch: &mut [T]) {
        let dims = self.dims;
        let own = (rows.first, rows.count());
        let (width, gates) = (dims.width, dims.gates());
        let [towards, product, state, memory, ..] = &mut rows.parts;
        let (towards, state) = (slice_at(towards, step), slice_at(state, 0));
        let shown = self.rows(self.shown[0], step, own, width);
        for (to, &from) in state.iter_mut().zip(shown) {
            *to += from;
        }
        let old = self.old(step, own);
        let kept = self.rows(self.kept[2], step, own, KEPT * width);
        let product = match dims.cell {
            Cell::Lstm => {
                lstm_back(width, old, kept, state, slice_at(memory, 0), towards);
                &*towards
            }
            Cell::Gru => {
                let product = slice_at(product, step);
                gru_back(width, old, kept, state, product, towards);
                &*product
            }
        };
        let product = Matrix::rows(product, own.1, gates);
        let mut state = matrix_mut(state, own.1, width);
        multiply(product, self.weights.state, true, None, &mut state);
        if dims.places > 0 {
            self.attend(rows, step, scratch);
        }
    }

    /// Through the context of a step to its query, and on to the state before it.
    fn attend(&self, rows: &mut Parts<'_, T>, step: usize, scratch: &mut [T]) {
        let dims = self.dims;
        let own = (rows.first, rows.count());
        let (places, keys, values) = (dims.places, dims.keys, dims.values);
        let [towards, _, state, _, queries, contexts, all_keys, scores] = &mut rows.parts;
        let (towards, state) = (slice_at(towards, step), slice_at(state, 0));
        let (queries, contexts) = (slice_at(queries, step), slice_at(contexts, step));
        let (all_keys, scores) = (slice_at(all_keys, 0), slice_at(scores, 0));
        contexts.copy_from_slice(self.rows(self.shown[1], step, own, values));
        let gates = dims.gates();
        multiply(
            Matrix::rows(towards, own.1, gates),
            self.weights.context,
            true,
            None,
            &mut matrix_mut(contexts, own.1, values),
        );
        let kept = self.rows(self.kept[5], step, own, keys);
        let weights = self.rows(self.kept[4], step, own, places);
        let towards_weights = self.rows(self.shown[2], step, own, places);
        for row in 0..own.1 {
            let part = |each: usize| row * each..(row + 1) * each;
            let mut towards = Towards {
                query: &mut queries[part(keys)],
                keys: &mut all_keys[part(places * keys)],
                score: &mut scores[part(keys)],
            };
            let (energies, matched) = scratch.split_at_mut(places);
            energies.copy_from_slice(&towards_weights[part(places)]);
            let given = Given {
                row: own.0 + row,
                query: &kept[part(keys)],
                weights: &weights[part(places)],
                context: &contexts[part(values)],
            };
            attend_back(dims, self.operands, &given, &mut towards, (energies, matched));
        }
        multiply(
            Matrix::rows(queries, own.1, keys),
            self.weights.query,
            true,
            None,
            &mut matrix_mut(state, own.1, dims.width),
        );
    }
}
