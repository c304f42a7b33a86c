//! The transform of filters to pairs of points, and its adjoint.

use super::transform::{REACH, combine};
use crate::Float;
use crate::simd::vectorised;

/// G for three taps: for each point, the factors of the taps.
const FILTER_3: [[f64; 3]; REACH] = [
    [1.0, 0.0, 0.0],
    [1.0, 1.0, 1.0],
    [1.0 / 9.0, -1.0 / 9.0, 1.0 / 9.0],
    [1.0 / 9.0, 2.0 / 9.0, 4.0 / 9.0],
    [4.0 / 9.0, 2.0 / 9.0, 1.0 / 9.0],
    [0.0, 0.0, 1.0],
];

/// G for five taps.
const FILTER_5: [[f64; 5]; REACH] = [
    [1.0, 0.0, 0.0, 0.0, 0.0],
    [1.0, 1.0, 1.0, 1.0, 1.0],
    [1.0 / 9.0, -1.0 / 9.0, 1.0 / 9.0, -1.0 / 9.0, 1.0 / 9.0],
    [1.0 / 9.0, 2.0 / 9.0, 4.0 / 9.0, 8.0 / 9.0, 16.0 / 9.0],
    [16.0 / 9.0, 8.0 / 9.0, 4.0 / 9.0, 2.0 / 9.0, 1.0 / 9.0],
    [0.0, 0.0, 0.0, 0.0, 1.0],
];

/// Extent of the square blocks that filters are stored in: filters and channels of a block.
pub(super) const SIDE: usize = 8;
/// Filters of a block.
pub(super) const BLOCK: usize = SIDE * SIDE;

vectorised! {
    /// G g G^T of a block of filters of `taps` by `taps`, each tap a row of `g`.
    pub(super) fn filter<T: Float>(taps: usize, g: &[T], partial: &mut [T], out: &mut [T]) {
        if taps == 3 {
            filter_by(&FILTER_3, g, partial, out);
        } else {
            filter_by(&FILTER_5, g, partial, out);
        }
    }
}

#[inline(always)]
fn filter_by<T: Float, const TAPS: usize>(
    points: &[[f64; TAPS]; REACH],
    g: &[T],
    partial: &mut [T],
    out: &mut [T],
) {
    for (i, factors) in points.iter().enumerate() {
        for j in 0..TAPS {
            let mut rows = [&g[..BLOCK]; TAPS];
            for (down, row) in rows.iter_mut().enumerate() {
                *row = &g[(down * TAPS + j) * BLOCK..][..BLOCK];
            }
            combine(&mut partial[(i * TAPS + j) * BLOCK..][..BLOCK], rows, *factors);
        }
    }
    for i in 0..REACH {
        for (j, factors) in points.iter().enumerate() {
            let mut rows = [&partial[..BLOCK]; TAPS];
            for (right, row) in rows.iter_mut().enumerate() {
                *row = &partial[(i * TAPS + right) * BLOCK..][..BLOCK];
            }
            combine(&mut out[(i * REACH + j) * BLOCK..][..BLOCK], rows, *factors);
        }
    }
}

vectorised! {
    /// G^T d G of neighbouring channels: `taps` by `taps` numbers each.
    ///
    /// `d` is the rows of the pairs of points, and the distance between them.
    pub(super) fn filter_adjoint<T: Float>(
        taps: usize, d: (&[T], usize), dw: &mut [T], scratch: &mut [T],
    ) {
        if taps == 3 {
            filter_adjoint_by(&FILTER_3, d, dw, scratch);
        } else {
            filter_adjoint_by(&FILTER_5, d, dw, scratch);
        }
    }
}

#[inline(always)]
fn filter_adjoint_by<T: Float, const TAPS: usize>(
    points: &[[f64; TAPS]; REACH],
    (d, pitch): (&[T], usize),
    dw: &mut [T],
    scratch: &mut [T],
) {
    let n = dw.len() / (TAPS * TAPS);
    let (partial, rest) = scratch.split_at_mut(TAPS * REACH * n);
    let whole = &mut rest[..TAPS * TAPS * n];
    for a in 0..TAPS {
        let factors = points.map(|factors| factors[a]);
        for j in 0..REACH {
            let row = |i: usize| &d[(i * REACH + j) * pitch..][..n];
            let rows = [row(0), row(1), row(2), row(3), row(4), row(5)];
            combine(&mut partial[(a * REACH + j) * n..][..n], rows, factors);
        }
        for b in 0..TAPS {
            let factors = points.map(|factors| factors[b]);
            let row = |j: usize| &partial[(a * REACH + j) * n..][..n];
            let rows = [row(0), row(1), row(2), row(3), row(4), row(5)];
            combine(&mut whole[(a * TAPS + b) * n..][..n], rows, factors);
        }
    }
    for (c, dw) in dw.chunks_exact_mut(TAPS * TAPS).enumerate() {
        for (tap, dw) in dw.iter_mut().enumerate() {
            *dw = whole[tap * n + c];
        }
    }
}
