//! Convolution by filters of 3 by 3 taps with a quarter of the multiplications, and by filters of 5
//! by 5 with 9 of 25.
//!
//! The images are cut into tiles of six by six elements, four or two apart. Blocks of tiles small enough
//! for the cache are transformed, multiplied with the transformed filters, one product for each pair
//! of points, and transformed back.

mod filters;
mod taps;
mod transform;
mod weight;

use std::ops::Range;

use ndarray::{ArrayViewMut4, Axis};

use super::columns::Geometry;
use crate::Float;
use crate::memory::Workspace;
use crate::parallel;
use crate::product::{Terms, grouped};
use crate::simd::isa;
use crate::simd::prefetch::Prefetch;

pub use filters::{POINTS, Packed, transform};
use taps::SIDE;
pub use transform::Epilogue;
use transform::{REACH, REVERSED, Rows};
pub use weight::weight_gradient;

/// What the places of a block's tiles are a multiple of: the widest vectors.
const COLUMNS: usize = 16;
/// Blocks of filters between those that are multiplied and those that are prefetched: they lie far apart.
const PREFETCH: usize = 4;
/// Tiles of a block, about.
const TILES: usize = 128;
/// Filters whose products are kept until they are transformed back, so that the transformed input is
/// read few times.
const FILTERS: usize = 256;
/// Blocks from which each is a task of its own; fewer are each shared between threads.
const APART: usize = 4;
/// Elements between large strides, so that they do not fall on the same lines of a cache.
const GAP: usize = 16;

/// Whether a convolution can be computed this way.
pub fn suits(geometry: &Geometry) -> bool {
    [[3, 3], [5, 5]].contains(&geometry.kernel)
        && geometry.stride == [1, 1]
        && geometry.dilation == [1, 1]
        && geometry.padding.iter().all(|&padding| padding < geometry.kernel[0])
}

/// The tiles of a convolution and the blocks they are computed in.
#[derive(Debug, Clone, Copy)]
struct Tiling {
    geometry: Geometry,
    /// Results of a tile along an axis.
    step: usize,
    /// Tiles along each axis of an image.
    tiles: [usize; 2],
    /// Images, and tile rows of each, of a block.
    images: usize,
    rows: usize,
    /// Places of a block's tiles in memory.
    columns: usize,
}

impl Tiling {
    fn new(geometry: &Geometry) -> Tiling {
        let step = REACH + 1 - geometry.kernel[0];
        let tiles = geometry.output.map(|extent| extent.div_ceil(step));
        let images = (TILES / (tiles[0] * tiles[1])).clamp(1, geometry.batch);
        let most = if images > 1 { tiles[0] } else { (TILES / tiles[1]).clamp(1, tiles[0]) };
        let rows = tiles[0].div_ceil(tiles[0].div_ceil(most));
        let columns = (images * rows * tiles[1]).next_multiple_of(COLUMNS);
        Tiling { geometry: *geometry, step, tiles, images, rows, columns }
    }

    /// Blocks of all groups.
    fn blocks(&self) -> usize {
        let images = self.geometry.batch.div_ceil(self.images);
        self.geometry.groups * images * self.tiles[0].div_ceil(self.rows)
    }

    /// Elements of a block of channels.
    fn chunk(&self) -> usize {
        POINTS * SIDE * self.columns + GAP
    }

    /// Elements of the transformed input of a block.
    fn input(&self) -> usize {
        self.geometry.channels.div_ceil(SIDE) * self.chunk()
    }

    /// Elements between the products of pairs of points.
    fn pitch(&self) -> usize {
        FILTERS.min(self.geometry.filters.next_multiple_of(SIDE)) * self.columns + GAP
    }

    /// Elements of the results of a block's tiles for one filter.
    fn lines(&self) -> usize {
        self.step * self.step * self.columns
    }

    /// Where the tiles of a block lie in images of one channel.
    fn of(&self, block: &Block) -> Rows {
        let geometry = &self.geometry;
        Rows {
            step: self.step,
            across: self.tiles[1],
            first: block.rows.start,
            down: block.rows.len(),
            images: block.images.len(),
            pitch: geometry.groups * geometry.channels * geometry.plane(),
            extent: geometry.input,
            padding: geometry.padding,
            lanes: SIDE,
            columns: self.columns,
        }
    }

    fn input_scratch(&self) -> usize {
        let all = Block { group: 0, images: 0..self.images, rows: 0..self.rows };
        self.of(&all).input_scratch()
    }

    fn output_scratch(&self) -> usize {
        let all = Block { group: 0, images: 0..self.images, rows: 0..self.rows };
        POINTS * self.pitch() + self.lines() + self.of(&all).output_scratch()
    }
}

/// Tiles that are computed together.
#[derive(Debug, Clone)]
struct Block {
    group: usize,
    images: Range<usize>,
    rows: Range<usize>,
}

/// A convolution to be run.
struct Pass<'a, T> {
    tiling: Tiling,
    packed: Packed,
    /// Whether it is the input gradient of the convolution that the filters were stored for.
    transposed: bool,
    x: &'a [T],
    u: &'a [T],
    epilogue: Epilogue<'a, T>,
    workspace: &'a Workspace,
}

/// Convolves images with transformed filters.
///
/// With `transposed`, the filters are those of the convolution whose input gradient `geometry` is.
pub fn convolve<T: Float>(
    geometry: &Geometry,
    (u, transposed): (&[T], bool),
    x: &[T],
    y: &mut [T],
    epilogue: Epilogue<'_, T>,
    workspace: &Workspace,
) {
    let Geometry { batch, groups, channels, filters, output, .. } = *geometry;
    if y.is_empty() {
        return;
    }
    let (rows, columns) = if transposed { (channels, filters) } else { (filters, channels) };
    let tiling = Tiling::new(geometry);
    let packed = Packed { groups, filters: rows, channels: columns, taps: geometry.kernel[0] };
    let pass = Pass { tiling, packed, transposed, x, u, epilogue, workspace };
    let apart = tiling.blocks() >= APART;
    pass.reserve(apart);
    let shape = (batch, groups * filters, output[0], output[1]);
    let y = match ArrayViewMut4::from_shape(shape, y) {
        Ok(y) => y,
        Err(error) => panic!("images of {shape:?}: {error}"),
    };
    pieces(y, 1, (filters, apart), 0, &|filter, y| {
        pieces(y, 0, (tiling.images, apart), 0, &|image, y| {
            pieces(y, 2, (tiling.rows * tiling.step, apart), 0, &|row, y| {
                let (images, rows) = (image..image + y.dim().0, row / tiling.step);
                let rows = rows..rows + y.dim().2.div_ceil(tiling.step);
                let block = Block { group: filter / filters, images, rows };
                if apart { pass.alone(&block, y) } else { pass.shared(&block, y) }
            });
        });
    });
}

/// Calls `work(first, piece)` for pieces of `per` along an axis, on several threads if `apart`.
fn pieces<T: Send>(
    y: ArrayViewMut4<'_, T>,
    axis: usize,
    (per, apart): (usize, bool),
    first: usize,
    work: &(impl Fn(usize, ArrayViewMut4<'_, T>) + Sync),
) {
    let count = y.len_of(Axis(axis));
    if count <= per {
        return work(first, y);
    }
    let middle = count.div_ceil(per) / 2 * per;
    let (left, right) = y.split_at(Axis(axis), middle);
    let left = || pieces(left, axis, (per, apart), first, work);
    let right = || pieces(right, axis, (per, apart), first + middle, work);
    if apart {
        parallel::both(left, right);
    } else {
        left();
        right();
    }
}

impl<T: Float> Pass<'_, T> {
    fn reserve(&self, apart: bool) {
        let (input, tiling) = (self.tiling.input(), &self.tiling);
        let (before, after) = (tiling.input_scratch(), tiling.output_scratch());
        if apart {
            let all = input + before.max(after);
            return self.workspace.reserve_tasks::<T>(tiling.blocks(), all);
        }
        let tasks = crate::parallel::threads();
        self.workspace.reserve::<T>(1, input.max(after));
        self.workspace.reserve::<T>(1 + tasks, before.max(after));
    }

    /// One block by one thread.
    fn alone(&self, block: &Block, mut y: ArrayViewMut4<'_, T>) {
        let (input, tiling) = (self.tiling.input(), &self.tiling);
        let scratch = tiling.input_scratch().max(tiling.output_scratch());
        self.workspace.with(input + scratch, |memory| {
            let (v, scratch) = memory.split_at_mut(input);
            for (index, v) in v.chunks_exact_mut(tiling.chunk()).enumerate() {
                self.input(block, index, v, scratch);
            }
            for (index, y) in y.axis_chunks_iter_mut(Axis(1), FILTERS).enumerate() {
                self.output(block, index * FILTERS, v, y, scratch);
            }
        });
    }

    /// One block by all threads.
    fn shared(&self, block: &Block, y: ArrayViewMut4<'_, T>) {
        let tiling = &self.tiling;
        let (before, after) = (tiling.input_scratch(), tiling.output_scratch());
        self.workspace.with(tiling.input().max(after), |v| {
            let v = &mut v[..tiling.input()];
            parallel::rows(v, tiling.chunk(), 1, 0, &|first, v| {
                self.workspace.with(before.max(after), |scratch| {
                    for (index, v) in (first..).zip(v.chunks_exact_mut(tiling.chunk())) {
                        self.input(block, index, v, scratch);
                    }
                });
            });
            // A filter is computed by itself, so its bits do not depend on how many share the others.
            let share = y.dim().1.div_ceil(parallel::threads()).next_multiple_of(SIDE);
            pieces(y, 1, (share.min(FILTERS), true), 0, &|first, y| {
                self.workspace.with(before.max(after), |scratch| {
                    self.output(block, first, v, y, scratch);
                });
            });
        });
    }

    /// The transformed input of one block of channels.
    fn input(&self, block: &Block, index: usize, v: &mut [T], scratch: &mut [T]) {
        let geometry = &self.tiling.geometry;
        let (rows, plane) = (self.tiling.of(block), geometry.plane());
        for lane in 0..SIDE {
            let channel = index * SIDE + lane;
            if channel < geometry.channels {
                let image = block.images.start * geometry.groups + block.group;
                let x = &self.x[(image * geometry.channels + channel) * plane..];
                transform::input(&rows, x, v, lane, scratch);
            } else {
                for v in v.chunks_exact_mut(SIDE * rows.columns) {
                    v[lane * rows.columns..][..rows.columns].fill(T::zero());
                }
            }
        }
    }

    /// The results of the filters from `first` on that `y` has room for.
    fn output(
        &self,
        block: &Block,
        first: usize,
        v: &[T],
        mut y: ArrayViewMut4<'_, T>,
        scratch: &mut [T],
    ) {
        let (tiling, columns) = (&self.tiling, self.tiling.columns);
        let (rows, count) = (tiling.of(block), y.dim().1);
        let (m, scratch) = scratch.split_at_mut(POINTS * tiling.pitch());
        let (lines, scratch) = scratch.split_at_mut(tiling.lines());
        for (point, m) in m.chunks_exact_mut(tiling.pitch()).enumerate() {
            for (panel, m) in
                m.chunks_exact_mut(SIDE * columns).take(count.div_ceil(SIDE)).enumerate()
            {
                self.product(block.group, point, first / SIDE + panel, v, m);
            }
        }
        for filter in 0..count {
            let epilogue = (self.epilogue, block.group * tiling.geometry.filters + first + filter);
            let m = &m[filter * columns..];
            transform::output(&rows, (m, tiling.pitch()), epilogue, lines, scratch);
            for (image, mut y) in y.outer_iter_mut().enumerate() {
                let mut y = y.index_axis_mut(Axis(0), filter);
                match y.as_slice_mut() {
                    Some(y) => self.write(block, image, lines, y),
                    None => unreachable!("rows of one plane are neighbours"),
                }
            }
        }
    }

    /// The product of one panel of filters with the input at one pair of points.
    fn product(&self, group: usize, point: usize, panel: usize, v: &[T], m: &mut [T]) {
        let (tiling, packed) = (&self.tiling, &self.packed);
        let u = &self.u[group * packed.group()..][..packed.group()];
        let (left_group, place) = if self.transposed {
            let point = REVERSED[point / REACH] * REACH + REVERSED[point % REACH];
            (POINTS * packed.panel(), point * packed.panel() + panel * SIDE * SIDE)
        } else {
            (SIDE * SIDE, (panel * POINTS + point) * packed.panel())
        };
        let terms = Terms {
            groups: tiling.geometry.channels.div_ceil(SIDE),
            count: SIDE,
            left_group,
            right_group: tiling.chunk(),
            left: if self.transposed { 1 } else { SIDE },
            right: tiling.columns,
            left_row: if self.transposed { SIDE } else { 1 },
            rows: SIDE,
            columns: tiling.columns,
        };
        let u = &u[place..];
        let later = u.as_ptr().wrapping_add(PREFETCH * left_group);
        let next = Prefetch::at(later, (terms.groups, SIDE * SIDE), left_group);
        grouped(isa(), terms, u, &v[point * SIDE * tiling.columns..], m, next);
    }

    /// The lines of one image's tiles to its rows.
    fn write(&self, block: &Block, image: usize, lines: &[T], y: &mut [T]) {
        let (tiling, width) = (&self.tiling, self.tiling.geometry.output[1]);
        let (down, across) = (block.rows.len(), tiling.tiles[1]);
        for (row, y) in y.chunks_exact_mut(width).enumerate() {
            let tiles = (image * down + row / tiling.step) * across;
            let line = &lines[(row % tiling.step * tiling.columns + tiles) * tiling.step..];
            y.copy_from_slice(&line[..width]);
        }
    }
}
