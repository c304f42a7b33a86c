//! Products, factors and systems of equations.

use autodiff::{Layout, Op, ops};

use super::emit::{matrix, turned};
use super::{About, Emit};
use crate::command::{Place, words};
use crate::driver::{Factor, Product};
use crate::launch::{self, elements};

/// The matrices of a layout of two axes or more, as a product reads them where they lie: rows or
/// columns without gaps, one distance from matrix to matrix.
pub(crate) fn readable(layout: &Layout, at: Place) -> Option<Factor<Place>> {
    let [leading @ .., rows, columns] = &layout.shape[..] else { return None };
    if layout.is_contiguous() {
        return Some(matrix(at, *columns, rows * columns));
    }
    let axes = leading.len();
    let step = step(leading, &layout.strides[..axes])?;
    let (down, along) = (layout.strides[axes], layout.strides[axes + 1]);
    // An axis of 1 has any stride.
    let lies = |inner: usize, stride: usize| inner == 1 || stride == 1;
    let apart = |outer: usize, stride: usize, inner: usize| outer == 1 || stride >= inner;
    if lies(*columns, along) && apart(*rows, down, *columns) {
        let row = if *rows == 1 { *columns } else { down };
        return Some(matrix(at, row, step));
    }
    if lies(*rows, down) && apart(*columns, along, *rows) {
        let row = if *columns == 1 { *rows } else { along };
        return Some(turned(at, row, step));
    }
    None
}

/// The one distance between neighbours of all leading axes, if there is one.
fn step(extents: &[usize], strides: &[usize]) -> Option<usize> {
    let mut axes = extents.iter().zip(strides).rev().filter(|(extent, _)| **extent != 1);
    let Some((&extent, &step)) = axes.next() else { return Some(0) };
    let mut reach = extent * step;
    for (extent, stride) in axes {
        if *stride != reach {
            return None;
        }
        reach *= extent;
    }
    Some(step)
}

/// Number of matrices, and the extents of the last two axes.
fn extents(shape: &[usize]) -> (usize, usize, usize) {
    match shape {
        [leading @ .., rows, columns] => (leading.iter().product(), *rows, *columns),
        _ => (0, 0, 0),
    }
}

pub(super) fn matmul(_: &ops::MatMul, step: &mut Emit<'_, '_>) {
    let factor = |index: usize| match readable(&step.operand(index).layout, step.x(index)) {
        Some(factor) => factor,
        None => panic!("a factor that was not asked for: {:?}", step.operand(index)),
    };
    let (left, right) = (factor(0), factor(1));
    let (count, m, n) = extents(step.result_shape());
    let (_, _, k) = extents(step.shape(0));
    let (dtype, result) = (step.dtype(), matrix(step.y(), n, m * n));
    step.product(Product { dtype, m, n, k, count, left, right, result, adds: false });
}

pub(super) fn gram(_: &ops::Gram, step: &mut Emit<'_, '_>) {
    let (count, n, k) = extents(step.shape(0));
    let (x, dtype, result) = (step.x(0), step.dtype(), matrix(step.y(), n, n * n));
    let (left, right) = (matrix(x, k, n * k), turned(x, k, n * k));
    step.product(Product { dtype, m: n, n, k, count, left, right, result, adds: false });
    step.launch("mirror", elements(count * n * n), words![step.y(), count, n]);
}

/// The lower factors of the first operand.
fn factor(op: &'static str, to: Place, step: &mut Emit<'_, '_>) {
    let (count, n, _) = extents(step.shape(0));
    let (status, note) = step.note(op, About::Definite);
    let words = words![step.x(0), to, count, n, status, note];
    step.launch("cholesky", launch::rows(count, n), words);
}

/// l^-1 b or l^-T b for the systems of the second operand.
fn substitute(op: &'static str, [l, b, x]: [Place; 3], transposed: bool, step: &mut Emit<'_, '_>) {
    let (count, n, m) = extents(step.shape(1));
    let (status, note) = step.note(op, About::Diagonal);
    let words = words![l, b, x, count, n, m, transposed, status, note];
    step.launch("substitute", elements(count * m), words);
}

pub(super) fn cholesky(op: &ops::Cholesky, step: &mut Emit<'_, '_>) {
    factor(op.name(), step.y(), step);
}

pub(super) fn triangular_solve(op: &ops::TriangularSolve, step: &mut Emit<'_, '_>) {
    substitute(op.name(), [step.x(0), step.x(1), step.y()], op.transposed, step);
}

pub(super) fn solve(op: &ops::Solve, step: &mut Emit<'_, '_>) {
    let size = step.dtype().size();
    let (l, half) = (step.scratch(step.count(0) * size), step.scratch(step.count(1) * size));
    factor(op.name(), l, step);
    substitute(op.name(), [l, step.x(1), half], false, step);
    substitute(op.name(), [l, half, step.y()], true, step);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Base;

    fn found(shape: &[usize], strides: &[usize]) -> Option<(bool, usize, usize)> {
        let layout = Layout { shape: shape.to_vec(), strides: strides.to_vec(), offset: 0 };
        let factor = readable(&layout, Place { base: Base::Arena, offset: 0 })?;
        Some((factor.transposed, factor.row, factor.step))
    }

    #[test]
    fn matrices_are_read_where_they_lie() {
        assert_eq!(found(&[2, 3, 4], &[12, 4, 1]), Some((false, 4, 12)));
        // Transposed, and a part of longer rows.
        assert_eq!(found(&[2, 4, 3], &[12, 1, 4]), Some((true, 4, 12)));
        assert_eq!(found(&[3, 4], &[9, 1]), Some((false, 9, 0)));
        // One matrix for all, and a batch of two axes.
        assert_eq!(found(&[5, 3, 4], &[0, 4, 1]), Some((false, 4, 0)));
        assert_eq!(found(&[2, 5, 4, 3], &[60, 12, 1, 4]), Some((true, 4, 12)));
        assert_eq!(found(&[2, 5, 4, 3], &[12, 24, 1, 4]), None);
        // A column, whose rows may lie anywhere apart.
        assert_eq!(found(&[4, 1], &[7, 7]), Some((false, 7, 0)));
        assert_eq!(found(&[1, 4], &[1, 7]), Some((true, 7, 0)));
        // One row for all, and gaps both ways.
        assert_eq!(found(&[3, 4], &[0, 1]), None);
        assert_eq!(found(&[3, 4], &[8, 2]), None);
    }
}
