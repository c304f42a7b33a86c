//! Sums and maxima along axes.

use autodiff::ops;

use super::Emit;
use crate::command::{Place, words};
use crate::launch::{self, Reduction};

pub(super) fn sum(op: &ops::Sum, step: &mut Emit<'_, '_>) {
    reduce("sum", op.start, op.end, step);
}

pub(super) fn max(op: &ops::Max, step: &mut Emit<'_, '_>) {
    reduce("max", op.start, op.end, step);
}

/// Reduces the axes from `start` to `end`: at once, or ranges of them first.
fn reduce(kernel: &str, start: usize, end: usize, step: &mut Emit<'_, '_>) {
    let product = |extents: &[usize]| extents.iter().product::<usize>();
    let shape = step.shape(0);
    let (outer, inner) = (product(&shape[..start]), product(&shape[end..]));
    let (from, to) = (step.x(0), step.y());
    let whole = [outer, product(&shape[start..end]), inner];
    let first = launch::reduction(outer, whole[1], inner);
    if first.parts == 1 {
        return launch(kernel, (from, to), whole, first, step);
    }
    let parts = step.scratch(outer * first.parts * inner * step.dtype().size());
    launch(kernel, (from, parts), whole, first, step);
    let rest = Reduction { parts: 1, ..launch::reduction(outer, first.parts, inner) };
    launch(kernel, (parts, to), [outer, first.parts, inner], rest, step);
}

fn launch(
    kernel: &str,
    (from, to): (Place, Place),
    [outer, count, inner]: [usize; 3],
    reduction: Reduction,
    step: &mut Emit<'_, '_>,
) {
    let Reduction { parts, chunk, columns, grid } = reduction;
    let chunk = if parts == 1 { count } else { chunk };
    let words = words![from, to, outer, count, inner, parts, chunk, columns];
    step.launch(kernel, grid, words);
}
