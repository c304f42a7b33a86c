//! Sums of table rows, and rows added to tables.

use super::{Bags, padded};
use crate::memory::Workspace;
use crate::simd::lanes::{Chunks, add_to, in_chunks, part, part_mut};
use crate::simd::vectorised;
use crate::{Float, OutOfRange};

/// Rows of a bag that are summed in registers at once.
const RUN: usize = 16;

/// y = itself, or zero, plus rows of the table that begin at `starts`.
struct Sum<'a, T> {
    y: &'a mut [T],
    table: &'a [T],
    starts: &'a [usize],
    adds: bool,
}

impl<T: Float> Chunks for Sum<'_, T> {
    #[inline(always)]
    fn chunk<const L: usize>(&mut self, at: usize) {
        let y = part_mut::<T, L>(self.y, at);
        let mut sums = if self.adds { *y } else { [T::zero(); L] };
        for &start in self.starts {
            for (sum, &x) in sums.iter_mut().zip(part::<T, L>(self.table, start + at)) {
                *sum += x;
            }
        }
        *y = sums;
    }
}

fn suits_copy(bags: &Bags<'_>) -> bool {
    padded::suits(bags.length, bags.indices.len(), bags.rows, bags.width)
}

/// `y[i]` = sum over the i-th bag of the table's rows.
pub fn gather_sum<T: Float>(
    bags: Bags<'_>,
    table: &[T],
    y: &mut [T],
    workspace: &Workspace,
) -> Result<(), OutOfRange> {
    if bags.is_empty() {
        y.fill(T::zero());
        return Ok(());
    }
    match suits_copy(&bags) {
        true => padded::gather_sum(bags, table, y, workspace),
        false => gather(bags, table, y),
    }
}

vectorised! {
    fn gather<T: Float>(bags: Bags<'_>, table: &[T], y: &mut [T]) -> Result<(), OutOfRange> {
        let table = &table[..bags.rows * bags.width];
        for (y, bag) in y.chunks_exact_mut(bags.width).zip(bags.indices.chunks_exact(bags.length)) {
            for (run, bag) in bag.chunks(RUN).enumerate() {
                let (mut starts, mut count) = ([0; RUN], 0);
                for &index in bag {
                    if let Some(row) = bags.row(index)? {
                        starts[count] = row.start;
                        count += 1;
                    }
                }
                let starts = &starts[..count];
                in_chunks(bags.width, &mut Sum { y, table, starts, adds: run > 0 });
            }
        }
        Ok(())
    }
}

/// Adds `x[i]` to the table's rows of the i-th bag.
pub fn scatter_sum<T: Float>(
    bags: Bags<'_>,
    x: &[T],
    table: &mut [T],
    workspace: &Workspace,
) -> Result<(), OutOfRange> {
    if bags.is_empty() {
        table.fill(T::zero());
        return Ok(());
    }
    match suits_copy(&bags) {
        true => padded::scatter_sum(bags, padded::Added::Rows(x), table, workspace),
        false => scatter(bags, x, table),
    }
}

vectorised! {
    fn scatter<T: Float>(bags: Bags<'_>, x: &[T], table: &mut [T]) -> Result<(), OutOfRange> {
        table.fill(T::zero());
        for (x, bag) in x.chunks_exact(bags.width).zip(bags.indices.chunks_exact(bags.length)) {
            for &index in bag {
                if let Some(row) = bags.row(index)? {
                    add_to(&mut table[row], x);
                }
            }
        }
        Ok(())
    }
}

vectorised! {
    /// Adds `x[i]` to the row of `y` at which each index of the i-th bag stands in `unique`.
    pub fn sum_at<T: Float>(bags: Bags<'_>, unique: &[u32], x: &[T], y: &mut [T]) {
        if bags.is_empty() {
            return;
        }
        for (x, bag) in x.chunks_exact(bags.width).zip(bags.indices.chunks_exact(bags.length)) {
            for &index in bag.iter().filter(|&&index| Some(index) != bags.padding) {
                if let Some(place) = position(unique, index) {
                    add_to(&mut y[place * bags.width..(place + 1) * bags.width], x);
                }
            }
        }
    }
}

/// Where an index stands among distinct ascending ones.
pub fn position(unique: &[u32], index: u32) -> Option<usize> {
    // Padding repeats at the end, so it must not be searched for.
    if index == u32::MAX { None } else { unique.binary_search(&index).ok() }
}
