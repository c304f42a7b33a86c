//! Sums of the rows of a small table that are read or added to often.
//!
//! A row that begins anywhere has vectors that lie in two cache lines each, so the table is copied, a
//! strip at a time, to rows that begin at a vector. One row more is what padding stands for.

use super::Bags;
use crate::memory::Workspace;
use crate::product::Matrices;
use crate::simd::lanes::LANES;
use crate::simd::strips::{STRIP, Strips, Vector, add, copy, in_strips, read, vectors, write};
use crate::simd::vectorised;
use crate::{Float, OutOfRange};

/// Elements of a copied table at most, so that it stays in a near cache.
const LARGEST: usize = 1 << 15;
/// Indices that are looked at together, and most indices of a bag.
const BLOCK: usize = 256;

/// Whether rows of a table are used so often, by `indices` in bags of `length`, that a copy of it pays.
pub fn suits(length: usize, indices: usize, rows: usize, width: usize) -> bool {
    (1..=BLOCK).contains(&length) && indices >= 2 * rows && copied(rows, width) <= LARGEST
}

/// Elements of the copy of a strip.
fn copied(rows: usize, width: usize) -> usize {
    (rows + 1) * vectors(width).min(STRIP) * LANES
}

/// `y[i]` = sum over the i-th bag of the table's rows.
pub fn gather_sum<T: Float>(
    bags: Bags<'_>,
    table: &[T],
    y: &mut [T],
    workspace: &Workspace,
) -> Result<(), OutOfRange> {
    bags.check(table)?;
    workspace
        .with(copied(bags.rows, bags.width), |rows| gather(bags, table, rows.as_chunks_mut().0, y));
    Ok(())
}

/// The rows that are added to a table.
#[derive(Clone, Copy)]
pub enum Added<'a, T> {
    /// Rows as they lie, one for each bag.
    Rows(&'a [T]),
    /// Rows that are never written.
    Products(&'a Products<'a, T>),
}

/// The table's rows become the sums of those added in whose bags they are.
pub fn scatter_sum<T: Float>(
    bags: Bags<'_>,
    added: Added<'_, T>,
    table: &mut [T],
    workspace: &Workspace,
) -> Result<(), OutOfRange> {
    bags.check(table)?;
    workspace.with(copied(bags.rows, bags.width), |rows| {
        scatter(bags, added, rows.as_chunks_mut().0, table);
    });
    Ok(())
}

/// Products of a column and a row that are summed at once.
pub const PRODUCTS: usize = 8;

vectorised! {
    fn gather<T: Float>(bags: Bags<'_>, table: &[T], rows: &mut [Vector<T>], y: &mut [T]) {
        in_strips(bags.width, &mut Gather { bags, table, rows, y });
    }
}

vectorised! {
    fn scatter<T: Float>(
        bags: Bags<'_>,
        added: Added<'_, T>,
        rows: &mut [Vector<T>],
        table: &mut [T],
    ) {
        match added {
            Added::Rows(x) => in_strips(bags.width, &mut Scatter { bags, x, rows, table }),
            Added::Products(x) => in_strips(bags.width, &mut Scatter { bags, x, rows, table }),
        }
    }
}

/// Where the rows that are added to a table come from.
trait Rows<T>: Copy {
    /// The vectors of row `i` that begin with its `columns`.
    fn row<const N: usize>(
        &self,
        i: usize,
        columns: Columns,
        rest: &mut [Vector<T>; STRIP],
    ) -> [Vector<T>; N];
}

impl<T: Float> Rows<T> for &[T] {
    #[inline(always)]
    fn row<const N: usize>(
        &self,
        i: usize,
        columns: Columns,
        rest: &mut [Vector<T>; STRIP],
    ) -> [Vector<T>; N] {
        let mut values = [[T::zero(); LANES]; N];
        let row = &self[i * columns.width + columns.from..];
        add(&mut values, read::<T, N>(row, columns.counted, rest));
        values
    }
}

/// Batches of columns and rows whose products are summed, the last one first.
#[derive(Clone, Copy)]
pub struct Products<'a, T> {
    /// Layouts `[.., m, 1]` and `[.., 1, n]`, rows contiguous.
    pub factors: [Option<[Matrices<'a, T>; 2]>; PRODUCTS],
    /// m.
    pub rows: usize,
}

impl<T: Float> Rows<T> for &Products<'_, T> {
    #[inline(always)]
    fn row<const N: usize>(
        &self,
        i: usize,
        columns: Columns,
        rest: &mut [Vector<T>; STRIP],
    ) -> [Vector<T>; N] {
        let (batch, at) = (i / self.rows, i % self.rows);
        let mut values = [[T::zero(); LANES]; N];
        for [column, row] in self.factors.iter().rev().flatten() {
            let (column, row) = (column.get(batch), row.get(batch));
            let factor = column.data[at * column.strides.0];
            let row = read::<T, N>(&row.data[columns.from..], columns.counted, rest);
            for (value, row) in values.iter_mut().zip(row) {
                for (value, &x) in value.iter_mut().zip(row) {
                    *value += factor * x;
                }
            }
        }
        values
    }
}

struct Gather<'a, T> {
    bags: Bags<'a>,
    table: &'a [T],
    /// The strip of the table, and a row of zeros.
    rows: &'a mut [Vector<T>],
    y: &'a mut [T],
}

impl<T: Float> Strips for Gather<'_, T> {
    #[inline(always)]
    fn strip<const N: usize>(&mut self, from: usize) {
        let (bags, columns) = (self.bags, Columns::new::<N>(from, self.bags.width));
        let mut rest = [[T::zero(); LANES]; STRIP];
        let rows = &mut self.rows.as_chunks_mut::<N>().0[..=bags.rows];
        for (i, row) in rows[..bags.rows].iter_mut().enumerate() {
            copy::<T, N>(
                read::<T, N>(&self.table[i * columns.width + from..], columns.counted, &mut rest),
                row,
            );
        }
        rows[bags.rows] = [[T::zero(); LANES]; N];
        let (mut i, mut block) = (0, [0; BLOCK]);
        for indices in bags.indices.chunks(BLOCK / bags.length * bags.length) {
            for bag in known(&bags, indices, &mut block).chunks_exact(bags.length) {
                let mut sums = [[T::zero(); LANES]; N];
                for &row in bag {
                    add(&mut sums, &rows[row as usize]);
                }
                write::<T, N>(&sums, columns.of(self.y, i), columns.counted, &mut rest);
                i += 1;
            }
        }
    }
}

struct Scatter<'a, T, R> {
    bags: Bags<'a>,
    x: R,
    /// The strip of the table, and a row for what is dropped.
    rows: &'a mut [Vector<T>],
    table: &'a mut [T],
}

impl<T: Float, R: Rows<T>> Strips for Scatter<'_, T, R> {
    #[inline(always)]
    fn strip<const N: usize>(&mut self, from: usize) {
        let (bags, columns) = (self.bags, Columns::new::<N>(from, self.bags.width));
        let mut rest = [[T::zero(); LANES]; STRIP];
        let rows = &mut self.rows.as_chunks_mut::<N>().0[..=bags.rows];
        rows.fill([[T::zero(); LANES]; N]);
        let (mut i, mut block) = (0, [0; BLOCK]);
        for indices in bags.indices.chunks(BLOCK / bags.length * bags.length) {
            for bag in known(&bags, indices, &mut block).chunks_exact(bags.length) {
                let values = self.x.row::<N>(i, columns, &mut rest);
                for &row in bag {
                    add(&mut rows[row as usize], &values);
                }
                i += 1;
            }
        }
        for (i, row) in rows[..bags.rows].iter().enumerate() {
            write::<T, N>(row, columns.of(self.table, i), columns.counted, &mut rest);
        }
    }
}

/// The columns of a strip: `counted` of `width` from `from` on.
#[derive(Clone, Copy)]
struct Columns {
    from: usize,
    width: usize,
    counted: usize,
}

impl Columns {
    #[inline(always)]
    fn new<const N: usize>(from: usize, width: usize) -> Columns {
        Columns { from, width, counted: (width - from).min(N * LANES) }
    }

    /// Where they are written in row `i`: on to the end of all rows where they are the whole row, since
    /// the next ones are written later, else to that of the row.
    #[inline(always)]
    fn of<T>(self, rows: &mut [T], i: usize) -> &mut [T] {
        let end = if self.counted == self.width { rows.len() } else { (i + 1) * self.width };
        &mut rows[i * self.width + self.from..end]
    }
}

/// The rows of some indices; that after the last one for what is to be skipped.
#[inline(always)]
fn known<'a>(bags: &Bags<'_>, indices: &[u32], rows: &'a mut [u32; BLOCK]) -> &'a [u32] {
    #[expect(clippy::cast_possible_truncation, reason = "a copied table is small")]
    let (none, padding) = (bags.rows as u32, bags.padding.unwrap_or(u32::MAX));
    for (row, &index) in rows.iter_mut().zip(indices) {
        *row = if index == padding { none } else { index.min(none) };
    }
    &rows[..indices.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_plain_loops_whatever_the_width() {
        let (rows, length, padding) = (5, 3, Some(2));
        let indices: Vec<u32> =
            [0, 4, 1, 1, 2, 3, u32::MAX, 4, 4, 3, 0, 0].into_iter().chain([2; 3]).collect();
        for width in [1, 2, 15, 16, 17, 33, 50, 64, 65, 100, 130] {
            let bags = Bags { indices: &indices, length, padding, rows, width };
            assert!(suits(length, indices.len(), rows, width));
            let number = |i: usize| ((i * 37) % 101) as f32 / 8.0 - 6.0;
            let table: Vec<f32> = (0..rows * width).map(number).collect();
            let x: Vec<f32> = (0..indices.len() / length * width).map(number).collect();
            let workspace = Workspace::default();
            let (mut sums, mut adjoint) = (vec![f32::NAN; x.len()], vec![f32::NAN; table.len()]);
            gather_sum(bags, &table, &mut sums, &workspace).unwrap();
            scatter_sum(bags, Added::Rows(&x), &mut adjoint, &workspace).unwrap();
            let (mut wanted_sums, mut wanted_adjoint) =
                (vec![0.0; x.len()], vec![0.0; table.len()]);
            for (at, &index) in indices.iter().enumerate().filter(|(_, i)| **i < 5 && **i != 2) {
                for column in 0..width {
                    let (bag, row) =
                        (at / length * width + column, index as usize * width + column);
                    wanted_sums[bag] += table[row];
                    wanted_adjoint[row] += x[bag];
                }
            }
            assert_eq!((sums, adjoint), (wanted_sums, wanted_adjoint), "{width}");
        }
    }

    #[test]
    fn an_index_outside_the_table_is_refused() {
        let indices = [0, 1, 2, 3];
        let bags = Bags { indices: &indices, length: 2, padding: None, rows: 2, width: 1 };
        let workspace = Workspace::default();
        let told = gather_sum(bags, &[1.0f32, 2.0], &mut [0.0; 2], &workspace).unwrap_err();
        assert!(matches!(told, OutOfRange { index: 2, .. }), "{told}");
    }
}
