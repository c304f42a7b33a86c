//! What a kernel finds wrong with the values it is given.

/// An index that names no row of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("index {index} is outside a table of {rows} rows")]
pub struct OutOfRange {
    /// The index.
    pub index: u32,
    /// Rows of the table, or classes.
    pub rows: usize,
}

/// The row of a table that an index names; `None` for `u32::MAX`, which names none.
///
/// # Errors
/// [`OutOfRange`] for any other index from `rows` on.
#[inline(always)]
pub fn row(index: u32, rows: usize) -> Result<Option<usize>, OutOfRange> {
    match index {
        u32::MAX => Ok(None),
        index if (index as usize) < rows => Ok(Some(index as usize)),
        index => Err(OutOfRange { index, rows }),
    }
}
