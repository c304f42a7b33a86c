//! Rows of tables: read, summed, added to.

pub mod bags;
pub mod padded;

use crate::simd::vectorised;
use crate::{Float, OutOfRange, row};

/// Where the rows of each index are, and what to skip.
#[derive(Clone, Copy)]
pub struct Bags<'a> {
    /// A row of the table for each position, bag by bag.
    pub indices: &'a [u32],
    /// Indices that share a row.
    pub length: usize,
    /// The index that stands for no row.
    pub padding: Option<u32>,
    /// Rows of the table.
    pub rows: usize,
    /// Elements of a row.
    pub width: usize,
}

impl<'a> Bags<'a> {
    fn is_empty(&self) -> bool {
        self.width == 0 || self.length == 0
    }

    /// Refuses an index outside the table.
    pub fn check<T: Float>(&self, table: &[T]) -> Result<(), OutOfRange> {
        if inside(*self, table) {
            return Ok(());
        }
        // Padding may lie anywhere.
        self.indices.iter().try_for_each(|&index| self.row(index).map(|_| ()))
    }

    /// The table row of an index, if it has one.
    #[inline(always)]
    fn row(&self, index: u32) -> Result<Option<std::ops::Range<usize>>, OutOfRange> {
        if Some(index) == self.padding {
            return Ok(None);
        }
        let row = row(index, self.rows)?;
        Ok(row.map(|row| row * self.width..(row + 1) * self.width))
    }
}

vectorised! {
    /// Whether every index is a row of the table, or `u32::MAX`.
    fn inside<T: Float>(bags: Bags<'_>, table: &[T]) -> bool {
        let next = bags.indices.iter().fold(0, |most, index| most.max(index.wrapping_add(1)));
        (next as usize).saturating_mul(bags.width) <= table.len()
    }
}
