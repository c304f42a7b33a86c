//! Rows that are read next, prefetched line by line while something else is computed.
//!
//! A processor waits for few lines at once, and foresees only neighbours: rows far apart, prefetched
//! between multiplications, are there when they are read.

use super::prefetch;
use crate::memory::LINE;

/// Rows of lines, as far as they have not been prefetched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prefetch {
    line: *const i8,
    /// Lines left of this row, and of all.
    row: usize,
    all: usize,
    /// Lines of a row.
    count: usize,
    /// Bytes from a row's last line to the next row.
    step: usize,
}

impl Prefetch {
    pub(crate) const NOTHING: Self =
        Prefetch { line: std::ptr::null(), row: 1, all: 0, count: 1, step: 0 };

    /// Rows of `width` elements, `stride` elements apart, from the beginning of `data`.
    pub(crate) fn rows<T>(data: &[T], (rows, width): (usize, usize), stride: usize) -> Self {
        Self::at(data.as_ptr(), (rows, width), stride)
    }

    /// As [`Prefetch::rows`], wherever that is: nothing is read.
    #[inline(always)]
    pub(crate) fn at<T>(first: *const T, (rows, width): (usize, usize), stride: usize) -> Self {
        let count = (width * size_of::<T>()).div_ceil(LINE).max(1);
        let step = (stride * size_of::<T>()).wrapping_sub((count - 1) * LINE);
        Prefetch { line: first.cast(), row: count, all: rows * count, count, step }
    }

    /// Prefetches the next line, into the nearest cache or the second; without branches, which would be
    /// mispredicted at a row's end.
    #[inline(always)]
    pub(crate) fn next<const NEAR: bool>(&mut self) {
        prefetch::<NEAR>(self.line);
        let more = usize::from(self.all > 0);
        self.all -= more;
        self.row -= more;
        let end = usize::from(self.row == 0);
        let step = LINE.wrapping_add(end.wrapping_neg() & self.step.wrapping_sub(LINE));
        self.line = self.line.wrapping_add(more.wrapping_neg() & step);
        self.row += end.wrapping_neg() & self.count;
    }
}
