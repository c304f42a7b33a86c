//! Gradient for the filters: products of transformed images with transformed gradients, added up
//! over all tiles before they are transformed back.
//!
//! dG = G^T (sum over tiles of (A dy A^T) * (B^T d B)) G, the adjoint of the convolution by tiles.

use super::taps::filter_adjoint;
use super::{Block, POINTS, Tiling, transform};
use crate::Float;
use crate::convolution::Geometry;
use crate::memory::Workspace;
use crate::parallel;
use crate::product::{Matrix, accumulate, matrix_mut};

/// Channels or filters of one product at most.
const MOST: usize = 64;
/// Blocks of tiles that are transformed before they are multiplied.
const BLOCKS: usize = 8;

/// Channels or filters in equal parts.
#[derive(Debug, Clone, Copy)]
struct Parts {
    count: usize,
    per: usize,
}

impl Parts {
    fn new(count: usize) -> Parts {
        Parts { count, per: count.div_ceil(count.div_ceil(MOST).max(1)) }
    }

    fn number(&self) -> usize {
        self.count.div_ceil(self.per)
    }

    /// The first one of a part, and how many it has.
    fn part(&self, index: usize) -> (usize, usize) {
        (index * self.per, self.per.min(self.count - index * self.per))
    }
}

struct WeightPass<'a, T> {
    tiling: Tiling,
    channels: Parts,
    filters: Parts,
    x: &'a [T],
    g: &'a [T],
    workspace: &'a Workspace,
}

/// Gradient for the filters of the convolution `geometry` of `x`, where `g` is that for its result.
pub fn weight_gradient<T: Float>(
    geometry: &Geometry,
    x: &[T],
    g: &[T],
    dw: &mut [T],
    workspace: &Workspace,
) {
    if x.is_empty() || g.is_empty() || dw.is_empty() {
        return dw.fill(T::zero());
    }
    let (channels, filters) = (Parts::new(geometry.channels), Parts::new(geometry.filters));
    let pass = WeightPass { tiling: Tiling::new(geometry), channels, filters, x, g, workspace };
    let (blocks, scratch) = (pass.blocks().min(BLOCKS), pass.scratch());
    let sizes = [pass.chunk(channels) * channels.number(), pass.chunk(filters) * filters.number()];
    let products = pass.pair() * channels.number() * filters.number();
    let whole = blocks * (sizes[0] + sizes[1]) + products;
    workspace.reserve::<T>(1, whole.max(scratch));
    workspace.reserve::<T>(1 + crate::parallel::threads(), scratch);
    let group = geometry.filters * geometry.taps();
    for (index, dw) in dw.chunks_exact_mut(group).enumerate() {
        workspace.with(whole.max(scratch), |memory| {
            let (v, rest) = memory.split_at_mut(blocks * sizes[0]);
            let (m, rest) = rest.split_at_mut(blocks * sizes[1]);
            let products = &mut rest[..products];
            for first in (0..pass.blocks()).step_by(blocks) {
                let count = blocks.min(pass.blocks() - first);
                let (v, m) = (&mut v[..count * sizes[0]], &mut m[..count * sizes[1]]);
                pass.transform(index, first, true, v);
                pass.transform(index, first, false, m);
                pass.multiply(count, first > 0, v, m, products);
            }
            pass.finish(products, dw);
        });
    }
}

impl<T: Float> WeightPass<'_, T> {
    /// Blocks of tiles of one group.
    fn blocks(&self) -> usize {
        self.tiling.blocks() / self.tiling.geometry.groups
    }

    /// Elements of a block of tiles for one part of the channels or filters.
    fn chunk(&self, parts: Parts) -> usize {
        POINTS * parts.per * self.tiling.columns
    }

    /// Elements of the products of a part of the filters with one of the channels.
    fn pair(&self) -> usize {
        POINTS * self.filters.per * self.channels.per
    }

    fn scratch(&self) -> usize {
        let taps = self.tiling.geometry.kernel[0];
        self.tiling.input_scratch().max((transform::REACH + taps) * taps * self.channels.per)
    }

    fn block(&self, group: usize, index: usize) -> Block {
        let (tiling, down) = (&self.tiling, self.tiling.tiles[0].div_ceil(self.tiling.rows));
        let (image, row) = (index / down * tiling.images, index % down * tiling.rows);
        Block {
            group,
            images: image..tiling.geometry.batch.min(image + tiling.images),
            rows: row..tiling.tiles[0].min(row + tiling.rows),
        }
    }

    /// Transforms the images, or else the gradient, block by block and part by part.
    fn transform(&self, group: usize, first: usize, images: bool, out: &mut [T]) {
        let geometry = &self.tiling.geometry;
        let parts = if images { self.channels } else { self.filters };
        parallel::rows(out, self.chunk(parts), 1, 0, &|index, out| {
            self.workspace.with(self.scratch(), |scratch| {
                for (index, out) in (index..).zip(out.chunks_exact_mut(self.chunk(parts))) {
                    let block = self.block(group, first + index / parts.number());
                    let mut rows = self.tiling.of(&block);
                    let (from, count) = parts.part(index % parts.number());
                    rows.lanes = parts.per;
                    let image = block.images.start * geometry.groups + group;
                    for lane in 0..count {
                        let channel = image * parts.count + from + lane;
                        if images {
                            let x = &self.x[channel * geometry.plane()..];
                            transform::input(&rows, x, out, lane, scratch);
                        } else {
                            rows.pitch = geometry.groups * geometry.filters * geometry.positions();
                            (rows.extent, rows.padding) = (geometry.output, [0, 0]);
                            let g = &self.g[channel * geometry.positions()..];
                            transform::gradient(&rows, g, out, lane, scratch);
                        }
                    }
                }
            });
        });
    }

    /// Adds the products of `count` blocks to those of the blocks before, if there were any.
    fn multiply(&self, count: usize, more: bool, v: &[T], m: &[T], products: &mut [T]) {
        let (columns, across) = (self.tiling.columns, self.channels.number());
        let (of_v, of_m) = (self.chunk(self.channels), self.chunk(self.filters));
        let size = self.filters.per * self.channels.per;
        parallel::rows(products, self.pair(), 1, 0, &|index, products| {
            for (index, products) in (index..).zip(products.chunks_exact_mut(self.pair())) {
                let (down, right) = (index / across, index % across);
                let (f, c) = (self.filters.part(down).1, self.channels.part(right).1);
                for block in 0..count {
                    let v = &v[(block * across + right) * of_v..][..of_v];
                    let m = &m[(block * self.filters.number() + down) * of_m..][..of_m];
                    for (point, products) in products.chunks_exact_mut(size).enumerate() {
                        let v = &v[point * self.channels.per * columns..];
                        let m = &m[point * self.filters.per * columns..];
                        let (v, m) = (Matrix::rows(v, c, columns), Matrix::rows(m, f, columns));
                        let mut products = matrix_mut(&mut products[..f * c], f, c);
                        accumulate(m, v.transposed(), more || block > 0, &mut products);
                    }
                }
            }
        });
    }

    /// Transforms the sums back to one group's filters.
    fn finish(&self, products: &[T], dw: &mut [T]) {
        let taps = self.tiling.geometry.kernel[0];
        let (area, across) = (taps * taps, self.channels.number());
        let size = self.filters.per * self.channels.per;
        let filter = self.channels.count * area;
        parallel::rows(dw, filter, 8, 0, &|first, dw| {
            self.workspace.with(self.scratch(), |scratch| {
                for (index, dw) in (first..).zip(dw.chunks_exact_mut(filter)) {
                    for right in 0..across {
                        let (from, count) = self.channels.part(right);
                        let pair = index / self.filters.per * across + right;
                        let row = index % self.filters.per * count;
                        let products = &products[pair * self.pair() + row..];
                        let dw = &mut dw[from * area..][..count * area];
                        filter_adjoint(taps, (products, size), dw, scratch);
                    }
                }
            });
        });
    }
}
