//! Matrix products by register tiles over packed panels.
//!
//! Every element of a product is one chain of fused multiply-adds in the order of the inner axis, so
//! that neither the tiles, nor the threads, nor the width of the vectors change a bit of it.

use ndarray::{ArrayViewMut2, Axis, s};

use super::tile::{COLUMNS, Panel, ROWS, Start, Target, accumulate};
use crate::memory::Workspace;
use crate::parallel;
use crate::simd::prefetch::Prefetch;
use crate::simd::transpose::{TURNED, turn};
use crate::{Float, Layout};

/// Extent of the inner axis that one pass takes.
const DEPTH: usize = 288;
/// Rows of the left operand that are packed at once.
const BLOCK: usize = 1024;
/// Panels whose rows are asked for at once, so that they are read in long runs.
const STRIP: usize = 4;
/// Multiplications from which a product is worth another thread.
const TASK: usize = 1 << 21;

/// A matrix inside a slice: element (i, j) is `data[i * rows + j * columns]`.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a, T> {
    pub data: &'a [T],
    pub rows: usize,
    pub columns: usize,
}

impl<'a, T: Float> Matrix<'a, T> {
    /// Rows of `width` elements, one after the other.
    pub fn rows(data: &'a [T], width: usize) -> Matrix<'a, T> {
        Matrix { data, rows: width, columns: 1 }
    }

    /// The matrix of a layout of two axes.
    pub fn of(data: &'a [T], layout: &Layout) -> Matrix<'a, T> {
        Matrix { data, rows: layout.strides[0], columns: layout.strides[1] }
    }

    pub fn transposed(self) -> Matrix<'a, T> {
        Matrix { data: self.data, rows: self.columns, columns: self.rows }
    }

    fn from(self, row: usize, column: usize) -> Matrix<'a, T> {
        let start = (row * self.rows + column * self.columns).min(self.data.len());
        Matrix { data: &self.data[start..], ..self }
    }

    /// Asks for the first rows and columns, if either lie without gaps.
    fn ahead(self, rows: usize, columns: usize) -> Prefetch {
        match (self.rows, self.columns) {
            (stride, 1) => Prefetch::rows(self.data, (rows, columns), stride),
            (1, stride) => Prefetch::rows(self.data, (columns, rows), stride),
            _ => Prefetch::NOTHING,
        }
    }
}

/// What a product is added to.
#[derive(Debug, Clone, Copy)]
pub enum Onto<'a, T> {
    Zero,
    /// One value a column.
    Row(&'a [T]),
    /// What the result holds already.
    Itself,
}

impl<T> Onto<'_, T> {
    fn after(self, column: usize) -> Self {
        match self {
            Onto::Row(row) => Onto::Row(&row[column..]),
            other => other,
        }
    }
}

/// Ranges of the inner axis, each of one pass.
fn passes(inner: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = inner.div_ceil(DEPTH).max(1);
    let depth = inner.div_ceil(count);
    (0..count).map(move |pass| (pass * depth, depth.min(inner - pass * depth)))
}

/// Elements that the packed right operand `[inner, columns]` takes.
pub fn packed_len(inner: usize, columns: usize) -> usize {
    inner * columns.next_multiple_of(COLUMNS)
}

/// Packs a right operand `[inner, columns]` that serves several products.
pub fn pack<T: Float>(b: Matrix<'_, T>, inner: usize, columns: usize, packed: &mut [T]) {
    for (start, depth) in passes(inner) {
        let at = start * columns.next_multiple_of(COLUMNS);
        let strip = &mut packed[at..at + columns.next_multiple_of(COLUMNS) * depth];
        pack_strip(b.from(start, 0), depth, columns, strip);
    }
}

/// Neighbouring panels: element (p, j) to `[p * COLUMNS + j]` of its panel, zeros beyond `width`.
fn pack_strip<T: Float>(b: Matrix<'_, T>, depth: usize, width: usize, strip: &mut [T]) {
    let whole = if b.columns == 1 { width / COLUMNS } else { 0 };
    for p in 0..if whole > 0 { depth } else { 0 } {
        let row = b.data[p * b.rows..][..whole * COLUMNS].as_chunks::<COLUMNS>().0;
        for (panel, from) in strip.chunks_exact_mut(depth * COLUMNS).zip(row) {
            panel.as_chunks_mut::<COLUMNS>().0[p] = *from;
        }
    }
    let rest = strip.chunks_exact_mut(depth * COLUMNS).enumerate().skip(whole);
    for (i, panel) in rest {
        let column = i * COLUMNS;
        pack_panel(b.from(0, column), depth, COLUMNS.min(width - column), panel);
    }
}

/// Element (p, j) to `panel[p * COLUMNS + j]`, zeros beyond `width`.
fn pack_panel<T: Float>(b: Matrix<'_, T>, depth: usize, width: usize, panel: &mut [T]) {
    if width < COLUMNS {
        panel.fill(T::zero());
    }
    if b.columns == 1 {
        for (p, to) in panel.as_chunks_mut::<COLUMNS>().0.iter_mut().enumerate().take(depth) {
            to[..width].copy_from_slice(&b.data[p * b.rows..][..width]);
        }
    } else {
        transpose::<T, COLUMNS>(b.transposed(), width, depth, panel);
    }
}

/// Element (i, p) of `[count, depth]` to `panel[p * N + i]`.
fn transpose<T: Float, const N: usize>(
    a: Matrix<'_, T>,
    count: usize,
    depth: usize,
    panel: &mut [T],
) {
    if a.columns == 1 && count.is_multiple_of(TURNED) {
        for i in (0..count).step_by(TURNED) {
            turn(&a.data[i * a.rows..], a.rows, depth, &mut panel[i..], N);
        }
        return;
    }
    let panel = &mut panel.as_chunks_mut::<N>().0[..depth];
    for i in 0..count {
        let row = a.data[i * a.rows..].iter().step_by(a.columns.max(1));
        for (to, &from) in panel.iter_mut().zip(row) {
            to[i] = from;
        }
    }
}

/// Packs rows of the left operand, `ROWS` at a time, zeros below the last.
fn pack_left<T: Float>(a: Matrix<'_, T>, rows: usize, depth: usize, packed: &mut [T]) {
    for (tile, panel) in packed.chunks_exact_mut(ROWS * depth).enumerate() {
        let (a, count) = (a.from(tile * ROWS, 0), ROWS.min(rows - tile * ROWS));
        if count < ROWS {
            panel.fill(T::zero());
        }
        if a.rows == 1 {
            for (p, to) in panel.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
                let from = &a.data[p * a.columns..][..count];
                match from.first_chunk::<ROWS>() {
                    Some(from) => *to = *from,
                    None => to[..count].copy_from_slice(from),
                }
            }
        } else {
            transpose::<T, ROWS>(a, count, depth, panel);
        }
    }
}

/// The right operand of a product.
#[derive(Debug, Clone, Copy)]
pub enum Right<'a, T> {
    /// As [`pack`] leaves it.
    Packed(&'a [T]),
    Plain(Matrix<'a, T>),
}

impl<T: Float> Right<'_, T> {
    /// The panel of terms `start..start + depth` from `column` on, packed already or in `spare`.
    fn panel<'b>(
        &'b self,
        (start, depth): (usize, usize),
        (column, columns): (usize, usize),
        spare: &'b mut [T],
    ) -> Panel<'b, T> {
        match self {
            Right::Packed(all) => Panel::Packed(&all[packed_at(start, depth, column, columns)..]),
            Right::Plain(b) => {
                let (b, width) = (b.from(start, column), COLUMNS.min(columns - column));
                if b.columns == 1 && width == COLUMNS {
                    return Panel::Rows(b.data, b.rows, spare);
                }
                pack_panel(b, depth, width, spare);
                Panel::Packed(spare)
            }
        }
    }

    /// Asks for the panels of a strip.
    fn ahead(&self, (start, depth): (usize, usize), (column, columns): (usize, usize)) -> Prefetch {
        let width = (STRIP * COLUMNS).min(columns - column);
        match self {
            Right::Packed(all) => {
                let len = width.next_multiple_of(COLUMNS) * depth;
                Prefetch::rows(&all[packed_at(start, depth, column, columns)..], (1, len), len)
            }
            Right::Plain(b) => b.from(start, column).ahead(depth, width),
        }
    }
}

/// Where the packed panel of a pass and a column begins.
fn packed_at(start: usize, depth: usize, column: usize, columns: usize) -> usize {
    start * columns.next_multiple_of(COLUMNS) + column * depth
}

/// Elements of scratch that [`multiply`] takes for `rows` rows.
pub fn scratch_len(rows: usize, inner: usize) -> usize {
    let depth = inner.min(DEPTH);
    depth * (rows.min(BLOCK).next_multiple_of(ROWS) + COLUMNS)
}

/// c = onto + a b by this thread alone, `a` of `inner` columns.
pub fn multiply<T: Float>(
    a: Matrix<'_, T>,
    b: Right<'_, T>,
    inner: usize,
    onto: Onto<'_, T>,
    c: &mut ArrayViewMut2<'_, T>,
    scratch: &mut [T],
) {
    let (rows, columns) = c.dim();
    if inner == 0 {
        return empty(onto, c);
    }
    for first in (0..rows).step_by(BLOCK) {
        let block = BLOCK.min(rows - first);
        for (pass, (start, depth)) in passes(inner).enumerate() {
            let onto = if pass == 0 { onto } else { Onto::Itself };
            let (left, spare) = scratch.split_at_mut(block.next_multiple_of(ROWS) * depth);
            pack_left(a.from(first, start), block, depth, left);
            let next = passes(inner).nth(pass + 1);
            let mut ahead = Prefetch::NOTHING;
            for column in (0..columns).step_by(COLUMNS) {
                if column.is_multiple_of(STRIP * COLUMNS) {
                    let later = column + STRIP * COLUMNS;
                    ahead = match next {
                        _ if later < columns => b.ahead((start, depth), (later, columns)),
                        Some(next) => b.ahead(next, (0, columns)),
                        None => Prefetch::NOTHING,
                    };
                }
                let width = COLUMNS.min(columns - column);
                let mut panel =
                    b.panel((start, depth), (column, columns), &mut spare[..depth * COLUMNS]);
                let mut c = c.slice_mut(s![first..first + block, column..column + width]);
                tiles(left, &mut panel, depth, onto.after(column), &mut c, &mut ahead);
            }
        }
    }
}

/// The product of an inner axis without elements.
fn empty<T: Float>(onto: Onto<'_, T>, c: &mut ArrayViewMut2<'_, T>) {
    for row in c.rows_mut() {
        match onto {
            Onto::Zero => row.into_iter().for_each(|c| *c = T::zero()),
            Onto::Row(values) => row.into_iter().zip(values).for_each(|(c, &value)| *c = value),
            Onto::Itself => {}
        }
    }
}

/// One panel of columns, tile by tile.
fn tiles<T: Float>(
    left: &[T],
    panel: &mut Panel<'_, T>,
    depth: usize,
    onto: Onto<'_, T>,
    c: &mut ArrayViewMut2<'_, T>,
    ahead: &mut Prefetch,
) {
    let width = c.dim().1;
    let mut row = [T::zero(); COLUMNS];
    if let Onto::Row(values) = onto {
        row[..width].copy_from_slice(&values[..width]);
    }
    let start = if matches!(onto, Onto::Itself) { Start::Itself } else { Start::Row(&row) };
    let whole = c.dim().0 / ROWS * ROWS;
    let mut done = 0;
    if let Some(mut target) = Target::of(&mut c.slice_mut(s![..whole, ..])) {
        accumulate(left, panel, depth, start, &mut target, ahead);
        done = whole;
    }
    // What is no whole tile goes through one.
    let lefts = left.chunks_exact(ROWS * depth).skip(done / ROWS);
    let mut rest = c.slice_mut(s![done.., ..]);
    for (left, mut c) in lefts.zip(rest.axis_chunks_iter_mut(Axis(0), ROWS)) {
        let mut tile = [[T::zero(); COLUMNS]; ROWS];
        for (tile, c) in tile.iter_mut().zip(c.rows()) {
            tile.iter_mut().zip(c).for_each(|(tile, &c)| *tile = c);
        }
        accumulate(left, panel, depth, start, &mut Target::whole(&mut tile), ahead);
        for (tile, c) in tile.iter().zip(c.rows_mut()) {
            c.into_iter().zip(tile).for_each(|(c, &tile)| *c = tile);
        }
    }
}

/// c = onto + a b, shared between threads.
pub fn product<T: Float>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    inner: usize,
    onto: Onto<'_, T>,
    c: ArrayViewMut2<'_, T>,
    workspace: &Workspace,
) {
    let (rows, columns) = c.dim();
    let threads = parallel::threads();
    let parts = threads.min(rows * columns * inner / TASK).max(1);
    workspace.reserve::<T>(parts, scratch_len(rows, inner));
    share(a, b, inner, onto, c, (parts, workspace));
}

fn share<T: Float>(
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    inner: usize,
    onto: Onto<'_, T>,
    mut c: ArrayViewMut2<'_, T>,
    (parts, workspace): (usize, &Workspace),
) {
    let (rows, columns) = c.dim();
    let (half, rest) = (parts / 2, parts - parts / 2);
    if parts == 1 || rows.max(columns) < 2 * COLUMNS {
        return workspace.with(scratch_len(rows, inner), |scratch| {
            multiply(a, Right::Plain(b), inner, onto, &mut c, scratch);
        });
    }
    if columns >= rows {
        let middle = (columns * half / parts).next_multiple_of(COLUMNS);
        let (left, right) = c.split_at(Axis(1), middle);
        let after = onto.after(middle);
        parallel::both(
            || share(a, b, inner, onto, left, (half, workspace)),
            || share(a, b.from(0, middle), inner, after, right, (rest, workspace)),
        );
    } else {
        let middle = (rows * half / parts).next_multiple_of(ROWS);
        let (top, bottom) = c.split_at(Axis(0), middle);
        parallel::both(
            || share(a, b, inner, onto, top, (half, workspace)),
            || share(a.from(middle, 0), b, inner, onto, bottom, (rest, workspace)),
        );
    }
}
