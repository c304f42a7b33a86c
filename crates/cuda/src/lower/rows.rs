//! What is done with whole rows of the last axis, or with whole channels.

use autodiff::{DType, Op, ops};

use super::{About, Emit};
use crate::command::words;
use crate::launch;

/// Rows and extent of the last axis of the first operand.
fn extents(step: &Emit<'_, '_>) -> (usize, usize) {
    match step.shape(0).split_last() {
        Some((&width, leading)) => (leading.iter().product(), width),
        None => (1, 1),
    }
}

fn each_row(kernel: &str, step: &mut Emit<'_, '_>) {
    let (rows, width) = extents(step);
    let words = words![step.x(0), step.y(), rows, width];
    step.launch(kernel, launch::rows(rows, width), words);
}

pub(super) fn softmax(_: &ops::Softmax, step: &mut Emit<'_, '_>) {
    each_row("softmax", step);
}

pub(super) fn log_softmax(_: &ops::LogSoftmax, step: &mut Emit<'_, '_>) {
    each_row("log_softmax", step);
}

pub(super) fn log_sum_exp(_: &ops::LogSumExp, step: &mut Emit<'_, '_>) {
    each_row("log_sum_exp", step);
}

pub(super) fn cross_entropy(op: &ops::CrossEntropy, step: &mut Emit<'_, '_>) {
    let (rows, width) = extents(step);
    let (status, note) = step.note(op.name(), About::Index(width));
    let (x, targets, y) = (step.x(0), step.x(1), step.y());
    let words = words![x, targets, 0usize, y, rows, width, status, note];
    step.launch("cross_entropy", launch::rows(rows, width), words);
}

pub(super) fn cross_entropy_gradient(_: &ops::CrossEntropyGradient, step: &mut Emit<'_, '_>) {
    let (rows, width) = extents(step);
    let (status, note) = step.note("cross_entropy", About::Index(width));
    let (x, targets, weights, y) = (step.x(0), step.x(1), step.x(2), step.y());
    let words = words![x, targets, weights, y, rows, width, status, note];
    step.launch("cross_entropy_gradient", launch::rows(rows, width), words);
}

fn channels(kernel: &str, op: &ops::Normalise, step: &mut Emit<'_, '_>) {
    let product = |extents: &[usize]| extents.iter().product::<usize>();
    let shape = step.shape(0);
    let (outer, inner) = (product(&shape[..op.start]), product(&shape[op.end..]));
    let channels = product(&shape[op.start..op.end]);
    let words = words![step.x(0), step.y(), outer, channels, inner, op.epsilon];
    step.launch(kernel, launch::rows(channels, outer * inner), words);
}

pub(super) fn normalise(op: &ops::Normalise, step: &mut Emit<'_, '_>) {
    channels("normalise", op, step);
}

pub(super) fn inverse_deviation(op: &ops::InverseDeviation, step: &mut Emit<'_, '_>) {
    channels("inverse_deviation", &op.0, step);
}

pub(super) fn top_k(op: &ops::TopK, step: &mut Emit<'_, '_>) {
    let (rows, width) = extents(step);
    let dtype = if step.operand(0).dtype == DType::F64 { DType::F64 } else { DType::F32 };
    let words = words![step.x(0), step.y(), rows, width, op.count];
    step.launch_as("top_k", dtype, launch::rows(rows, width), words);
}
