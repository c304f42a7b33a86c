//! What is read next, asked for line by line while something else is computed.
//!
//! A processor waits for few lines at once, and foresees only neighbours: rows far apart, asked for
//! between multiplications, are there when they are read.

/// Bytes of a line.
pub(crate) const LINE: usize = 64;

/// Rows of lines, as far as they have not been asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ahead {
    next: *const i8,
    /// Lines left of this row, and of all.
    row: usize,
    all: usize,
    /// Lines of a row.
    count: usize,
    /// Bytes from a row's last line to the next row.
    step: usize,
}

impl Ahead {
    pub(crate) const NOTHING: Self =
        Ahead { next: std::ptr::null(), row: 1, all: 0, count: 1, step: 0 };

    /// Rows of `width` elements, `stride` elements apart, from the beginning of `data`.
    pub(crate) fn rows<T>(data: &[T], (rows, width): (usize, usize), stride: usize) -> Self {
        Self::at(data.as_ptr(), (rows, width), stride)
    }

    /// As [`Ahead::rows`], wherever that is: nothing is read.
    #[inline(always)]
    pub(crate) fn at<T>(first: *const T, (rows, width): (usize, usize), stride: usize) -> Self {
        let count = (width * size_of::<T>()).div_ceil(LINE).max(1);
        let step = (stride * size_of::<T>()).wrapping_sub((count - 1) * LINE);
        Ahead { next: first.cast(), row: count, all: rows * count, count, step }
    }

    /// Asks for the next line, into the nearest cache or the second; without branches, which would be
    /// mispredicted at a row's end.
    #[inline(always)]
    pub(crate) fn ask<const NEAR: bool>(&mut self) {
        ask_for_line::<NEAR>(self.next);
        let more = usize::from(self.all > 0);
        self.all -= more;
        self.row -= more;
        let end = usize::from(self.row == 0);
        let step = LINE.wrapping_add(end.wrapping_neg() & self.step.wrapping_sub(LINE));
        self.next = self.next.wrapping_add(more.wrapping_neg() & step);
        self.row += end.wrapping_neg() & self.count;
    }
}

#[inline(always)]
#[cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "a hint takes a pointer, which it does not read through")
)]
pub(crate) fn ask_for_line<const NEAR: bool>(at: *const i8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        // SAFETY: a hint, whatever the pointer.
        unsafe {
            match NEAR {
                true => _mm_prefetch::<_MM_HINT_T0>(at),
                false => _mm_prefetch::<_MM_HINT_T1>(at),
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
