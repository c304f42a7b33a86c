//! Rows of tables and elements of rows, by index.

use autodiff::{Op, ops};

use super::sort::{Keys, padding};
use super::{About, Emit, STATUS};
use crate::command::{Place, Word, words};
use crate::launch::{self, THREADS, elements};

fn product(extents: &[usize]) -> usize {
    extents.iter().product()
}

/// The extent of the last axis, or 1 for a scalar.
fn last(shape: &[usize]) -> usize {
    shape.last().copied().unwrap_or(1)
}

fn bags(op: &'static str, length: usize, left_out: Option<u32>, step: &mut Emit<'_, '_>) {
    let (rows, width) = (step.shape(0)[0], product(&step.shape(0)[1..]));
    if step.result_count() == 0 {
        return;
    }
    let bags = step.result_count() / width;
    let (status, note) = step.note(op, About::Index(rows));
    let (table, indices, y) = (step.x(0), step.x(1), step.y());
    let padding = padding(left_out);
    let words = words![table, indices, y, bags, length, width, rows, padding, status, note];
    step.launch("bags", elements(bags * width), words);
}

pub(super) fn gather(op: &ops::Gather, step: &mut Emit<'_, '_>) {
    bags(op.name(), 1, None, step);
}

pub(super) fn embedding_bag(op: &ops::EmbeddingBag, step: &mut Emit<'_, '_>) {
    bags(op.name(), last(step.shape(1)), op.padding, step);
}

/// Rows, whose sorted keys say to which of the `total` results they are added.
struct Summed {
    x: Place,
    keys: Keys,
    /// The row of each result, or nothing where it is its number.
    rows: Word,
    total: usize,
    width: usize,
    /// Keys that share a row of `x`.
    length: usize,
    adds: bool,
}

fn sum_rows(sum: &Summed, step: &mut Emit<'_, '_>) {
    let &Summed { x, keys, rows, total, width, length, adds } = sum;
    let starts = step.scratch(total * size_of::<u64>());
    let words = words![keys.at, rows, starts, keys.count, total];
    step.launch_indices("starts", elements(total), words);
    let (y, length) = (step.y(), length.max(1));
    let words = words![x, keys.at, starts, rows, y, total, width, keys.count, length, adds];
    step.launch("row_sums", elements(total * width), words);
}

pub(super) fn scatter_add(op: &ops::ScatterAdd, step: &mut Emit<'_, '_>) {
    let keys = Keys::reserve(step.count(1), step);
    let note = step.note(op.name(), About::Index(op.table_rows));
    let note = (Word::from(note.0), note.1);
    keys.fill(0, (step.x(1), step.count(1)), (op.table_rows, op.padding), note, step);
    keys.sort(step);
    let sum = Summed {
        x: step.x(0),
        keys,
        rows: 0usize.into(),
        total: op.table_rows,
        width: product(&step.result_shape()[1..]),
        length: if op.bag { last(step.shape(1)) } else { 1 },
        adds: false,
    };
    sum_rows(&sum, step);
}

pub(super) fn unique_rows(op: &ops::UniqueRows, step: &mut Emit<'_, '_>) {
    let total = step.result_count();
    let keys = Keys::reserve(total, step);
    let (status, note) = step.note(op.name(), About::Index(op.rows));
    let mut start = 0;
    // Each part fills what is behind it too, and the next one writes over that.
    for (part, &left_out) in op.padding.iter().enumerate() {
        let (count, rows) = (step.count(part), (op.rows, left_out));
        keys.fill(start, (step.x(part), count), rows, (status.into(), note), step);
        start += count;
    }
    keys.sort(step);
    let words = words![keys.at, step.y(), keys.count, total];
    step.launch_indices("unique", launch::rows(1, THREADS), words);
}

pub(super) fn row_sum(op: &ops::RowSum, step: &mut Emit<'_, '_>) {
    let most = (0..op.parts.len()).map(|part| step.count(2 + 2 * part)).max().unwrap_or(0);
    let (total, width) = (step.count(0), product(&op.row));
    if total * width == 0 {
        return;
    }
    let keys = Keys::reserve(most, step);
    for (part, &(bag, left_out)) in op.parts.iter().enumerate() {
        let (rows, indices) = (1 + 2 * part, 2 + 2 * part);
        let none = (Word::from(0usize), 0);
        let all = (usize::MAX, left_out);
        keys.fill(0, (step.x(indices), step.count(indices)), all, none, step);
        keys.sort(step);
        let sum = Summed {
            x: step.x(rows),
            keys,
            rows: step.x(0).into(),
            total,
            width,
            length: if bag { last(step.shape(indices)) } else { 1 },
            adds: part > 0,
        };
        sum_rows(&sum, step);
    }
}

pub(super) fn position(op: &ops::Position, step: &mut Emit<'_, '_>) {
    let (count, total) = (step.count(1), step.count(0));
    let words = words![step.x(0), step.x(1), step.y(), count, total, padding(op.padding)];
    step.launch_indices("position", elements(count), words);
}

pub(super) fn take(op: &ops::Take, step: &mut Emit<'_, '_>) {
    let width = last(step.shape(0));
    pick("take", op.name(), width, step);
}

pub(super) fn put(op: &ops::Put, step: &mut Emit<'_, '_>) {
    pick("put", op.name(), op.width, step);
}

fn pick(kernel: &str, op: &'static str, width: usize, step: &mut Emit<'_, '_>) {
    let count = last(step.shape(1));
    let rows = product(&step.shape(1)[..step.shape(1).len().saturating_sub(1)]);
    let (status, note) = step.note(op, About::Index(width));
    let words = words![step.x(0), step.x(1), step.y(), rows, width, count, status, note];
    step.launch(kernel, elements(step.result_count()), words);
}

/// Rows, the second operand, over those of the result that indices, the first, name.
pub(super) fn assign(step: &mut Emit<'_, '_>) {
    let (count, height) = (step.count(0), step.result_shape()[0]);
    let width = product(&step.result_shape()[1..]);
    let keys = Keys::reserve(count, step);
    let (status, note) = step.note("assign_rows", About::Index(height));
    keys.fill(0, (step.x(0), count), (height, None), (status.into(), note), step);
    keys.sort(step);
    let words = words![step.x(1), keys.at, step.y(), keys.count, width, STATUS];
    step.launch("assign_rows", elements(keys.count * width), words);
}
