//! Products whose right operand is packed, panel by panel, while the left one is read as it lies.

use std::cell::RefCell;
use std::ops::Range;

use ndarray::{ArrayViewMut2, s};

use super::microkernel::{self, Cover, Panel, lanes, most_vectors};
use super::{Addend, Matrix};
use crate::Float;
use crate::memory::{Block, LINE};
use crate::simd::lanes::{Chunks, in_chunks, part, part_mut};
use crate::simd::prefetch::Prefetch;
use crate::simd::registers::{SIDE, transpose};
use crate::simd::{isa, vectorised};

/// Terms of the sums that are packed at once.
const DEPTH: usize = 288;
/// Bytes of the left operand that are multiplied with one panel after the other, to stay in cache.
const LEFT: usize = 1 << 19;
/// Elements between rows that are so near each other that a panel is read as it lies.
const NEAR: usize = 256;
/// Bytes of a panel at most: [`DEPTH`] rows of four of the widest vectors.
const PANEL: usize = DEPTH * 4 * LINE;

thread_local! {
    /// A panel; kept, so that products allocate nothing.
    static PACKED: RefCell<Block> = RefCell::new(Block::default());
}

/// The right operand of a product.
#[derive(Debug, Clone, Copy)]
pub enum Right<'a, T> {
    /// As it lies.
    Plain(Matrix<'a, T>),
    /// As [`pack`] leaves a matrix of the shape.
    Packed(&'a [T], (usize, usize)),
}

impl<'a, T: Float> Right<'a, T> {
    pub(super) fn shape(&self) -> (usize, usize) {
        match self {
            Right::Plain(matrix) => matrix.shape,
            Right::Packed(_, shape) => *shape,
        }
    }

    /// The panel of some terms and columns: where it lies if it is packed already or its rows are
    /// near each other, or else packed into `spare`.
    fn panel(
        &self,
        terms: &Range<usize>,
        columns: &Range<usize>,
        spare: &'a mut [T],
    ) -> Matrix<'a, T> {
        let (width, shape) =
            (Cover::new::<T>(isa(), columns.len()).width, (terms.len(), columns.len()));
        let data = match self {
            Right::Packed(all, _) => &all[self.start(terms, columns)..],
            Right::Plain(matrix) => {
                let matrix = matrix.block((terms.start, columns.start), shape);
                if matrix.strides.1 == 1 && matrix.strides.0 <= NEAR {
                    return matrix;
                }
                pack_panel(matrix, width, spare);
                spare
            }
        };
        Matrix { data, shape, strides: (width, 1) }
    }

    /// Where in a packed operand a panel begins; those before it are whole vectors.
    fn start(&self, terms: &Range<usize>, columns: &Range<usize>) -> usize {
        terms.start * width::<T>(self.shape().1) + columns.start * terms.len()
    }

    /// Prefetches a panel.
    fn prefetch(&self, terms: &Range<usize>, columns: &Range<usize>) -> Prefetch {
        match self {
            Right::Packed(all, _) => {
                let len = terms.len() * Cover::new::<T>(isa(), columns.len()).width;
                Prefetch::rows(&all[self.start(terms, columns)..], (1, len), len)
            }
            Right::Plain(matrix) => {
                let Matrix { data, strides, shape } =
                    matrix.block((terms.start, columns.start), (terms.len(), columns.len()));
                match strides {
                    (stride, 1) => Prefetch::rows(data, shape, stride),
                    (1, stride) => Prefetch::rows(data, (shape.1, shape.0), stride),
                    _ => Prefetch::NOTHING,
                }
            }
        }
    }
}

/// Ranges of terms, each of one pass.
fn passes(terms: usize) -> impl Iterator<Item = Range<usize>> {
    let depth = terms.div_ceil(terms.div_ceil(DEPTH).max(1)).max(1);
    (0..terms.max(1)).step_by(depth).map(move |start| start..(start + depth).min(terms))
}

/// Ranges of columns, each of one panel: nearly the same width, the last as narrow as its columns.
fn panels<T>(columns: usize) -> impl Iterator<Item = Range<usize>> {
    let vectors = columns.div_ceil(lanes::<T>(isa()));
    let count = vectors.div_ceil(most_vectors(isa()));
    let start = move |panel: usize| (panel * vectors / count * lanes::<T>(isa())).min(columns);
    (0..count).map(move |panel| start(panel)..start(panel + 1))
}

/// Elements of a packed row of all panels.
fn width<T>(columns: usize) -> usize {
    panels::<T>(columns)
        .last()
        .map_or(0, |last| last.start + Cover::new::<T>(isa(), last.len()).width)
}

/// Elements that the packed operand of a shape takes.
#[must_use]
pub fn packed_len<T: Float>((terms, columns): (usize, usize)) -> usize {
    terms * width::<T>(columns)
}

/// Packs a right operand that serves several products.
pub fn pack<'a, T: Float>(matrix: Matrix<'_, T>, to: &'a mut [T]) -> Right<'a, T> {
    let mut rest = &mut *to;
    for terms in passes(matrix.shape.0) {
        for columns in panels::<T>(matrix.shape.1) {
            let width = Cover::new::<T>(isa(), columns.len()).width;
            let (panel, after) = rest.split_at_mut(terms.len() * width);
            let shape = (terms.len(), columns.len());
            pack_panel(matrix.block((terms.start, columns.start), shape), width, panel);
            rest = after;
        }
    }
    Right::Packed(to, matrix.shape)
}

/// Copies part of a row.
struct Copy<'a, T>(&'a [T], &'a mut [T]);

impl<T: Float> Chunks for Copy<'_, T> {
    #[inline(always)]
    fn chunk<const L: usize>(&mut self, at: usize) {
        *part_mut::<T, L>(self.1, at) = *part::<T, L>(self.0, at);
    }
}

vectorised! {
    /// A row of `width` elements for each term; those beyond the columns are left as they are.
    fn pack_panel<T: Float>(matrix: Matrix<'_, T>, width: usize, packed: &mut [T]) {
        let (depth, columns) = matrix.shape;
        if depth == 0 {
            return;
        }
        if matrix.strides.1 == 1 {
            for (p, to) in packed.chunks_exact_mut(width).take(depth).enumerate() {
                in_chunks(columns, &mut Copy(&matrix.data[p * matrix.strides.0..], to));
            }
            return;
        }
        let squares = if matrix.strides.0 == 1 { columns / SIDE * SIDE } else { 0 };
        for column in (0..squares).step_by(SIDE) {
            let from = matrix.block((0, column), (depth, SIDE));
            transpose(from.data, matrix.strides.1, depth, &mut packed[column..], width);
        }
        for column in squares..columns {
            let from = matrix.block((0, column), (depth, 1));
            for p in 0..depth {
                packed[p * width + column] = from.data[p * from.strides.0];
            }
        }
    }
}

/// c = left right, or that added to c if `accumulates`; then plus `add`. By this thread alone.
pub fn multiply<T: Float>(
    left: Matrix<'_, T>,
    right: Right<'_, T>,
    accumulates: bool,
    add: Option<Addend<'_, T>>,
    c: &mut ArrayViewMut2<'_, T>,
) {
    PACKED.with_borrow_mut(|block| {
        if block.bytes() == 0 {
            *block = crate::memory::scratch(PANEL);
        }
        let spare = block.as_mut_slice(PANEL / size_of::<T>());
        let ((rows, depth), columns) = (left.shape, right.shape().1);
        let pass = depth.clamp(1, DEPTH);
        let at_once = (LEFT / size_of::<T>() / pass).next_multiple_of(24);
        for first in (0..rows).step_by(at_once) {
            let count = at_once.min(rows - first);
            for terms in passes(depth) {
                let accumulates = accumulates || terms.start > 0;
                let add = add.filter(|_| terms.end == depth);
                let left = left.block((first, terms.start), (count, terms.len()));
                let mut later = panels::<T>(columns).skip(1);
                for columns in panels::<T>(columns) {
                    let next = match later.next() {
                        Some(next) => right.prefetch(&terms, &next),
                        None => Prefetch::NOTHING,
                    };
                    let panel = Panel { matrix: right.panel(&terms, &columns, spare), next };
                    let add = add.map(|add| add.from(first, columns.start));
                    let mut c = c.slice_mut(s![first..first + count, columns]);
                    microkernel::multiply(isa(), left, panel, accumulates, add, &mut c);
                }
            }
        }
    });
}
