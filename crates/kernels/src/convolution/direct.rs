//! Convolution as products of the filters with cache-sized blocks of columns (implicit GEMM).

use std::ops::Range;

use ndarray::{ArrayViewMut2, Axis};

use super::columns::{Geometry, gather, scatter};
use super::winograd::Epilogue;
use crate::Float;
use crate::memory::Workspace;
use crate::parallel;
use crate::product::{Matrix, accumulate, matrix_mut};
use crate::simd::vectorised;

/// Taps of a block: one panel of the matrix product, so that blocks cost it no extra passes.
const TAPS: usize = 384;
/// Most and fewest positions of a block.
const POSITIONS: usize = 512;
const FEWEST: usize = 128;
/// Blocks that a kernel should have at least, for threads to share.
const BLOCKS: usize = 8;
/// Results that one task finishes.
const FINISHED: usize = 1 << 15;

/// Extent of equal blocks of at most `most`.
fn even(extent: usize, most: usize) -> usize {
    extent.div_ceil(extent.div_ceil(most).max(1)).max(1)
}

/// Positions of a block: fewer where there would be too few blocks.
fn block(geometry: &Geometry) -> usize {
    let all = geometry.batch * geometry.groups * geometry.positions();
    let most = (all / BLOCKS).clamp(FEWEST, POSITIONS);
    even(geometry.positions(), most).next_multiple_of(16)
}

/// Calls `work(range, columns)` for blocks of `per` columns of `y`.
fn by_columns<T: Send>(
    y: ArrayViewMut2<'_, T>,
    per: usize,
    first: usize,
    work: &(impl Fn(Range<usize>, ArrayViewMut2<'_, T>) + Sync),
) {
    let count = y.dim().1;
    if count <= per {
        return work(first..first + count, y);
    }
    let middle = count.div_ceil(per) / 2 * per;
    let (left, right) = y.split_at(Axis(1), middle);
    parallel::both(
        || by_columns(left, per, first, work),
        || by_columns(right, per, first + middle, work),
    );
}

/// `y[n, f]` = sum over taps of `w[f, tap] x[n]` under the tap.
pub fn forward<T: Float>(
    geometry: &Geometry,
    x: &[T],
    w: &[T],
    y: &mut [T],
    workspace: &Workspace,
) {
    let (taps, positions, filters) = (geometry.taps(), geometry.positions(), geometry.filters);
    if taps == 0 || y.is_empty() {
        return y.fill(T::zero());
    }
    let (across, per) = (even(taps, TAPS), block(geometry));
    let tasks = geometry.batch * geometry.groups * positions.div_ceil(per);
    workspace.reserve_tasks::<T>(tasks, across * per);
    let image = geometry.channels * geometry.plane();
    parallel::rows(y, filters * positions, 1, 0, &|first, y| {
        for (index, y) in (first..).zip(y.chunks_exact_mut(filters * positions)) {
            let x = &x[index * image..][..image];
            let w = &w[index % geometry.groups * filters * taps..][..filters * taps];
            let w = Matrix::rows(w, filters, taps);
            by_columns(matrix_mut(y, filters, positions), per, 0, &|range, mut y| {
                if geometry.pointwise() {
                    let x = Matrix::rows(x, taps, positions);
                    let x = x.block((0, range.start), (taps, range.len()));
                    return accumulate(w, x, false, &mut y);
                }
                workspace.with(across * per, |columns| {
                    for start in (0..taps).step_by(across) {
                        let rows = start..taps.min(start + across);
                        let columns = &mut columns[..rows.len() * range.len()];
                        gather(x, geometry, rows.clone(), range.clone(), columns);
                        let columns = Matrix::rows(columns, rows.len(), range.len());
                        let w = w.block((0, rows.start), (filters, rows.len()));
                        accumulate(w, columns, start > 0, &mut y);
                    }
                });
            });
        }
    });
}

vectorised! {
    fn finish_planes<T: Float>(first: usize, plane: usize, y: &mut [T], after: Epilogue<'_, T>, filters: usize) {
        for (index, y) in (first..).zip(y.chunks_exact_mut(plane)) {
            after.apply(index % filters, y);
        }
    }
}

/// What follows the products, in place.
pub fn finish<T: Float>(geometry: &Geometry, y: &mut [T], after: Epilogue<'_, T>) {
    let (plane, filters) = (geometry.positions(), geometry.groups * geometry.filters);
    if plane == 0 || !(after.relu || after.bias.is_some()) {
        return;
    }
    parallel::rows(y, plane, (FINISHED / plane).max(1), 0, &|first, y| {
        finish_planes(first, plane, y, after, filters);
    });
}

/// Gradient of [`forward`] for `x`, where `g` is that for its result.
pub fn input_gradient<T: Float>(
    geometry: &Geometry,
    g: &[T],
    w: &[T],
    dx: &mut [T],
    workspace: &Workspace,
) {
    if geometry.taps() == 0 || g.is_empty() || w.is_empty() || dx.is_empty() {
        return dx.fill(T::zero());
    }
    match geometry.transposed() {
        Some(transposed) => {
            workspace.reserve::<T>(1, w.len());
            workspace.with(w.len(), |filters| {
                transpose(geometry, w, filters);
                forward(&transposed, g, filters, dx, workspace);
            });
        }
        None => scattered(geometry, g, w, dx, workspace),
    }
}

impl Geometry {
    /// The input gradient as a convolution of the output's gradient, for a stride of one.
    pub fn transposed(&self) -> Option<Geometry> {
        let reach = |axis: usize| self.dilation[axis] * (self.kernel[axis] - 1);
        let padding = |axis: usize| reach(axis).checked_sub(self.padding[axis]);
        if self.stride != [1, 1] {
            return None;
        }
        Some(Geometry {
            channels: self.filters,
            filters: self.channels,
            input: self.output,
            output: self.input,
            padding: [padding(0)?, padding(1)?],
            ..*self
        })
    }
}

/// Filters with input and output channels exchanged and the taps of each plane reversed.
fn transpose<T: Float>(geometry: &Geometry, w: &[T], transposed: &mut [T]) {
    let area = geometry.kernel[0] * geometry.kernel[1];
    let (channels, filters) = (geometry.channels, geometry.filters);
    let group = channels * filters * area;
    for (w, transposed) in w.chunks_exact(group).zip(transposed.chunks_exact_mut(group)) {
        for (i, plane) in transposed.chunks_exact_mut(area).enumerate() {
            let (channel, filter) = (i / filters, i % filters);
            let from = &w[(filter * channels + channel) * area..][..area];
            for (to, &from) in plane.iter_mut().zip(from.iter().rev()) {
                *to = from;
            }
        }
    }
}

/// The input gradient of any stride: columns of gradients, added where they came from.
fn scattered<T: Float>(geometry: &Geometry, g: &[T], w: &[T], dx: &mut [T], workspace: &Workspace) {
    let (taps, positions, filters) = (geometry.taps(), geometry.positions(), geometry.filters);
    let (channels, plane) = (geometry.channels, geometry.plane());
    let area = geometry.kernel[0] * geometry.kernel[1];
    let per = even(channels, (TAPS / area).max(1));
    let across = even(positions, POSITIONS);
    let pieces = (geometry.batch * geometry.groups * channels).div_ceil(per);
    workspace.reserve_tasks::<T>(pieces, per * area * across);
    parallel::rows(dx, plane, per, 0, &|first, dx| {
        dx.fill(T::zero());
        let (mut channel, end) = (first, first + dx.len() / plane);
        while channel < end {
            // A piece may end one group and begin the next.
            let (index, from) = (channel / channels, channel % channels);
            let to = channels.min(from + end - channel);
            let g = &g[index * filters * positions..][..filters * positions];
            let g = Matrix::rows(g, filters, positions);
            let w = &w[index % geometry.groups * filters * taps..][..filters * taps];
            let rows = from * area..to * area;
            let w = Matrix::rows(w, filters, taps);
            let w = w.block((0, rows.start), (filters, rows.len())).transposed();
            let dx = &mut dx[(channel - first) * plane..][..(to - from) * plane];
            workspace.with(per * area * across, |columns| {
                for start in (0..positions).step_by(across) {
                    let range = start..positions.min(start + across);
                    let columns = &mut columns[..rows.len() * range.len()];
                    let mut product = matrix_mut(columns, rows.len(), range.len());
                    let g = g.block((0, range.start), (filters, range.len()));
                    accumulate(w, g, false, &mut product);
                    scatter(columns, geometry, rows.clone(), range, dx);
                }
            });
            channel += to - from;
        }
    });
}

/// Gradient of [`forward`] for `w`, where `g` is that for its result.
pub fn weight_gradient<T: Float>(
    geometry: &Geometry,
    x: &[T],
    g: &[T],
    dw: &mut [T],
    workspace: &Workspace,
) {
    let (taps, positions, filters) = (geometry.taps(), geometry.positions(), geometry.filters);
    if x.is_empty() || g.is_empty() || dw.is_empty() {
        return dw.fill(T::zero());
    }
    let most = (geometry.groups * taps / BLOCKS).clamp(FEWEST / 2, TAPS);
    let (per, across) = (even(taps, most).next_multiple_of(8), even(positions, POSITIONS));
    workspace.reserve_tasks::<T>(geometry.groups * taps.div_ceil(per), per * across);
    let image = geometry.channels * geometry.plane();
    parallel::rows(dw, filters * taps, 1, 0, &|first, dw| {
        for (group, dw) in (first..).zip(dw.chunks_exact_mut(filters * taps)) {
            by_columns(matrix_mut(dw, filters, taps), per, 0, &|rows, mut dw| {
                workspace.with(per * across, |columns| {
                    for n in 0..geometry.batch {
                        let index = n * geometry.groups + group;
                        let x = &x[index * image..][..image];
                        let g = &g[index * filters * positions..][..filters * positions];
                        let g = Matrix::rows(g, filters, positions);
                        for start in (0..positions).step_by(across) {
                            let range = start..positions.min(start + across);
                            let columns = &mut columns[..rows.len() * range.len()];
                            gather(x, geometry, rows.clone(), range.clone(), columns);
                            let columns = Matrix::rows(columns, rows.len(), range.len());
                            let g = g.block((0, start), (filters, range.len()));
                            accumulate(g, columns.transposed(), n + start > 0, &mut dw);
                        }
                    }
                });
            });
        }
    });
}
