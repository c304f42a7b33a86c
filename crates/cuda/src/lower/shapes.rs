//! Operations that move elements, or leave some out.

use autodiff::ops;

use super::Emit;
use crate::command::words;
use crate::launch::elements;

pub(super) fn concat(op: &ops::Concat, step: &mut Emit<'_, '_>) {
    let width = |shape: &[usize]| shape[op.axis..].iter().product::<usize>();
    let rows: usize = step.result_shape()[..op.axis].iter().product();
    let (row, mut start) = (width(step.result_shape()), 0);
    for part in 0..step.len() {
        let width = width(step.shape(part));
        if width > 0 {
            let words = words![step.x(part), step.y(), rows, width, row, start];
            step.launch("place", elements(rows * width), words);
        }
        start += width;
    }
}

pub(super) fn pad(op: &ops::Pad, step: &mut Emit<'_, '_>) {
    let (count, extent) = (step.result_count(), step.shape(0)[op.axis]);
    let inner: usize = step.result_shape()[op.axis + 1..].iter().product();
    let words = words![step.x(0), step.y(), count, inner, extent, op.start, op.extent];
    step.launch("pad", elements(count), words);
}

pub(super) fn recalled(_: &ops::Recalled, step: &mut Emit<'_, '_>) {
    let bytes = step.result_count() * step.dtype().size();
    step.copy(step.x(0), step.y(), bytes);
}

pub(super) fn dropout(op: &ops::Dropout, step: &mut Emit<'_, '_>) {
    let limit = (op.rate * 2f64.powi(32)).round() as u64;
    let (count, scale) = (step.result_count(), 1.0 / (1.0 - op.rate));
    let words = words![step.x(0), step.x(1), step.y(), count, limit, scale];
    step.launch("dropout", elements(count), words);
}
